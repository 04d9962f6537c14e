package admin

import (
	"errors"

	"clirgate/rules/bulk"
	"github.com/valyala/fasthttp"
)

// Job is work that goes on after its request was answered; see package bulk.
type Job = bulk.Job

func (s *Server) listJobs(ctx *fasthttp.RequestCtx) {
	if s.Jobs == nil {
		absent(ctx)
		return
	}
	writeJSON(ctx, fasthttp.StatusOK, map[string]any{"jobs": s.Jobs.List()})
}

func (s *Server) getJob(ctx *fasthttp.RequestCtx) {
	s.withJob(ctx, s.Jobs.Get)
}

func (s *Server) cancelJob(ctx *fasthttp.RequestCtx) {
	s.withJob(ctx, s.Jobs.Cancel)
}

// withJob answers the job of the path after ask was asked for it.
func (s *Server) withJob(ctx *fasthttp.RequestCtx, ask func(id string) (Job, error)) {
	if s.Jobs == nil {
		absent(ctx)
		return
	}
	id, ok := parameter(ctx, "id")
	if !ok {
		return
	}
	job, err := ask(id)
	switch {
	case errors.Is(err, bulk.ErrNoJob):
		noJob(ctx)
	case errors.Is(err, bulk.ErrEnded):
		problem{Status: fasthttp.StatusConflict, Type: "job-ended", Title: "The job has ended already", Mend: "POST :revert undoes what it has changed, :resume goes on where it ended early"}.write(ctx)
	default:
		writeJSON(ctx, fasthttp.StatusOK, job)
	}
}

// resumeJob takes up a job that failed or was cancelled, from its last batch.
func (s *Server) resumeJob(ctx *fasthttp.RequestCtx) {
	if s.Jobs == nil {
		absent(ctx)
		return
	}
	id, ok := parameter(ctx, "id")
	args := query{ctx: ctx}
	skipBad := args.choice("bad_rows", "skip", "stop") == "skip"
	if !ok || !args.end("bad_rows", "reason") {
		return
	}
	_, by, ok := s.change(ctx)
	if !ok {
		return
	}
	job, err := s.Jobs.GoOn(id, by, skipBad)
	switch {
	case errors.Is(err, bulk.ErrNoJob):
		noJob(ctx)
	case errors.Is(err, bulk.ErrBusy):
		busy(ctx)
	case errors.Is(err, bulk.ErrWhole):
		problem{Status: fasthttp.StatusConflict, Type: "job-not-resumable", Title: "The job cannot go on: it is done, or what was sent is not kept any more",
			Mend: "send the rows again: those that are in force already change nothing"}.write(ctx)
	case err != nil:
		s.Log.Error("a job cannot be kept", "error", err)
		unavailable(ctx, "There is no room for the job")
	default:
		begun(ctx, job)
	}
}

func noJob(ctx *fasthttp.RequestCtx) {
	problem{Status: fasthttp.StatusNotFound, Type: "no-such-job", Title: "There is no such job on this node", Mend: "GET /v1/jobs lists them"}.write(ctx)
}

// revertJob undoes what an import has changed, by a job. The import may have been another
// node's: its changes are in the history.
func (s *Server) revertJob(ctx *fasthttp.RequestCtx) {
	if s.Jobs == nil {
		absent(ctx)
		return
	}
	id, ok := parameter(ctx, "id")
	if !ok {
		return
	}
	_, by, ok := s.change(ctx)
	if !ok {
		return
	}
	job, err := s.Jobs.Revert(bulk.Start{Of: id, By: by, All: everywhereAsked(ctx)})
	switch {
	case errors.Is(err, bulk.ErrBusy):
		busy(ctx)
	case err != nil:
		s.Log.Error("a job cannot be kept", "error", err)
		unavailable(ctx, "There is no room for the job")
	default:
		begun(ctx, job)
	}
}
