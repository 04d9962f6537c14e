package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"clirgate/rules"
)

func TestCopy(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	reopen := func(c *Copy) *Copy {
		t.Helper()
		if c != nil {
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
		}
		c, err := OpenCopy(ctx, dir)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := reopen(nil)
	load := func() string {
		t.Helper()
		text := ""
		head, err := c.Load(ctx, func(piece []byte) error { text += string(piece) + " "; return nil })
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(text, head.Revision, " ", head.Pieces, " ", head.Saved.Unix())
	}
	save := func(revision uint64, whole bool, pieces map[int]string) error {
		return c.Save(ctx, rules.CopyHead{Revision: revision, Pieces: 8, Saved: time.Unix(int64(revision)*100, 0)}, whole, func(yield func(int, []byte) bool) {
			for id, p := range pieces {
				if !yield(id, []byte(p)) {
					return
				}
			}
		})
	}
	if _, err := c.Load(ctx, nil); !errors.Is(err, rules.ErrNotFound) {
		t.Errorf("empty: %v", err)
	}
	for _, s := range []struct {
		whole  bool
		pieces map[int]string
		want   string
	}{
		{true, map[int]string{1: "one", 2: "two"}, "one two 1 8 100"},
		{false, map[int]string{2: "zwei"}, "one zwei 2 8 200"},
		{false, nil, "one zwei 3 8 300"},
		{true, map[int]string{3: "three"}, "three 4 8 400"},
	} {
		revision := uint64(s.want[len(s.want)-3] - '0')
		if err := save(revision, s.whole, s.pieces); err != nil {
			t.Fatal(err)
		}
		c = reopen(c)
		if got := load(); got != s.want {
			t.Errorf("%s, want %s", got, s.want)
		}
	}
	boom := errors.New("boom")
	if _, err := c.Load(ctx, func([]byte) error { return boom }); !errors.Is(err, boom) {
		t.Errorf("%v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, CopyName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	// Damaged, it is begun anew.
	for _, suffix := range []string{"-wal", "-shm"} {
		_ = os.Remove(filepath.Join(dir, CopyName+suffix))
	}
	if err := os.WriteFile(filepath.Join(dir, CopyName), []byte("this is no database, whatever its name may say about it"), 0o600); err != nil {
		t.Fatal(err)
	}
	c = reopen(nil)
	if _, err := c.Load(ctx, nil); !errors.Is(err, rules.ErrNotFound) {
		t.Errorf("after damage: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := save(9, true, nil); !errors.Is(err, rules.ErrUnavailable) {
		t.Errorf("closed: %v", err)
	}
}
