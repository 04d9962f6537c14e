package gateway

import (
	"strings"
	"testing"
	"time"

	"clirgate/store/postgres"
	"clirgate/store/postgres/pgtest"
)

// A node whose clock is wrong deletes nothing of what all nodes share, nor the keys to it.
func TestWrongClockDeletesNothing(t *testing.T) {
	url := pgtest.Common(t).Database(t)
	db, err := postgres.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for off, may := range map[time.Duration]bool{0: true, time.Hour: false, -400 * 24 * time.Hour: false} {
		s := &shipping{shared: &sharedRecords{now: func() time.Time { return time.Now().Add(off) }}}
		if s.mayDelete() {
			t.Error("it may before it knows")
		}
		err := s.compareClocks(t.Context(), db.Records(nil))
		if s.mayDelete() != may || (err == nil) != may || err != nil && !strings.Contains(err.Error(), "clock") {
			t.Errorf("%v off: %v, %v", off, s.mayDelete(), err)
		}
	}
	if !(*shipping)(nil).mayDelete() {
		t.Error("a local store is held back")
	}
	_ = db.Close()
	s := &shipping{shared: &sharedRecords{now: time.Now}}
	if err := s.compareClocks(t.Context(), db.Records(nil)); err == nil || s.mayDelete() {
		t.Errorf("a server that does not answer: %v", err)
	}
}
