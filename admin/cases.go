package admin

import (
	"context"
	"time"

	"clirgate/casework"
	"github.com/valyala/fasthttp"
)

// claimInput is a written claim with its parts a) to d).
type claimInput struct {
	Claimant casework.Party    `json:"claimant"`
	Number   string            `json:"number"`
	Nuisance string            `json:"nuisance"`
	Periods  []casework.Period `json:"periods"`
	Via      string            `json:"via"`
	Received time.Time         `json:"received"`
}

func (s *Server) claim(ctx *fasthttp.RequestCtx) (c casework.Claim, err error) {
	var in claimInput
	if err := body(ctx, &in); err != nil {
		return c, err
	}
	c = casework.Claim{Claimant: in.Claimant, Nuisance: in.Nuisance, Periods: in.Periods, Via: in.Via, Received: in.Received}
	c.Number, err = s.given(ctx, "number", in.Number)
	return c, err
}

func (s *Server) openCase(ctx *fasthttp.RequestCtx) {
	s.withCases(ctx, func(wait context.Context, w *Casework, by casework.Actor) error {
		claim, err := s.claim(ctx)
		if err != nil {
			return err
		}
		c, err := w.Cases.Open(wait, by, claim)
		if err != nil {
			return err
		}
		ctx.Response.Header.Set("Location", "/v1/cases/"+c.ID)
		writeJSON(ctx, fasthttp.StatusCreated, c.View())
		return nil
	})
}

func (s *Server) listCases(ctx *fasthttp.RequestCtx) {
	s.withCases(ctx, func(wait context.Context, w *Casework, by casework.Actor) error {
		args := query{ctx: ctx}
		state, limit := args.choice("state", casework.States()...), args.limit()
		if !args.end("state", "limit") {
			return errAnswered
		}
		list, err := w.Cases.List(wait, by, casework.State(state), limit)
		if err != nil {
			return err
		}
		writeJSON(ctx, fasthttp.StatusOK, map[string]any{"cases": append([]casework.Summary{}, list...)})
		return nil
	})
}

// step answers the case after one step of the procedure.
func (s *Server) step(ctx *fasthttp.RequestCtx, into any, do func(context.Context, *casework.Service, casework.Actor, string) (*casework.Case, error)) {
	answerStep(s, ctx, into, do, func(c *casework.Case) any { return c.View() })
}

func (s *Server) getCase(ctx *fasthttp.RequestCtx) {
	s.step(ctx, nil, func(wait context.Context, cs *casework.Service, by casework.Actor, id string) (*casework.Case, error) {
		return cs.Get(wait, by, id)
	})
}

func (s *Server) completeCase(ctx *fasthttp.RequestCtx) {
	s.step(ctx, nil, func(wait context.Context, cs *casework.Service, by casework.Actor, id string) (*casework.Case, error) {
		claim, err := s.claim(ctx)
		if err != nil {
			return nil, err
		}
		return cs.Complete(wait, by, id, claim)
	})
}

func (s *Server) addIncident(ctx *fasthttp.RequestCtx) {
	var in struct {
		From time.Time `json:"from"`
		To   time.Time `json:"to"`
		Note string    `json:"note"`
	}
	s.step(ctx, &in, func(wait context.Context, cs *casework.Service, by casework.Actor, id string) (*casework.Case, error) {
		return cs.AddIncident(wait, by, id, casework.Period{From: in.From, To: in.To}, in.Note)
	})
}

func (s *Server) searchCase(ctx *fasthttp.RequestCtx) {
	s.step(ctx, nil, func(wait context.Context, cs *casework.Service, by casework.Actor, id string) (*casework.Case, error) {
		return cs.Search(wait, by, id)
	})
}

func (s *Server) selectCandidate(ctx *fasthttp.RequestCtx) {
	var in struct {
		Candidate int    `json:"candidate"`
		Reason    string `json:"reason"`
	}
	s.step(ctx, &in, func(wait context.Context, cs *casework.Service, by casework.Actor, id string) (*casework.Case, error) {
		return cs.Select(wait, by, id, in.Candidate, in.Reason)
	})
}

func (s *Server) askProvider(ctx *fasthttp.RequestCtx) {
	var in struct {
		Provider string `json:"provider"`
		Question string `json:"question"`
	}
	s.step(ctx, &in, func(wait context.Context, cs *casework.Service, by casework.Actor, id string) (*casework.Case, error) {
		return cs.AskProvider(wait, by, id, in.Provider, in.Question)
	})
}

func (s *Server) answerProvider(ctx *fasthttp.RequestCtx) {
	var in struct {
		Question int    `json:"question"`
		Answer   string `json:"answer"`
	}
	s.step(ctx, &in, func(wait context.Context, cs *casework.Service, by casework.Actor, id string) (*casework.Case, error) {
		return cs.AnswerProvider(wait, by, id, in.Question, in.Answer)
	})
}

func (s *Server) warnCaller(ctx *fasthttp.RequestCtx) {
	s.step(ctx, nil, func(wait context.Context, cs *casework.Service, by casework.Actor, id string) (*casework.Case, error) {
		return cs.Warn(wait, by, id)
	})
}

// sentInput is when a letter was posted; left out: now.
type sentInput struct {
	Sent time.Time `json:"sent"`
}

func (s *Server) warningSent(ctx *fasthttp.RequestCtx) {
	var in sentInput
	s.step(ctx, &in, func(wait context.Context, cs *casework.Service, by casework.Actor, id string) (*casework.Case, error) {
		return cs.WarningSent(wait, by, id, in.Sent)
	})
}

func (s *Server) noticeSent(ctx *fasthttp.RequestCtx) {
	var in sentInput
	s.step(ctx, &in, func(wait context.Context, cs *casework.Service, by casework.Actor, id string) (*casework.Case, error) {
		return cs.NoticeSent(wait, by, id, in.Sent)
	})
}

// reasonInput is why something is done.
type reasonInput struct {
	Reason string `json:"reason"`
}

func (s *Server) requestDisclosure(ctx *fasthttp.RequestCtx) {
	var in reasonInput
	s.step(ctx, &in, func(wait context.Context, cs *casework.Service, by casework.Actor, id string) (*casework.Case, error) {
		return cs.RequestDisclosure(wait, by, id, in.Reason)
	})
}

func (s *Server) approveDisclosure(ctx *fasthttp.RequestCtx) {
	var in reasonInput
	s.step(ctx, &in, func(wait context.Context, cs *casework.Service, by casework.Actor, id string) (*casework.Case, error) {
		return cs.Approve(wait, by, id, in.Reason)
	})
}

func (s *Server) refuseDisclosure(ctx *fasthttp.RequestCtx) {
	var in reasonInput
	s.step(ctx, &in, func(wait context.Context, cs *casework.Service, by casework.Actor, id string) (*casework.Case, error) {
		return cs.Refuse(wait, by, id, in.Reason)
	})
}

func (s *Server) closeCase(ctx *fasthttp.RequestCtx) {
	var in reasonInput
	s.step(ctx, &in, func(wait context.Context, cs *casework.Service, by casework.Actor, id string) (*casework.Case, error) {
		return cs.Close(wait, by, id, in.Reason)
	})
}

// noRecords: there is no search of records but inside a case, for whoever asks; that
// somebody did is written down (STANDARDS 7.6, NV13).
func (s *Server) noRecords(ctx *fasthttp.RequestCtx) {
	problem{Status: fasthttp.StatusForbidden, Type: "only-in-a-case", Title: "Records are searched inside a case only",
		Mend: "open a case, and POST /v1/cases/{id}:search"}.write(ctx)
}
