package pebble

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"clirgate/trace"
	"clirgate/trace/tracetest"
)

// childEnv makes the test binary the child of TestKill.
const childEnv = "CLIRGATE_TEST_RECORDS"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		writeForEver(dir)
	}
	os.Exit(m.Run())
}

// writeForEver records calls and prints the ID of each that was acknowledged.
func writeForEver(dir string) {
	d, err := openDir(dir)
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	r := trace.NewRecorder(d, trace.Options{})
	for {
		rec := tracetest.Record(time.Now())
		r.Begin(rec, &acknowledged{rec.ID})
		time.Sleep(20 * time.Microsecond)
	}
}

type acknowledged struct{ id trace.ID }

var out sync.Mutex

func (a *acknowledged) Recorded(err error) {
	if err == nil {
		out.Lock()
		defer out.Unlock()
		_, _ = os.Stdout.WriteString("ack " + a.id.String() + "\n") // straight to the pipe
	}
}

// kill -9 under load, again and again in the same directory: every acknowledged record
// is there afterwards.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	var acks []string
	for round := range 3 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+dir)
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stdout)
		for n := 0; lines.Scan(); n++ {
			var id string
			if _, err := fmt.Sscanf(lines.Text(), "ack %s", &id); err != nil || len(id) != 26 {
				break // cut short by the kill
			}
			acks = append(acks, id)
			if n == 400+137*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // killed
	}
	d := openData(t, dir)
	defer d.close(t)
	found := map[string]bool{}
	err := d.Scan(time.Now().Add(-time.Hour), time.Now().Add(time.Hour), func(r *trace.Record) bool {
		found[r.ID.String()] = !r.Closed()
		return true
	})
	if err != nil || len(d.records.Damaged()) > 0 {
		t.Errorf("scan: %v, damaged: %v", err, d.records.Damaged())
	}
	missing := 0
	for _, id := range acks {
		if !found[id] {
			missing++
		}
	}
	if missing > 0 || len(acks) < 1200 {
		t.Errorf("%s of %d acknowledged records are missing", strconv.Itoa(missing), len(acks))
	}
}
