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

// change is one change as JSON: of one subscriber, or of many.
type change struct {
	Revision uint64          `json:"revision"`
	Time     time.Time       `json:"time"`
	Actor    string          `json:"actor"`
	Reason   string          `json:"reason"`
	Action   string          `json:"action"`
	Number   *string         `json:"number"` // null: of many, and not asked for by number
	Rows     int             `json:"rows"`   // subscribers changed
	Before   *rules.Document `json:"before"`
	After    *rules.Document `json:"after"`
	Reverts  *uint64         `json:"reverts"` // the change that it undoes
	Job      string          `json:"job"`     // that it is part of
}

func changeOf(c *rules.Change) change {
	out := change{
		Revision: c.Revision, Time: c.Time.UTC(), Actor: c.By.Actor, Reason: c.By.Reason, Action: c.Action(), Rows: c.Rows, Job: c.By.Job,
	}
	if c.Number != 0 {
		out.Number = new(c.Number.E164())
	}
	if c.Before != nil {
		out.Before = new(c.Before.Document())
	}
	if c.After != nil {
		out.After = new(c.After.Document())
	}
	if c.By.Reverts != 0 {
		out.Reverts = new(c.By.Reverts)
	}
	return out
}

// Pages of lists.
const (
	defaultPage = 50
	maxPage     = 500
)

func (s *Server) listChanges(ctx *fasthttp.RequestCtx) {
	q, ok := s.changeQuery(ctx)
	if !ok {
		return
	}
	wait, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	limit := q.Limit
	q.Limit++ // one more tells whether there is a next page
	list, err := s.Rules.History(wait, q)
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

func (s *Server) changeQuery(ctx *fasthttp.RequestCtx) (q rules.Query, ok bool) {
	args := query{ctx: ctx}
	q.Newest = true
	q.Limit = args.limit()
	q.Before = args.cursor()
	q.From, q.To = args.time("since"), args.time("until")
	q.Actor, q.Job = args.text("actor"), args.text("job")
	if text := args.text("number"); text != "" {
		if q.Number = s.Plan.ParseText(text); q.Number.Kind() != numbering.International {
			args.wrong("number", "is no telephone number with a country code", "give it with + (%2B) and country code, or as dialled at home")
		}
	}
	return q, args.end("limit", "cursor", "since", "until", "actor", "number", "job")
}

func (s *Server) revertChange(ctx *fasthttp.RequestCtx) {
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
	w, err := s.Rules.Revert(wait, revision, by)
	switch {
	case errors.Is(err, rules.ErrNoChange):
		problem{Status: fasthttp.StatusNotFound, Type: "no-such-change", Title: "There is no such change", Mend: "GET /v1/changes lists them"}.write(ctx)
	case errors.Is(err, rules.ErrSuperseded):
		problem{Status: fasthttp.StatusConflict, Type: "changed-since", Title: "The subscriber was changed again since",
			Mend: "revert the newer changes first, or PUT what is wanted"}.write(ctx)
	case err != nil:
		s.fail(ctx, err)
	case s.everywhere(ctx, w.Revision):
		ctx.Response.Header.Set("ETag", etag(w.Revision))
		writeJSON(ctx, fasthttp.StatusOK, s.reverted(&w, revision, by))
	}
}

// reverted is the change that a revert was.
func (s *Server) reverted(w *rules.Written, revision uint64, by rules.By) change {
	c := rules.Change{Revision: w.Revision, Time: s.Now(), By: by, Rows: len(w.Items)}
	c.By.Reverts, c.By.Action = revision, rules.ActionRevert
	if len(w.Items) == 1 {
		c.Number, c.Before, c.After = w.Items[0].Number, w.Items[0].Before, w.Items[0].After
	}
	return changeOf(&c)
}
