package casework

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"clirgate/numbering"
	"clirgate/trace"
)

// OrderAnswer is what the letter to an authority tells.
type OrderAnswer struct {
	Authority string
	Reference string // of the order
	Ground    string
	Scope     Scope
	Records   int         // in the signed file
	Calls     []OrderCall // none when they are too many to be printed
	Notes     []Note      // on those calls
	Digest    string      // SHA-256 of the signed file
	Key       string      // SHA-256 of the key it is signed with
}

// OrderCall is one record as it is printed: the signed file has all of it.
type OrderCall struct {
	Record       string
	Service      string // INVITE, MESSAGE ...
	Start        time.Time
	Answer, End  time.Time        // zero: there was none, or it is not known
	Calling      numbering.Number // zero: not known
	Shown        numbering.Number // by the caller's device, where it is another number
	Called       numbering.Number // zero: no number was dialled
	DivertedFrom numbering.Number
	Withheld     bool
}

// maxPrinted bounds the calls of a letter: more are for the signed file alone.
const maxPrinted = 2000

// called is what of a record a letter needs.
func called(r *trace.Record) *trace.Record {
	return &trace.Record{
		ID: r.ID, Method: r.Method, Start: r.Start, Answer: r.Answer, End: r.End,
		Calling: r.Calling, Shown: r.Shown, Called: r.Called, DivertedFrom: r.DivertedFrom, Withheld: r.Withheld,
	}
}

// orderLetter is the answer on paper. It names the signed file by its digest, so that the
// two belong together.
func (s *Service) orderLetter(ctx context.Context, o *Order, file []byte, notes []Note, records []*trace.Record) ([]byte, error) {
	key, err := s.PublicKey(ctx)
	if err != nil {
		return nil, err
	}
	to := o.To
	if to.Name == "" {
		to.Name = o.Authority
	}
	return s.written(LetterOrder, o.ID, o.Decided, Letter{Recipient: to, Number: o.Scope.Number, Order: s.orderAnswer(o, file, key, notes, records)})
}

func (s *Service) orderAnswer(o *Order, file []byte, key ed25519.PublicKey, notes []Note, records []*trace.Record) *OrderAnswer {
	a := &OrderAnswer{
		Authority: o.Authority, Reference: o.Reference, Ground: o.Ground, Scope: o.Scope, Records: len(records),
		Digest: digest(file), Key: digest(key),
	}
	a.Scope.From, a.Scope.To = s.local(o.Scope.From), s.local(o.Scope.To)
	if len(records) > maxPrinted {
		return a
	}
	for _, r := range records {
		c := OrderCall{
			Record: r.ID.String(), Service: r.Method, Start: s.local(r.Start), Answer: s.local(r.Answer), End: s.local(r.End),
			Calling: r.Calling, Called: r.Called, DivertedFrom: r.DivertedFrom, Withheld: r.Withheld,
		}
		if r.Shown != r.Calling {
			c.Shown = r.Shown
		}
		a.Calls = append(a.Calls, c)
	}
	slices.SortStableFunc(a.Calls, func(x, y OrderCall) int { return x.Start.Compare(y.Start) })
	for _, n := range notes {
		n.At = s.local(n.At)
		a.Notes = append(a.Notes, n)
	}
	return a
}

// local is a time in the zone of the sender; zero stays so.
func (s *Service) local(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(s.o.Zone)
}

// digest is SHA-256 in groups of eight, to be read out and compared by eye.
func digest(b []byte) (text string) {
	sum := sha256.Sum256(b)
	for part := range slices.Chunk(sum[:], 4) {
		text += fmt.Sprintf("%s ", hex.EncodeToString(part))
	}
	return text[:len(text)-1]
}
