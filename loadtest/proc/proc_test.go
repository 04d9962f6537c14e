package proc

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	s, err := parse([]byte("42 (a (b) c) S 7 42 42 0 -1 4194560 100 0 0 0 150 50 3 4 20 0 9 0 100 1000 25 18446744073709551615"))
	if err != nil {
		t.Fatal(err)
	}
	if s.parent != 7 || s.user != 1530*time.Millisecond || s.system != 540*time.Millisecond || s.rss != 25*int64(os.Getpagesize()) {
		t.Errorf("%+v", s)
	}
	for _, bad := range []string{"", "1 (a", "1 (a) S 2 3"} {
		if _, err := parse([]byte(bad)); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

func TestOfCountsChildren(t *testing.T) {
	c := exec.Command("sleep", "60")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Process.Kill(); _ = c.Wait() }()
	u, err := Of(os.Getpid())
	if err != nil || u.Processes < 2 || u.RSS == 0 {
		t.Errorf("%+v, %v: want this process and its child", u, err)
	}
	if _, err := Of(1 << 30); err == nil {
		t.Error("a process that is not there is summed up")
	}
	if Name(c.Process.Pid) == "" {
		t.Error("the child has no name")
	}
}
