package casework

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"

	"clirgate/audit"
	"clirgate/numbering"
	"clirgate/trace"
	"clirgate/trace/keyring"
)

// Records finds calls; trace.Vault does.
type Records interface {
	Search(ctx context.Context, q trace.Query, yield func(*trace.Record) bool) error
}

// AddressBook knows the subscribers: the carrier's customer system.
type AddressBook interface {
	// Lookup answers who has a number; ErrUnknownParty when nobody is known.
	Lookup(ctx context.Context, n numbering.Number) (Party, error)
}

// Options of a Service; zero values mean the defaults in brackets.
type Options struct {
	Margin    time.Duration  // around claimed times, for clocks and memories [30 min, at most 12 h]
	MaxPeriod time.Duration  // longest span a claim may name [24 h]
	Sender    Sender         // whose letters these are
	Letters   *Letters       // templates [the embedded ones]
	Zone      *time.Location // of times in letters [UTC]
	Language  string         // of letters to whoever wants no other [nl]
	Now       func() time.Time
	// Correctors put right what is kept elsewhere: CorrectRule, CorrectShielding [none].
	Correctors map[string]Corrector
}

const maxMargin = 12 * time.Hour

func (o Options) withDefaults() Options {
	o.Margin = min(cmp.Or(o.Margin, 30*time.Minute), maxMargin)
	o.MaxPeriod = cmp.Or(o.MaxPeriod, 24*time.Hour)
	o.Language = cmp.Or(o.Language, Languages[0])
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Letters == nil {
		o.Letters = EmbeddedLetters()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Service runs the procedure. Safe for concurrent use.
type Service struct {
	store     Store
	records   Records
	addresses AddressBook
	audit     Auditor
	safe      safe
	o         Options

	marks sync.Mutex // one mark at a time, so that two do not open two drafts
}

// New makes a service; without an address book (nil) nobody can be written to. The ring
// stays the caller's to close, later.
func New(s Store, r Records, b AddressBook, a Auditor, ring *keyring.Ring, o Options) *Service {
	return &Service{store: s, records: r, addresses: b, audit: a, safe: safe{ring}, o: o.withDefaults()}
}

// PublicKey verifies evidence signed here.
func (s *Service) PublicKey(ctx context.Context) (ed25519.PublicKey, error) {
	key, err := s.safe.signer(ctx)
	if err != nil {
		return nil, err
	}
	public, _ := key.Public().(ed25519.PublicKey)
	return public, nil
}

func newID() string { return ulid.Make().String() }

// change is one action on a case: loaded, checked against the procedure, changed by f,
// saved together with the documents f made and its entry in the audit log.
func (s *Service) change(ctx context.Context, by Actor, id string, what action, reason string, f func(*draft) error) (*Case, error) {
	c, err := s.load(ctx, id)
	if err != nil {
		return nil, err
	}
	next, err := c.State.step(what)
	if err != nil {
		return nil, errors.Join(err, s.audited(ctx, by, "refused: "+string(what), c))
	}
	d := &draft{Case: c, ctx: ctx, s: s, by: by, now: s.o.Now()}
	if err := f(d); err != nil {
		return nil, errors.Join(err, s.audited(ctx, by, "refused: "+string(what), c))
	}
	c.State = next
	c.note(d.now, by, what, reason)
	return s.save(ctx, c, caseEvent(by, string(what), c, d.seen), d.docs...)
}

// draft is a case while it is being changed.
type draft struct {
	*Case
	ctx  context.Context
	s    *Service
	by   Actor
	now  time.Time
	docs []Document
	seen []numbering.Number
}

// document seals a document and files it with the change.
func (d *draft) document(kind string, content []byte) (n int, err error) {
	n = d.Documents + 1
	sealed, err := d.s.safe.seal(d.ctx, d.ID, documentName(n), content)
	if err != nil {
		return 0, err
	}
	d.Documents = n
	d.docs = append(d.docs, Document{Owner: d.ID, N: n, Kind: kind, Created: d.now, Sealed: sealed})
	return n, nil
}

func documentName(n int) string { return fmt.Sprintf("document %d", n) }

func caseEvent(by Actor, what string, c *Case, seen []numbering.Number) Event {
	return Event{Actor: by.Name, Role: by.Role, Action: what, Purpose: PurposeNuisance, Case: c.ID, Subjects: seen}
}

// audited notes a look, or what was refused; what cannot be noted is not shown.
func (s *Service) audited(ctx context.Context, by Actor, what string, c *Case, seen ...numbering.Number) error {
	return s.auditEvent(ctx, caseEvent(by, what, c, seen))
}

func (s *Service) auditEvent(ctx context.Context, e Event) error {
	e.At = s.o.Now()
	if err := s.audit.Audit(ctx, e); err != nil {
		return fmt.Errorf("%w: audit: %w", ErrUnavailable, err)
	}
	return nil
}

// load reads and opens a case.
func (s *Service) load(ctx context.Context, id string) (*Case, error) {
	row, err := s.store.Get(ctx, KindCase, id)
	if err != nil {
		return nil, err
	}
	return s.opened(row)
}

func (s *Service) opened(row Row) (*Case, error) {
	if !row.Expires.IsZero() && !row.Expires.After(s.o.Now()) {
		return nil, ErrNotFound // its time is over, deleted already or not
	}
	c := new(Case)
	if err := s.safe.openValue(row.ID, "case", row.Sealed, c); err != nil {
		return nil, err
	}
	c.Revision = row.Revision
	return c, nil
}

// save writes a case with documents and what tells of it, and answers the case.
func (s *Service) save(ctx context.Context, c *Case, e Event, docs ...Document) (*Case, error) {
	c.Revision++
	err := s.put(ctx, Row{
		Kind: KindCase, ID: c.ID, Revision: c.Revision, State: string(c.State), Created: c.Created, Expires: c.Expires, Sole: c.takesMarks(),
	}, c.Claim.Number, c, e, docs...)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// put seals v as the row's, and writes row, documents and the event in one transaction.
func (s *Service) put(ctx context.Context, row Row, about numbering.Number, v any, e Event, docs ...Document) error {
	return s.putAlso(ctx, row, about, v, Elsewhere{}, e, docs...)
}

// putAlso does so with what is put right elsewhere.
func (s *Service) putAlso(ctx context.Context, row Row, about numbering.Number, v any, also Elsewhere, e Event, docs ...Document) (err error) {
	if row.Sealed, err = s.safe.sealValue(ctx, row.ID, string(row.Kind), v); err != nil {
		return err
	}
	if row.Subject, err = s.safe.subject(ctx, about); err != nil {
		return err
	}
	entries, err := s.entries(ctx, e)
	if err != nil {
		return err
	}
	err = s.store.Save(ctx, Change{row, docs, also.Also, append(slices.Clip(also.Audit), entries...)})
	if also.Done != nil {
		also.Done(err)
	}
	return err
}

func (s *Service) entries(ctx context.Context, e Event) ([]audit.Entry, error) {
	e.At = s.o.Now()
	entries, err := s.audit.Entries(ctx, e)
	if err != nil {
		return nil, fmt.Errorf("%w: audit: %w", ErrUnavailable, err)
	}
	return entries, nil
}
