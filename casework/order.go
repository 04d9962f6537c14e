package casework

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"clirgate/numbering"
	"clirgate/trace"
)

// OrderState is how far an authority's order is.
type OrderState string

const (
	OrderAsked    OrderState = "asked"
	OrderAnswered OrderState = "answered" // approved; the records are a document
	OrderRefused  OrderState = "refused"
)

// Scope is what an order asks for, and all that its answer holds.
type Scope struct {
	Number   numbering.Number
	Caller   bool // calls it made
	Called   bool // calls to it
	From, To time.Time
}

// Order is an authority's order for traffic data: its own type, with a reference, a
// scope and two persons (STANDARDS 5.1 item 25).
type Order struct {
	ID        string
	Revision  uint64
	State     OrderState
	Created   time.Time
	Expires   time.Time
	Authority string // who orders
	To        Party  // where its answer goes; no name: the authority's
	Reference string // of the order
	Ground    string // the legal provision
	Scope     Scope
	By        string
	Approver  string
	Decided   time.Time
	Reason    string // of a refusal
	Records   int
}

// MaxOrderSpan bounds an order's scope: nothing is kept longer.
const MaxOrderSpan = 366 * 24 * time.Hour

func (o *Order) check() error {
	var e Incomplete
	e.require(
		[3]string{"authority", o.Authority, "who orders"},
		[3]string{"reference", o.Reference, "the order's reference"},
		[3]string{"ground", o.Ground, "the legal provision"},
	)
	if o.Scope.Number == 0 {
		e.add("scope.number", "the number asked about")
	}
	if !o.Scope.Caller && !o.Scope.Called {
		e.add("scope", "calls made, calls received, or both")
	}
	if !o.Scope.From.Before(o.Scope.To) || o.Scope.To.Sub(o.Scope.From) > MaxOrderSpan {
		e.add("scope.from", "a period of at most a year")
	}
	return e.orNil()
}

// OpenOrder enters an order; *Incomplete names what one lacks.
func (s *Service) OpenOrder(ctx context.Context, by Actor, o Order) (*Order, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	now := s.o.Now()
	order := &Order{
		ID: newID(), State: OrderAsked, Created: now, Authority: o.Authority, Reference: o.Reference,
		Ground: o.Ground, Scope: o.Scope, To: o.To, By: by.Name,
	}
	return s.saveOrder(ctx, order, orderEvent(by, "open order", order))
}

// ApproveOrder grants an order: the records in its scope become a signed document and a
// letter, in the same transaction. Never by the person who entered it.
func (s *Service) ApproveOrder(ctx context.Context, by Actor, id string) (*Order, error) {
	return s.decideOrder(ctx, by, id, "approve order", func(o *Order) ([]Document, error) {
		file, e, records, err := s.orderFile(ctx, by, o)
		if err != nil {
			return nil, err
		}
		letter, err := s.orderLetter(ctx, o, file, e.Notes, records)
		if err != nil {
			return nil, err
		}
		o.State = OrderAnswered
		return s.orderDocuments(ctx, o, file, letter)
	})
}

// Documents of an order that was answered.
const (
	orderSigned = iota + 1
	orderPrinted
)

func (s *Service) orderDocuments(ctx context.Context, o *Order, file, letter []byte) (docs []Document, err error) {
	for _, d := range []struct {
		n       int
		kind    string
		content []byte
	}{{orderSigned, "order", file}, {orderPrinted, "letter", letter}} {
		sealed, err := s.safe.seal(ctx, o.ID, documentName(d.n), d.content)
		if err != nil {
			return nil, err
		}
		docs = append(docs, Document{Owner: o.ID, N: d.n, Kind: d.kind, Created: o.Decided, Sealed: sealed})
	}
	return docs, nil
}

// RefuseOrder turns an order down; never by the person who entered it.
func (s *Service) RefuseOrder(ctx context.Context, by Actor, id, reason string) (*Order, error) {
	return s.decideOrder(ctx, by, id, "refuse order", func(o *Order) ([]Document, error) {
		if strings.TrimSpace(reason) == "" {
			return nil, &Incomplete{[]Item{{"reason", "why it is refused"}}}
		}
		o.State, o.Reason = OrderRefused, reason
		return nil, nil
	})
}

func (s *Service) decideOrder(ctx context.Context, by Actor, id, what string, decide func(*Order) ([]Document, error)) (*Order, error) {
	o, err := s.loadOrder(ctx, id)
	if err != nil {
		return nil, err
	}
	switch {
	case o.State != OrderAsked:
		err = &Conflict{"the order is decided already"}
	case by.is(o.By):
		err = &Forbidden{"an order is decided by another person than the one who entered it"}
	}
	if err != nil {
		return nil, errors.Join(err, s.auditedOrder(ctx, by, "refused: "+what, o))
	}
	o.Approver, o.Decided = by.Name, s.o.Now()
	docs, err := decide(o)
	if err != nil {
		return nil, err
	}
	o.Expires = goneAt(o.Decided)
	return s.saveOrder(ctx, o, orderEvent(by, what, o), docs...)
}

// orderFile is the signed answer, and what is in it. Records of nuisance work alone are not
// for it.
func (s *Service) orderFile(ctx context.Context, by Actor, o *Order) (file []byte, e Evidence, records []*trace.Record, err error) {
	e = Evidence{Case: o.ID, Claimed: o.Scope.Number.E164(), Frozen: o.Decided, By: by.Name, Reason: o.Authority + ", " + o.Reference}
	for _, part := range []struct {
		wanted bool
		q      trace.Query
	}{
		{o.Scope.Caller, trace.Query{Caller: o.Scope.Number}},
		{o.Scope.Called, trace.Query{Called: o.Scope.Number}},
	} {
		if !part.wanted {
			continue
		}
		q := part.q
		q.From, q.To, q.Basis, q.Oldest = o.Scope.From, o.Scope.To, trace.BasisTransmission|trace.BasisEmergency, true
		err := s.records.Search(ctx, q, func(r *trace.Record) bool {
			records = append(records, called(r))
			e.Records = append(e.Records, json.RawMessage(r.AppendPlain(nil)))
			return true
		})
		if errors.Is(err, trace.ErrMore) {
			return nil, e, nil, &Conflict{"more records than one order can be answered with: divide its period"}
		}
		if err != nil {
			return nil, e, nil, fmt.Errorf("%w: records: %w", ErrUnavailable, err)
		}
	}
	o.Records = len(e.Records)
	if e.Notes, err = s.notes(ctx, records); err != nil {
		return nil, e, nil, err
	}
	key, err := s.safe.signer(ctx)
	if err != nil {
		return nil, e, nil, err
	}
	file, err = signEvidence(key, e)
	return file, e, records, err
}

// GetOrder shows an order.
func (s *Service) GetOrder(ctx context.Context, by Actor, id string) (*Order, error) {
	o, err := s.loadOrder(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := s.auditedOrder(ctx, by, "view order", o); err != nil {
		return nil, err
	}
	return o, nil
}

// OrderDocument opens the signed answer to an order.
func (s *Service) OrderDocument(ctx context.Context, by Actor, id string) (Content, error) {
	return s.readOrder(ctx, by, id, orderSigned, "read order")
}

// OrderLetter opens the answer to an order as a letter.
func (s *Service) OrderLetter(ctx context.Context, by Actor, id string) (Content, error) {
	return s.readOrder(ctx, by, id, orderPrinted, "read order letter")
}

// readOrder opens a document of an order. Whoever reads either has seen whom the answer
// names.
func (s *Service) readOrder(ctx context.Context, by Actor, id string, n int, what string) (Content, error) {
	o, err := s.loadOrder(ctx, id)
	if err != nil {
		return Content{}, err
	}
	d, err := s.store.Document(ctx, id, n)
	if err != nil {
		return Content{}, err
	}
	body, err := s.safe.open(id, documentName(n), d.Sealed)
	if err != nil {
		return Content{}, err
	}
	file := body
	if n != orderSigned {
		signed, err := s.store.Document(ctx, id, orderSigned)
		if err != nil {
			return Content{}, err
		}
		if file, err = s.safe.open(id, documentName(orderSigned), signed.Sealed); err != nil {
			return Content{}, err
		}
	}
	if err := s.auditedOrder(ctx, by, what, o, named(file)...); err != nil {
		return Content{}, err
	}
	return Content{d.N, d.Kind, d.Created, body}, nil
}

func (s *Service) loadOrder(ctx context.Context, id string) (*Order, error) {
	row, err := s.store.Get(ctx, KindOrder, id)
	if err != nil {
		return nil, err
	}
	if !row.Expires.IsZero() && !row.Expires.After(s.o.Now()) {
		return nil, ErrNotFound
	}
	o := new(Order)
	if err := s.safe.openValue(row.ID, "order", row.Sealed, o); err != nil {
		return nil, err
	}
	o.Revision = row.Revision
	return o, nil
}

func (s *Service) saveOrder(ctx context.Context, o *Order, e Event, docs ...Document) (*Order, error) {
	o.Revision++
	err := s.put(ctx, Row{
		Kind: KindOrder, ID: o.ID, Revision: o.Revision, State: string(o.State), Created: o.Created, Expires: o.Expires,
	}, o.Scope.Number, o, e, docs...)
	if err != nil {
		return nil, err
	}
	return o, nil
}

// orderEvent tells of an order, which shows the number asked about, and of what more was
// seen in its answer.
func orderEvent(by Actor, what string, o *Order, seen ...numbering.Number) Event {
	if !slices.Contains(seen, o.Scope.Number) {
		seen = append(seen, o.Scope.Number)
	}
	return Event{
		Actor: by.Name, Role: by.Role, Action: what, Purpose: PurposeAuthority, Case: o.ID,
		Subjects: seen, Count: o.Records,
	}
}

func (s *Service) auditedOrder(ctx context.Context, by Actor, what string, o *Order, seen ...numbering.Number) error {
	return s.auditEvent(ctx, orderEvent(by, what, o, seen...))
}
