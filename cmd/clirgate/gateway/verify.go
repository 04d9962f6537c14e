package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"clirgate/cmd/clirgate/config"
	"clirgate/store/pebble"
	"clirgate/trace"
	"clirgate/trace/keyring"
)

// VerifyRecords reads every record and search key of the store in dir, which no gateway
// has open, and says what it found, with a verdict at the end. Identities are opened when
// the master key can be had, and shown to nobody. step is told how far it is. When ctx ends
// it says what it has found by then.
func VerifyRecords(ctx context.Context, w io.Writer, cfg *config.Config, dir string, step func(pebble.Looked)) error {
	ring, masterErr := keyring.Open(ctx, keyring.ReadFile(filepath.Join(cfg.Data, RingFile)), master(cfg.Trace))
	if ring == nil {
		return masterErr
	}
	s, err := pebble.Open(dir, pebble.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	v := verified{keys: trace.NewKeys(ring), now: time.Now(), masterErr: masterErr}
	v.Checked, err = s.Check(ctx, v.look, step)
	v.err = errors.Join(err, s.Close())
	return v.tell(w)
}

// verified is what was found of a store.
type verified struct {
	pebble.Checked
	keys           *trace.Keys
	now            time.Time
	masterErr      error // why identities were not opened; nil: they were
	opened, closed int
	why            error // of one that does not open
	err            error // why it was not read to its end
}

func (v *verified) look(r *trace.Record) {
	if v.masterErr != nil || r.Expires.Before(v.now) {
		return // its key may be gone already
	}
	if err := v.keys.Open(r); err != nil {
		v.closed, v.why = v.closed+1, err
		return
	}
	v.opened++
}

var (
	errNotWhole    = errors.New("the store is not whole")
	errInterrupted = errors.New("interrupted")
)

// tell writes what was found, and the verdict.
func (v *verified) tell(w io.Writer) error {
	fmt.Fprintf(w, "%d records, %d updates; %d updates without a record, as of calls that went on without one\n", v.Records, v.Updates, v.Lone)
	fmt.Fprintf(w, "%d unreadable, %d search keys missing, %d search keys without a record, %d days miscounted\n", v.Unreadable, v.Unfiled, v.Dangling, v.Miscounted)
	if v.masterErr != nil {
		fmt.Fprintf(w, "identities not opened: %v\n", v.masterErr)
	} else {
		fmt.Fprintf(w, "identities of %d records open, of %d not\n", v.opened, v.closed)
	}
	verdict, err := v.verdict()
	fmt.Fprintln(w, "verdict: "+verdict)
	return err
}

func (v *verified) verdict() (string, error) {
	const salvage = "; what can be read of a database that was set aside is taken over by: clirgate records salvage"
	switch {
	case errors.Is(v.err, context.Canceled):
		return "none, it was interrupted: the figures are of what was read until then", errInterrupted
	case v.err != nil:
		return "damaged, it cannot be read to its end" + salvage, v.err
	case !v.Whole():
		return "not whole" + salvage, errNotWhole
	case v.closed > 0:
		return "whole, but not all identities can be opened: keys are missing", v.why
	case v.masterErr != nil:
		return "whole, as far as can be said without the master key", nil
	}
	return "whole", nil
}
