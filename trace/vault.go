package trace

import (
	"context"
	"errors"
	"time"
)

// EntryStore is a Store that files sealed records under their tokens, so that they can
// be found without being opened.
type EntryStore interface {
	Store
	// Find yields the records filed under any of filed and begun in [from, to), closed,
	// with their updates, in order of time; newest first when newest. All of filed are
	// of one day. Ends early with ctx.
	Find(ctx context.Context, filed []Filed, from, to time.Time, newest bool, yield func(*Record) bool) error
	// DropDays deletes all that is kept of a service's days before first, from the disk
	// as well, and tells how many records that were. Doing it again does no harm.
	DropDays(ctx context.Context, s Service, first Day) (records int, err error)
}

// ManyDays is an EntryStore where every question costs a journey: what Find is asked for
// may be of many days.
type ManyDays interface {
	EntryStore
	ManyDays()
}

// Vault is a store that nobody can read without its keys: a Recorder on it seals what it
// writes; searches and scans open what they find.
type Vault struct {
	store EntryStore
	keys  *Keys
	now   func() time.Time
}

var (
	_ Store  = (*Vault)(nil)
	_ Sealer = (*Vault)(nil)
)

// NewVault makes a vault of a store and the keys to it. now nil: time.Now.
func NewVault(s EntryStore, k *Keys, now func() time.Time) *Vault {
	if now == nil {
		now = time.Now
	}
	return &Vault{s, k, now}
}

// AppendSealed seals a record.
func (v *Vault) AppendSealed(dst []byte, r *Record) []byte { return v.keys.AppendSealed(dst, r) }

// Append makes a batch durable, and before it the keys it was sealed with.
func (v *Vault) Append(batch []Entry) error {
	if err := v.keys.Save(); err != nil {
		return err
	}
	return v.store.Append(batch)
}

// Scan yields records in order of time, their identities open. Those that cannot be
// opened are passed over; the error tells of them at the end.
func (v *Vault) Scan(from, to time.Time, yield func(*Record) bool) error {
	var closed error
	err := v.store.Scan(from, to, func(r *Record) bool {
		if err := v.keys.Open(r); err != nil {
			closed = err
			return true
		}
		return yield(r)
	})
	return errors.Join(err, closed)
}

// ScanClosed yields records in order of time as they are stored: enough for whoever
// counts and need not know of whom. Expired ones are left out.
func (v *Vault) ScanClosed(from, to time.Time, yield func(*Record) bool) error {
	now := v.now()
	return v.store.Scan(from, to, func(r *Record) bool { return !r.Expires.After(now) || yield(r) })
}

// Close closes the store.
func (v *Vault) Close() error { return v.store.Close() }

// Dropped counts what a purge deleted of one service; it never says of whom.
type Dropped struct {
	Service Service
	First   Day // the first day that is kept
	Records int
	Keys    int
}

// Purge deletes the days whose records are past their retention, and destroys their
// keys: what a backup or a sector still holds of them opens no more. Run it at every
// NextDrop, and at start.
func (v *Vault) Purge(ctx context.Context, months Retention) (dropped []Dropped, err error) {
	for _, s := range Services {
		d := Dropped{Service: s, First: FirstKept(v.now(), months.Of(s))}
		var failed error
		if d.Records, failed = v.store.DropDays(ctx, s, d.First); failed != nil {
			err = errors.Join(err, failed)
		}
		// The keys go also when the deletion failed: that is what they are for.
		if d.Keys, failed = v.keys.destroy(ctx, s, d.First); failed != nil {
			err = errors.Join(err, failed)
		}
		if d.Records > 0 || d.Keys > 0 {
			dropped = append(dropped, d)
		}
	}
	return dropped, err
}
