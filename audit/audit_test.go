package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"clirgate/numbering"
	"pgregory.net/rapid"
)

// chain makes a log of n entries.
func chain(n int) []Entry {
	var head Head
	list := make([]Entry, n)
	for i := range list {
		list[i] = Entry{Time: time.Unix(1e9+int64(i), 0), Actor: "alice", Role: "noc", Action: "subscriber.put", Object: fmt.Sprint("o", i), Outcome: Done}.After(head)
		head = list[i].Head()
	}
	return list
}

// rehashed changes an entry and makes its hash anew, as an intruder would.
func rehashed(e *Entry) { e.Detail += "!"; e.Hash = e.sum() }

func TestVerifyNamesTheFault(t *testing.T) {
	swap := func(l []Entry, i, j int) []Entry { l[i], l[j] = l[j], l[i]; return l }
	for _, c := range []struct {
		name   string
		tamper func([]Entry) []Entry
		want   string // "" none
	}{
		{"whole", func(l []Entry) []Entry { return l }, ""},
		{"empty", func(l []Entry) []Entry { return nil }, "entries 1 to 6: each was removed"},
		{"time", func(l []Entry) []Entry { l[2].Time = l[2].Time.Add(time.Microsecond); return l }, "entry 3 was changed"},
		{"actor", func(l []Entry) []Entry { l[2].Actor = "bob"; return l }, "entry 3 was changed"},
		{"role", func(l []Entry) []Entry { l[2].Role = ""; return l }, "entry 3 was changed"},
		{"action", func(l []Entry) []Entry { l[2].Action = "x"; return l }, "entry 3 was changed"},
		{"object", func(l []Entry) []Entry { l[2].Object = "x"; return l }, "entry 3 was changed"},
		{"purpose", func(l []Entry) []Entry { l[2].Purpose = "x"; return l }, "entry 3 was changed"},
		{"case", func(l []Entry) []Entry { l[2].Case = "x"; return l }, "entry 3 was changed"},
		{"outcome", func(l []Entry) []Entry { l[2].Outcome = Refused; return l }, "entry 3 was changed"},
		{"detail", func(l []Entry) []Entry { l[2].Detail = "x"; return l }, "entry 3 was changed"},
		{"text moved from field to field", func(l []Entry) []Entry { l[2].Actor, l[2].Role = "alicenoc", ""; return l }, "entry 3 was changed"},
		{"number up", func(l []Entry) []Entry { l[2].Seq = 5; return l }, "entry 3 was changed"},
		{"number down", func(l []Entry) []Entry { l[2].Seq = 1; return l }, "entry 3 was changed"},
		{"prev", func(l []Entry) []Entry { l[2].Prev[0]++; return l }, "entry 3 was changed"},
		{"hash", func(l []Entry) []Entry { l[2].Hash[0]++; return l }, "entry 3 was changed"},
		{"changed and hashed anew", func(l []Entry) []Entry { rehashed(&l[2]); return l }, "entry 3 was replaced"},
		{"last changed and hashed anew", func(l []Entry) []Entry { rehashed(&l[5]); return l }, "entry 6 was replaced"},
		{"first", func(l []Entry) []Entry { l[0].Detail = "x"; return l }, "entry 1 was changed"},
		{"first removed", func(l []Entry) []Entry { return l[1:] }, "entry 1 was removed"},
		{"removed", func(l []Entry) []Entry { return slices.Delete(l, 2, 3) }, "entry 3 was removed"},
		{"two removed", func(l []Entry) []Entry { return slices.Delete(l, 1, 3) }, "entries 2 to 3: each was removed"},
		{"last removed", func(l []Entry) []Entry { return l[:5] }, "entry 6 was removed"},
		{"swapped", func(l []Entry) []Entry { return swap(l, 2, 3) }, "entry 3 was moved"},
		{"swapped wide", func(l []Entry) []Entry { return swap(l, 1, 4) }, "entry 4 was moved"},
		{"twice", func(l []Entry) []Entry { return slices.Insert(l, 4, l[2]) }, "entry 3 stands there twice"},
		{"one removed, the next changed", func(l []Entry) []Entry { l[3].Detail = "x"; return slices.Delete(l, 2, 3) }, "entry 4 was changed; entry 3 was removed"},
		{"two changed", func(l []Entry) []Entry { l[1].Detail, l[4].Detail = "x", "x"; return l }, "entry 2 was changed; entry 5 was changed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := chain(6)
			kept := l[5].Head()
			l = c.tamper(l)
			v := NewVerifier(Head{})
			for i := range l {
				v.Next(&l[i])
			}
			head, err := v.End(&kept)
			if c.want == "" {
				if err != nil || head != kept {
					t.Fatalf("%v, %v", head, err)
				}
				return
			}
			var broken *BrokenError
			if !errors.As(err, &broken) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// Whatever is done to one entry, it is found, and that entry is named.
func TestAnyTamperingIsNamed(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := chain(rapid.IntRange(2, 20).Draw(rt, "entries"))
		kept := l[len(l)-1].Head()
		i := rapid.IntRange(0, len(l)-1).Draw(rt, "entry")
		named := []uint64{l[i].Seq}
		switch rapid.IntRange(0, 4).Draw(rt, "tampering") {
		case 0:
			flip(rt, &l[i])
		case 1:
			rehashed(&l[i])
		case 2:
			l = slices.Delete(l, i, i+1)
		case 3:
			j := rapid.IntRange(0, len(l)-1).Filter(func(j int) bool { return j != i }).Draw(rt, "to")
			e := l[i]
			l = slices.Insert(slices.Delete(l, i, i+1), j, e)
			if j < i { // then those it went in front of are behind it
				for s := j + 1; s <= i; s++ {
					named = append(named, uint64(s))
				}
			}
		case 4:
			l = slices.Insert(l, rapid.IntRange(i+1, len(l)).Draw(rt, "at"), l[i])
		}
		v := NewVerifier(Head{})
		for i := range l {
			v.Next(&l[i])
		}
		_, err := v.End(&kept)
		var broken *BrokenError
		if !errors.As(err, &broken) {
			rt.Fatalf("not found: %v", err)
		}
		for _, f := range broken.Faults {
			if f.First != f.Last || !slices.Contains(named, f.First) {
				rt.Fatalf("%v, want one of %v named", err, named)
			}
		}
	})
}

// flip changes any one field.
func flip(rt *rapid.T, e *Entry) {
	texts := []*string{&e.Actor, &e.Role, &e.Action, &e.Object, &e.Purpose, &e.Case, (*string)(&e.Outcome), &e.Detail}
	switch i := rapid.IntRange(0, len(texts)+3).Draw(rt, "field"); i {
	case len(texts):
		e.Seq += rapid.Uint64Range(1, 30).Draw(rt, "seq")
	case len(texts) + 1:
		e.Time = e.Time.Add(time.Duration(rapid.Int64Range(1, 1e9).Draw(rt, "µs")) * time.Microsecond)
	case len(texts) + 2:
		e.Prev[rapid.IntRange(0, 31).Draw(rt, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
	case len(texts) + 3:
		e.Hash[rapid.IntRange(0, 31).Draw(rt, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
	default:
		*texts[i] += rapid.StringN(1, 5, 20).Draw(rt, "text")
	}
}

// Untouched logs of any content verify, through an export as well.
func TestExportRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var head Head
		log := &memory{}
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"a\x00b", "\xff", "<&>\u2028", strings.Repeat("é", 3000)}))
		for range rapid.IntRange(0, 8).Draw(rt, "entries") {
			e := Entry{
				Time: time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(rt, "time")), Actor: text.Draw(rt, "actor"), Purpose: text.Draw(rt, "purpose"),
				Detail: text.Draw(rt, "detail"), Object: text.Draw(rt, "object"),
			}.After(head)
			head = e.Head()
			log.entries = append(log.entries, e)
		}
		after := rapid.Uint64Range(0, head.Seq).Draw(rt, "after")
		var file bytes.Buffer
		if err := Export(context.Background(), &file, log, after); err != nil {
			rt.Fatal(err)
		}
		from, got, err := VerifyExport(bytes.NewReader(file.Bytes()))
		if err != nil || got != head || from.Seq != after {
			rt.Fatalf("from %d to %d: %v", from.Seq, got.Seq, err)
		}
		if got, err := VerifyLog(context.Background(), log); err != nil || got != head {
			rt.Fatalf("%v, %v", got, err)
		}
	})
}

// memory is a Log that only answers.
type memory struct{ entries []Entry }

func (m *memory) Append(_ context.Context, e Entry) (Entry, error) { panic("not asked for here") }
func (m *memory) Head(context.Context) (h Head, _ error) {
	if len(m.entries) > 0 {
		h = m.entries[len(m.entries)-1].Head()
	}
	return h, nil
}
func (m *memory) Read(_ context.Context, q Query) (list []Entry, _ error) {
	const page = 3
	for _, e := range m.entries {
		if e.Seq > q.After && (q.Before == 0 || e.Seq < q.Before) && len(list) < page {
			list = append(list, e)
		}
	}
	return list, nil
}

func TestExportSaysWhatIsWrong(t *testing.T) {
	var file bytes.Buffer
	if err := Export(context.Background(), &file, &memory{chain(4)}, 0); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(file.String(), "\n"), "\n")
	if len(lines) != 6 {
		t.Fatalf("%d lines", len(lines))
	}
	f := func(name, text, want string) {
		t.Run(name, func(t *testing.T) {
			_, _, err := VerifyExport(strings.NewReader(text))
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		})
	}
	join := func(l ...string) string { return strings.Join(l, "") }
	f("nothing", "", "cut off")
	f("cut", join(lines[:5]...), "cut off")
	f("cut within a line", file.String()[:file.Len()-10], "line 6 is no entry")
	f("no first line", join(lines[1:]...), "line 1 is not the first")
	f("removed", join(lines[0], lines[1], lines[3], lines[4], lines[5]), "entry 2 was removed")
	f("last removed", join(lines[0], lines[1], lines[2], lines[3], lines[5]), "entry 4 was removed")
	f("moved", join(lines[0], lines[2], lines[1], lines[3], lines[4], lines[5]), "entry 1 was moved")
	f("changed", strings.Replace(file.String(), `"o2"`, `"o9"`, 1), "entry 3 was changed")
	f("a key twice", strings.Replace(file.String(), `"object":"o2"`, `"object":"x","object":"o2"`, 1), "line 4 is no entry")
	f("more behind", file.String()+"{}\n", "line 7 stands behind")
	f("one byte more", strings.Replace(file.String(), `"seq":2`, `"seq": 2`, 1), "line 3 is no entry")
}

// A head kept before shows that the log was made anew since.
func TestKeptHead(t *testing.T) {
	l := chain(5)
	kept := l[2].Head()
	v := NewVerifier(Head{})
	for i := range 3 {
		v.Next(&l[i])
	}
	if _, err := v.End(&kept); err != nil {
		t.Fatal(err)
	}
	v = NewVerifier(kept)
	v.Next(&l[3])
	v.Next(&l[4])
	if head, err := v.End(nil); err != nil || head != l[4].Head() {
		t.Fatalf("%v, %v", head, err)
	}
	other := chain(5)
	other[1].Detail = "forged"
	for i := range other { // the whole chain hashed anew
		h := Head{}
		if i > 0 {
			h = other[i-1].Head()
		}
		other[i] = other[i].After(h)
	}
	if _, err := Verify(other); err != nil {
		t.Fatal(err)
	}
	v = NewVerifier(kept)
	v.Next(&other[3])
	if _, err := v.End(nil); err == nil || !strings.Contains(err.Error(), "entry 3 was replaced") {
		t.Errorf("%v", err)
	}
	if want := "clirgate audit head 3 " + kept.Hash.String(); kept.Text() != want {
		t.Errorf("%q", kept.Text())
	}
}

func TestNumbers(t *testing.T) {
	n, other := numbering.New(numbering.International, []byte("31612345678")), numbering.New(numbering.International, []byte("31612345679"))
	if s := Subscriber(n); s != "subscriber:+31612345678" {
		t.Error(s)
	}
	a, b, c := Keyed([]byte("k"), n), Keyed([]byte("k"), other), Keyed([]byte("l"), n)
	if a == b || a == c || a != Keyed([]byte("k"), n) || !strings.HasPrefix(a, "number:~") || len(a) != len("number:~")+24 || strings.Contains(a, "61234") {
		t.Errorf("%q %q %q", a, b, c)
	}
	for actor, want := range map[string][2]string{"noc:alice": {"alice", "noc"}, "system": {"system", "system"}, "a:b:c": {"b:c", "a"}} {
		if name, role := Who(actor); name != want[0] || role != want[1] {
			t.Errorf("%s: %s, %s", actor, name, role)
		}
	}
}

func TestFaultsAreBounded(t *testing.T) {
	l := chain(3 * maxFaults)
	for i := range l {
		l[i].Detail = "x"
	}
	_, err := Verify(l)
	var broken *BrokenError
	if !errors.As(err, &broken) || len(broken.Faults) != maxFaults || broken.More != 2*maxFaults {
		t.Errorf("%v", err)
	}
}

func FuzzVerifyExport(f *testing.F) {
	var file bytes.Buffer
	if err := Export(context.Background(), &file, &memory{chain(3)}, 0); err != nil {
		f.Fatal(err)
	}
	f.Add(file.String())
	f.Add("{\"from\":{\"seq\":0}}\n")
	f.Fuzz(func(t *testing.T, text string) {
		from, head, err := VerifyExport(strings.NewReader(text))
		if lines := strings.Count(strings.TrimSuffix(text, "\n"), "\n") + 1; err == nil && uint64(lines) != head.Seq-from.Seq+2 {
			t.Errorf("%d lines from %d to %d verify", lines, from.Seq, head.Seq)
		}
	})
}
