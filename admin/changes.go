package admin

import (
	"context"
	"errors"
	"strconv"
	"time"

	"clirgate/numbering"
	"clirgate/rules"
	"github.com/valyala/fasthttp"
)

// History is the changes made to subscribers.
type History interface {
	// Changes lists changes, newest first.
	Changes(ctx context.Context, q ChangeQuery) ([]rules.Change, error)
	// Revert undoes a change by a new one: rules.ErrNotFound when there is no such change,
	// rules.ErrStale when the subscriber was changed again since.
	Revert(ctx context.Context, revision uint64, by rules.By) (rules.Change, error)
}

// ChangeQuery says which changes; zero fields ask for nothing.
type ChangeQuery struct {
	Before   uint64 // revision: only older ones
	Number   numbering.Number
	Actor    string
	From, To time.Time // [From, To)
	Limit    int
}

// change is one change as JSON.
type change struct {
	Revision uint64          `json:"revision"`
	Time     time.Time       `json:"time"`
	Actor    string          `json:"actor"`
	Reason   string          `json:"reason"`
	Number   string          `json:"number"`
	Before   *rules.Document `json:"before"`
	After    *rules.Document `json:"after"`
}

func changeOf(c *rules.Change) change {
	out := change{Revision: c.Revision, Time: c.Time.UTC(), Actor: c.By.Actor, Reason: c.By.Reason, Number: c.Number.E164()}
	if c.Before != nil {
		out.Before = new(c.Before.Document())
	}
	if c.After != nil {
		out.After = new(c.After.Document())
	}
	return out
}

// Pages of lists.
const (
	defaultPage = 50
	maxPage     = 500
)

func (s *Server) listChanges(ctx *fasthttp.RequestCtx) {
	if s.History == nil {
		absent(ctx)
		return
	}
	q, ok := s.changeQuery(ctx)
	if !ok {
		return
	}
	wait, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	limit := q.Limit
	q.Limit++ // one more tells whether there is a next page
	list, err := s.History.Changes(wait, q)
	if err != nil {
		s.fail(ctx, err)
		return
	}
	page := struct {
		Changes []change `json:"changes"`
		Next    *string  `json:"next"`
	}{Changes: []change{}}
	for i := range list {
		if i == limit {
			page.Next = new(strconv.FormatUint(list[i-1].Revision, 36))
			break
		}
		page.Changes = append(page.Changes, changeOf(&list[i]))
	}
	writeJSON(ctx, fasthttp.StatusOK, page)
}

func (s *Server) changeQuery(ctx *fasthttp.RequestCtx) (q ChangeQuery, ok bool) {
	args := query{ctx: ctx}
	q.Limit = args.limit()
	q.Before = args.cursor()
	q.From, q.To = args.time("since"), args.time("until")
	q.Actor = args.text("actor")
	if text := args.text("number"); text != "" {
		if q.Number = s.Plan.ParseText(text); q.Number.Kind() != numbering.International {
			args.wrong("number", "is no telephone number with a country code", "give it with + (%2B) and country code, or as dialled at home")
		}
	}
	return q, args.end("limit", "cursor", "since", "until", "actor", "number")
}

func (s *Server) revertChange(ctx *fasthttp.RequestCtx) {
	if s.History == nil {
		absent(ctx)
		return
	}
	text, ok := parameter(ctx, "revision")
	if !ok {
		return
	}
	revision, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		badField("revision", "is no revision", "GET /v1/changes lists them").write(ctx)
		return
	}
	_, by, ok := s.change(ctx)
	if !ok {
		return
	}
	wait, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	c, err := s.History.Revert(wait, revision, by)
	switch {
	case errors.Is(err, rules.ErrNotFound):
		problem{Status: fasthttp.StatusNotFound, Type: "no-such-change", Title: "There is no such change", Mend: "GET /v1/changes lists them"}.write(ctx)
	case errors.Is(err, rules.ErrStale):
		problem{Status: fasthttp.StatusConflict, Type: "changed-since", Title: "The subscriber was changed again since",
			Mend: "revert the newer changes first, or PUT what is wanted"}.write(ctx)
	case err != nil:
		s.fail(ctx, err)
	case s.everywhere(ctx, c.Revision):
		ctx.Response.Header.Set("ETag", etag(c.Revision))
		writeJSON(ctx, fasthttp.StatusOK, changeOf(&c))
	}
}
