package bills

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"clirgate/casework"
	"clirgate/numbering"
	"clirgate/trace/keyring"
)

// Service keeps the list in a store that tells no number without the key.
type Service struct {
	store Store
	audit casework.Auditor
	ring  *keyring.Ring
}

// KeyName is the key's name in the ring. It must be the same on all nodes that share a
// store.
const KeyName = "bills/numbers"

// New makes a service. The ring stays the caller's to close, later.
func New(s Store, a casework.Auditor, ring *keyring.Ring) *Service { return &Service{s, a, ring} }

// block is the cipher of the key in use: nodes that share a store may have come to use the
// same one only after the start. While the master key is away it is not known.
func (s *Service) block(ctx context.Context) (cipher.Block, error) {
	k, err := s.ring.Lasting(ctx, KeyName)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return aes.NewCipher(k.Secret[:])
}

func seal(block cipher.Block, e Entry) (r Row) {
	binary.BigEndian.PutUint64(r.Number[8:], uint64(e.Number))
	block.Encrypt(r.Number[:], r.Number[:])
	r.From, r.Until, r.Source = e.From, e.Until, e.Source
	return r
}

func open(block cipher.Block, r Row) (Entry, error) {
	var b [16]byte
	block.Decrypt(b[:], r.Number[:])
	if binary.BigEndian.Uint64(b[:]) != 0 {
		return Entry{}, fmt.Errorf("%w: a number that another key sealed", ErrUnavailable)
	}
	return Entry{numbering.Number(binary.BigEndian.Uint64(b[8:])), r.From, r.Until, r.Source}, nil
}

var errEntry = errors.New("bills: an entry has a number and the date it is shielded from")

// Put shields numbers, or changes from when and until when they are.
func (s *Service) Put(ctx context.Context, by casework.Actor, entries ...Entry) error {
	e, err := putting(by, entries)
	if err != nil {
		return err
	}
	return s.save(ctx, change{put: entries}, e)
}

// Putting is what Put would save, sealed, for somebody else's transaction.
func (s *Service) Putting(ctx context.Context, by casework.Actor, entries ...Entry) (Change, error) {
	e, err := putting(by, entries)
	if err != nil {
		return Change{}, err
	}
	return s.sealed(ctx, change{put: entries}, e)
}

func putting(by casework.Actor, entries []Entry) (casework.Event, error) {
	var seen []numbering.Number
	for _, e := range entries {
		if e.Number == 0 || e.From == NoDate || e.Until != NoDate && e.Until <= e.From {
			return casework.Event{}, errEntry
		}
		seen = append(seen, e.Number)
	}
	return casework.Event{Actor: by.Name, Role: by.Role, Action: "shield", Subjects: seen, Count: len(entries)}, nil
}

// change is a Change before it is sealed.
type change struct {
	source string
	gone   []numbering.Number
	put    []Entry
}

// save writes a change and what tells of it, in one transaction.
func (s *Service) save(ctx context.Context, c change, e casework.Event) error {
	sealed, err := s.sealed(ctx, c, e)
	if err != nil {
		return err
	}
	return s.store.Save(ctx, sealed)
}

func (s *Service) sealed(ctx context.Context, c change, e casework.Event) (Change, error) {
	block, err := s.block(ctx)
	if err != nil {
		return Change{}, err
	}
	sealed := Change{Source: c.source}
	for _, n := range c.gone {
		sealed.Gone = append(sealed.Gone, seal(block, Entry{Number: n}).Number)
	}
	for _, e := range c.put {
		sealed.Put = append(sealed.Put, seal(block, e))
	}
	e.At, e.Purpose = time.Now(), casework.PurposeBills
	if sealed.Audit, err = s.audit.Entries(ctx, e); err != nil {
		return Change{}, fmt.Errorf("%w: audit: %w", ErrUnavailable, err)
	}
	return sealed, nil
}

// Find answers how a number is shielded; ok false: it is not on the list.
func (s *Service) Find(ctx context.Context, n numbering.Number) (e Entry, ok bool, err error) {
	block, err := s.block(ctx)
	if err != nil {
		return e, false, err
	}
	r, ok, err := s.store.Find(ctx, seal(block, Entry{Number: n}).Number)
	if err != nil || !ok {
		return e, false, err
	}
	e, err = open(block, r)
	return e, err == nil, err
}

// Entries is the list.
func (s *Service) Entries(ctx context.Context) (list []Entry, err error) {
	block, err := s.block(ctx)
	if err != nil {
		return nil, err
	}
	var failed error
	err = s.store.All(ctx, func(r Row) bool {
		e, err := open(block, r)
		failed = err
		list = append(list, e)
		return err == nil
	})
	if err = errors.Join(err, failed); err != nil {
		return nil, err
	}
	return list, nil
}

// List is the list, ready to shield with.
func (s *Service) List(ctx context.Context) (*List, error) {
	entries, err := s.Entries(ctx)
	return NewList(entries), err
}

// Import replaces a provider's part of the list with what r holds: all of it or, when a
// line is wrong, nothing. A number we shield for our own subscriber stays ours.
func (s *Service) Import(ctx context.Context, by casework.Actor, r io.Reader, source string) (n int, err error) {
	if source == "" {
		return 0, errSource
	}
	entries, err := Import(r, source)
	if err != nil {
		return 0, err
	}
	err = s.save(ctx, change{source: source, put: entries}, casework.Event{
		Actor: by.Name, Role: by.Role, Action: "import shielded", Object: "provider:" + source, Count: len(entries),
	})
	if err != nil {
		return 0, err
	}
	return len(entries), nil
}

var errSource = errors.New("bills: an import names the provider it comes from")

// Follow makes our own part of the list what the subscribers' rules say on a day: numbers
// in own are shielded from that day on, if they were not; those that have left it are
// shielded no longer.
func (s *Service) Follow(ctx context.Context, own map[numbering.Number]bool, day Date) error {
	entries, err := s.Entries(ctx)
	if err != nil {
		return err
	}
	var c change
	known := make(map[numbering.Number]bool)
	for _, e := range entries {
		c.follow(e, true, e.Number, own[e.Number], day)
		known[e.Number] = true
	}
	for n := range own {
		if !known[n] {
			c.follow(Entry{}, false, n, true, day)
		}
	}
	return s.followed(ctx, c)
}

// follow is what becomes of one number, whose entry may be there, as its rule says on a
// day. What another provider has on the list is theirs, unless we shield it too.
func (c *change) follow(e Entry, there bool, n numbering.Number, shielded bool, day Date) {
	ours := there && e.Source == ""
	switch {
	case shielded && ours && (e.From > day || e.covers(day)):
	case shielded:
		c.put = append(c.put, Entry{Number: n, From: day})
	case !ours:
	case e.From >= day:
		c.gone = append(c.gone, n)
	case e.covers(day):
		e.Until = day
		c.put = append(c.put, e)
	}
}

func (s *Service) followed(ctx context.Context, c change) error {
	if len(c.put)+len(c.gone) == 0 {
		return nil
	}
	return s.save(ctx, c, casework.Event{Actor: "clirgate", Action: "follow shielded", Count: len(c.put) + len(c.gone)})
}

// Export writes our subscribers' part of the list for other providers.
func (s *Service) Export(ctx context.Context, w io.Writer, day Date) error {
	entries, err := s.Entries(ctx)
	if err != nil {
		return err
	}
	return Export(w, entries, day)
}
