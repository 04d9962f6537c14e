package transaction

import (
	"testing"

	"pgregory.net/rapid"
)

type thing struct {
	key   string
	score int
	held  int
	entry entry[*thing]
}

func (x *thing) hold() { x.held++ }

// An index behaves like a list that is searched from its newest end, also when
// hashes collide.
func TestIndexLikeAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var x index[*thing]
		x.init()
		var list []*thing
		key := rapid.SampledFrom([]string{"a", "b", "c", "d"})
		hash := func(key string) uint64 { return uint64(key[0]) % 2 }
		newThing := func() *thing {
			n := &thing{key: key.Draw(t, "key"), score: rapid.IntRange(0, 3).Draw(t, "score")}
			n.entry = entry[*thing]{hash: hash(n.key), ident: []byte(n.key), tx: n}
			return n
		}
		newest := func(key string, better func(a, b *thing) bool) (found *thing) {
			for i := len(list) - 1; i >= 0; i-- {
				if list[i].key == key && (found == nil || better(list[i], found)) {
					found = list[i]
				}
			}
			return found
		}
		first := func(a, b *thing) bool { return false }
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				n := newThing()
				x.add(&n.entry)
				list = append(list, n)
			},
			"addNew": func(t *rapid.T) {
				n := newThing()
				want := newest(n.key, first)
				other, exists := x.addNew(&n.entry)
				if exists != (want != nil) || other != want {
					t.Fatalf("addNew(%s): %v, want %v", n.key, other, want)
				}
				if !exists {
					list = append(list, n)
				}
			},
			"remove": func(t *rapid.T) {
				if len(list) == 0 {
					return
				}
				i := rapid.IntRange(0, len(list)-1).Draw(t, "i")
				x.remove(&list[i].entry)
				x.remove(&list[i].entry)
				list = append(list[:i:i], list[i+1:]...)
			},
			"find": func(t *rapid.T) {
				k := key.Draw(t, "key")
				want := newest(k, first)
				got, ok := x.find(hash(k), []byte(k))
				if got != want || ok != (want != nil) {
					t.Fatalf("find(%s): %v, want %v", k, got, want)
				}
				want = newest(k, func(a, b *thing) bool { return a.score > b.score })
				if got, _ := x.best(hash(k), []byte(k), func(a *thing) int { return a.score }); got != want {
					t.Fatalf("best(%s): %v, want %v", k, got, want)
				}
			},
		})
	})
}
