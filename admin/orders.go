package admin

import (
	"context"
	"time"

	"clirgate/casework"
	"clirgate/numbering"
	"github.com/valyala/fasthttp"
)

// Order is an authority's order as it is shown.
type Order struct {
	ID        string              `json:"id"`
	Revision  uint64              `json:"revision"`
	State     casework.OrderState `json:"state"`
	Created   time.Time           `json:"created"`
	GoneAt    *time.Time          `json:"gone_at,omitempty"`
	Authority string              `json:"authority"`
	Reference string              `json:"reference"`
	Ground    string              `json:"ground"`
	To        *casework.Party     `json:"to,omitempty"` // where the answer goes
	Scope     OrderScope          `json:"scope"`
	By        string              `json:"entered_by"`
	Approver  string              `json:"decided_by,omitempty"`
	Decided   *time.Time          `json:"decided,omitempty"`
	Reason    string              `json:"reason,omitempty"`
	Records   int                 `json:"records"`
}

// OrderScope is what an order asks for.
type OrderScope struct {
	Number   string    `json:"number"`
	Made     bool      `json:"made"`
	Received bool      `json:"received"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
}

func orderOf(o *casework.Order) Order {
	v := Order{
		ID: o.ID, Revision: o.Revision, State: o.State, Created: o.Created, GoneAt: given(o.Expires),
		Authority: o.Authority, Reference: o.Reference, Ground: o.Ground,
		Scope: OrderScope{e164(o.Scope.Number), o.Scope.Caller, o.Scope.Called, o.Scope.From, o.Scope.To},
		By:    o.By, Approver: o.Approver, Decided: given(o.Decided), Reason: o.Reason, Records: o.Records,
	}
	if o.To != (casework.Party{}) {
		v.To = &o.To
	}
	return v
}

// given is a time that may not be known.
func given(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func e164(n numbering.Number) string {
	if n == 0 {
		return ""
	}
	return n.E164()
}

func (s *Server) openOrder(ctx *fasthttp.RequestCtx) {
	s.withCases(ctx, func(wait context.Context, w *Casework, by casework.Actor) error {
		var in struct {
			Authority string         `json:"authority"`
			Reference string         `json:"reference"`
			Ground    string         `json:"ground"`
			To        casework.Party `json:"to"`
			Scope     OrderScope     `json:"scope"`
		}
		if err := body(ctx, &in); err != nil {
			return err
		}
		n, err := s.given(ctx, "scope.number", in.Scope.Number)
		if err != nil {
			return err
		}
		o, err := w.Cases.OpenOrder(wait, by, casework.Order{
			Authority: in.Authority, Reference: in.Reference, Ground: in.Ground, To: in.To,
			Scope: casework.Scope{Number: n, Caller: in.Scope.Made, Called: in.Scope.Received, From: in.Scope.From, To: in.Scope.To},
		})
		if err != nil {
			return err
		}
		ctx.Response.Header.Set("Location", "/v1/orders/"+o.ID)
		writeJSON(ctx, fasthttp.StatusCreated, orderOf(o))
		return nil
	})
}

func (s *Server) listOrders(ctx *fasthttp.RequestCtx) {
	s.withCases(ctx, func(wait context.Context, w *Casework, by casework.Actor) error {
		args := query{ctx: ctx}
		limit := args.limit()
		if !args.end("limit") {
			return errAnswered
		}
		list, err := w.Cases.ListOrders(wait, by, limit)
		if err != nil {
			return err
		}
		writeJSON(ctx, fasthttp.StatusOK, map[string]any{"orders": append([]casework.Summary{}, list...)})
		return nil
	})
}

// orderStep answers an order after something was done with it.
func (s *Server) orderStep(ctx *fasthttp.RequestCtx, into any, do func(context.Context, *casework.Service, casework.Actor, string) (*casework.Order, error)) {
	answerStep(s, ctx, into, do, func(o *casework.Order) any { return orderOf(o) })
}

func (s *Server) getOrder(ctx *fasthttp.RequestCtx) {
	s.orderStep(ctx, nil, func(wait context.Context, cs *casework.Service, by casework.Actor, id string) (*casework.Order, error) {
		return cs.GetOrder(wait, by, id)
	})
}

func (s *Server) approveOrder(ctx *fasthttp.RequestCtx) {
	s.orderStep(ctx, nil, func(wait context.Context, cs *casework.Service, by casework.Actor, id string) (*casework.Order, error) {
		return cs.ApproveOrder(wait, by, id)
	})
}

func (s *Server) refuseOrder(ctx *fasthttp.RequestCtx) {
	var in reasonInput
	s.orderStep(ctx, &in, func(wait context.Context, cs *casework.Service, by casework.Actor, id string) (*casework.Order, error) {
		return cs.RefuseOrder(wait, by, id, in.Reason)
	})
}

// getOrderDocument answers the signed answer to an order.
func (s *Server) getOrderDocument(ctx *fasthttp.RequestCtx) {
	s.orderAnswer(ctx, (*casework.Service).OrderDocument, signedFile)
}

// getOrderLetter answers the same as a page to print.
func (s *Server) getOrderLetter(ctx *fasthttp.RequestCtx) {
	s.orderAnswer(ctx, (*casework.Service).OrderLetter, page)
}

func (s *Server) orderAnswer(ctx *fasthttp.RequestCtx, read func(*casework.Service, context.Context, casework.Actor, string) (casework.Content, error), show func(*fasthttp.RequestCtx, []byte)) {
	s.withCases(ctx, func(wait context.Context, w *Casework, by casework.Actor) error {
		id, err := id(ctx)
		if err != nil {
			return err
		}
		c, err := read(w.Cases, wait, by, id)
		if err != nil {
			return err
		}
		show(ctx, c.Body)
		return nil
	})
}
