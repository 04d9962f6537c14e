// Package migrate brings what one gateway keeps in its data directory to the store that
// several gateways share: rules with their history, the audit log, tokens, cases, the
// shielding list and the keys; and the records, once no gateway has them open. It may be
// run as often as one likes, also beside a running gateway, and does what is left to do.
package migrate

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"clirgate/admin/token"
	"clirgate/audit"
	"clirgate/casework"
	"clirgate/casework/bills"
	"clirgate/cmd/clirgate/config"
	"clirgate/cmd/clirgate/gateway"
	"clirgate/rules"
	"clirgate/store/pebble"
	"clirgate/store/postgres"
	"clirgate/store/sqlite"
	"clirgate/trace/keyring"
	"clirgate/trace/outbox"
)

// ErrOther: the shared store was not filled from this data directory.
var ErrOther = errors.New("the shared store has a history of its own; migrate into an empty database, before any gateway uses it")

// Done counts what was brought over this time.
type Done struct {
	Changes, Entries, Tokens, Keys, Cases, Shielded int
	Records                                         uint64 // and updates
	RecordsWait                                     bool   // a gateway has the records open: it ships them itself
	Live                                            bool   // the shared store has gone on since the last run: only what is missing was added
}

// migration is one run.
type migration struct {
	from *sqlite.DB
	to   *postgres.DB
	cfg  *config.Config
	Done
}

// Run migrates the data directory of cfg to the store at url.
func Run(ctx context.Context, cfg *config.Config, url string) (done Done, err error) {
	from, err := sqlite.Open(ctx, cfg.Data)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := postgres.Open(ctx, url)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	m := &migration{from: from, to: to, cfg: cfg}
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"audit log", m.follows}, {"rules", m.changes}, {"rules", m.same}, {"audit log", m.audit}, {"tokens", m.tokens},
		{"keys", m.keys}, {"cases", m.cases}, {"shielding list", m.shielded}, {"records", m.records},
	} {
		if err := step.do(ctx); err != nil {
			return m.Done, fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return m.Done, nil
}

// follows makes sure that what the shared store has came from here.
func (m *migration) follows(ctx context.Context) error {
	there, err := m.to.Audit().Head(ctx)
	if err != nil || there.Seq == 0 {
		return err
	}
	here, err := m.from.Audit().Head(ctx)
	if err != nil {
		return err
	}
	m.Live = there.Seq > here.Seq
	last := min(there.Seq, here.Seq)
	a, err := entry(ctx, m.from.Audit(), last)
	if err != nil {
		return err
	}
	b, err := entry(ctx, m.to.Audit(), last)
	if err != nil {
		return err
	}
	if a.Hash != b.Hash {
		return ErrOther
	}
	return nil
}

func entry(ctx context.Context, l audit.Log, seq uint64) (e audit.Entry, err error) {
	if seq == 0 {
		return e, nil
	}
	list, err := l.Read(ctx, audit.Query{After: seq - 1, Before: seq + 1, Limit: 1})
	if err == nil && len(list) == 0 {
		err = audit.ErrNoEntry
	}
	if err != nil {
		return e, err
	}
	return list[0], nil
}

// changes repeats every change of the rules.
func (m *migration) changes(ctx context.Context) error {
	after, err := m.to.Rules().Revision(ctx)
	if err != nil {
		return err
	}
	const page = 20 // a change may have 20,000 items
	for !m.Live {
		list, err := m.from.Rules().History(ctx, rules.Query{After: after, Items: true, Limit: page})
		if err != nil {
			return err
		}
		for _, c := range list {
			if err := m.to.ImportChange(ctx, c); err != nil {
				return err
			}
			m.Changes++
			after = c.Revision
		}
		if len(list) < page {
			return nil
		}
	}
	return nil
}

// same expects the same rules here and there.
func (m *migration) same(ctx context.Context) error {
	if m.Live {
		return nil
	}
	type seen struct {
		revision uint64
		services rules.Services
	}
	const page = 10_000
	for a, b := (rules.Versioned{}), (rules.Versioned{}); ; {
		here, err := m.from.Rules().List(ctx, a.Number, page)
		if err != nil {
			return err
		}
		there, err := m.to.Rules().List(ctx, b.Number, page)
		if err != nil {
			return err
		}
		for i := range min(len(here), len(there)) {
			a, b = here[i], there[i]
			if a.Number != b.Number || (seen{a.Revision, a.Services()}) != (seen{b.Revision, b.Services()}) {
				return fmt.Errorf("a subscriber at revision %d here is another at revision %d there", a.Revision, b.Revision)
			}
		}
		if len(here) != len(there) {
			return fmt.Errorf("%d subscribers in a page here, %d there: were rules changed meanwhile? Run it again", len(here), len(there))
		}
		if len(here) < page {
			return nil
		}
	}
}

// audit copies the log, which stays verifiable.
func (m *migration) audit(ctx context.Context) error {
	for !m.Live {
		head, err := m.to.Audit().Head(ctx)
		if err != nil {
			return err
		}
		list, err := m.from.Audit().Read(ctx, audit.Query{After: head.Seq})
		if err != nil || len(list) == 0 {
			return err
		}
		if err := m.to.ImportAudit(ctx, list); err != nil {
			return err
		}
		m.Entries += len(list)
	}
	return nil
}

func (m *migration) tokens(ctx context.Context) error {
	here, err := m.from.Tokens().Tokens(ctx)
	if err != nil {
		return err
	}
	for _, r := range here {
		there, err := m.to.Tokens().TokenByHash(ctx, r.Hash)
		switch {
		case errors.Is(err, token.ErrNotFound):
			if err := m.to.Tokens().AddToken(ctx, r); err != nil {
				return err
			}
			m.Tokens++
		case err != nil:
			return err
		case !r.Revoked.IsZero() && there.Revoked.IsZero():
			if err := m.to.Tokens().RevokeToken(ctx, r.ID, r.Revoked); err != nil {
				return err
			}
			m.Tokens++
		}
	}
	return nil
}

// keys puts the wrapped keys on the shelf: all nodes need the same master key.
func (m *migration) keys(ctx context.Context) error {
	list, err := keyring.SharedIn(ctx, keyring.ReadFile(filepath.Join(m.cfg.Data, gateway.RingFile)))
	if err != nil || len(list) == 0 {
		return err
	}
	there, _, err := m.to.Keys().After(ctx, 0)
	if err != nil {
		return err
	}
	if err := m.to.Keys().Put(ctx, list, false); err != nil {
		return err
	}
	m.Keys = max(0, len(list)-len(there))
	newest := make(map[string]keyring.Shared)
	for _, k := range list {
		newest[k.Name] = k
	}
	for _, name := range append(casework.SharedKeys(), bills.KeyName) {
		if k, ok := newest[name]; ok {
			if _, err := m.to.Keys().Claim(ctx, k); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *migration) cases(ctx context.Context) error {
	var failed error
	err := m.from.Cases().List(ctx, casework.Filter{}, func(row casework.Row) bool {
		failed = m.oneCase(ctx, row)
		return failed == nil
	})
	return errors.Join(err, failed)
}

func (m *migration) oneCase(ctx context.Context, row casework.Row) error {
	list, err := m.from.Cases().Documents(ctx, row.ID)
	if err != nil {
		return err
	}
	for i := range list {
		if list[i], err = m.from.Cases().Document(ctx, row.ID, list[i].N); err != nil {
			return err
		}
	}
	done, err := m.to.ImportCase(ctx, row, list)
	if done {
		m.Cases++
	}
	return err
}

func (m *migration) shielded(ctx context.Context) error {
	there := make(map[[16]byte]bills.Row)
	if err := m.to.Bills().All(ctx, func(r bills.Row) bool { there[r.Number] = r; return true }); err != nil {
		return err
	}
	var rows []bills.Row
	err := m.from.Bills().All(ctx, func(r bills.Row) bool {
		if old, ok := there[r.Number]; !ok || old != r && !m.Live {
			rows = append(rows, r)
		}
		return true
	})
	if err != nil || len(rows) == 0 {
		return err
	}
	m.Shielded = len(rows)
	return m.to.Bills().Save(ctx, bills.Change{Put: rows})
}

// records ships them, unless a gateway has them open.
func (m *migration) records(ctx context.Context) (err error) {
	s, err := pebble.Open(filepath.Join(m.cfg.Data, gateway.RecordsFolder), pebble.Options{Outbox: true})
	if errors.Is(err, pebble.ErrLocked) {
		m.RecordsWait = true
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for more := true; more; {
		if more, err = s.LogEarlier(); err != nil {
			return err
		}
	}
	shipper := outbox.New(s, m.to.Records(nil), outbox.Options{Node: m.cfg.Node})
	err = shipper.Ship(ctx)
	m.Records = shipper.Status().Shipped
	return err
}
