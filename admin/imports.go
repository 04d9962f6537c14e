package admin

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"clirgate/rules/bulk"
	"github.com/valyala/fasthttp"
)

const (
	importTime = time.Hour // for one upload
	maxUpload  = 4 << 30   // bytes
)

func (s *Server) importSubscribers(ctx *fasthttp.RequestCtx) {
	if s.Jobs == nil {
		absent(ctx)
		return
	}
	format, ok := importFormat(ctx)
	args := query{ctx: ctx}
	start := bulk.Start{Format: format, DryRun: args.flag("dry_run"), StopBad: args.choice("bad_rows", "skip", "stop") == "stop"}
	if !ok || !args.end("dry_run", "bad_rows", "reason", "wait") {
		return
	}
	_, by, ok := s.change(ctx)
	if !ok {
		return
	}
	if s.Jobs.Busy() {
		busy(ctx)
		return
	}
	if err := ctx.Conn().SetReadDeadline(time.Now().Add(importTime)); err != nil {
		tooSlow.write(ctx)
		return
	}
	start.By, start.All = by, everywhereAsked(ctx)
	in := io.Reader(strings.NewReader(string(ctx.PostBody())))
	if ctx.Request.IsBodyStream() {
		in = ctx.RequestBodyStream()
	}
	job, err := s.Jobs.Import(&upload{in: in, left: maxUpload}, start)
	if err != nil {
		s.refuseImport(ctx, err)
		return
	}
	begun(ctx, job)
}

// refuseImport answers an upload that has come to nothing.
func (s *Server) refuseImport(ctx *fasthttp.RequestCtx, err error) {
	var disk *os.PathError
	switch {
	case errors.Is(err, bulk.ErrBusy):
		busy(ctx)
	case errors.Is(err, errUpload):
		bodyTooLarge.write(ctx)
	case errors.As(err, &disk):
		s.Log.Error("an import cannot be kept", "error", err)
		unavailable(ctx, "There is no room for the import")
	default:
		problem{Status: fasthttp.StatusBadRequest, Type: "cut-short", Title: "The body did not come to its end", Mend: "send it again"}.write(ctx)
	}
}

func busy(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.Set("Retry-After", "60")
	problem{Status: fasthttp.StatusConflict, Type: "busy", Title: "Another job is under way", Mend: "wait for it, or cancel it: GET /v1/jobs lists jobs"}.write(ctx)
}

// begun answers a job that has begun.
func begun(ctx *fasthttp.RequestCtx, job bulk.Job) {
	ctx.Response.Header.Set("Location", "/v1/jobs/"+job.ID)
	writeJSON(ctx, fasthttp.StatusAccepted, job)
}

func importFormat(ctx *fasthttp.RequestCtx) (string, bool) {
	kind, _, _ := strings.Cut(string(ctx.Request.Header.ContentType()), ";")
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "text/csv":
		return bulk.CSV, true
	case "application/jsonl", "application/x-ndjson":
		return bulk.JSONLines, true
	}
	problem{Status: fasthttp.StatusUnsupportedMediaType, Type: "no-import-format", Title: "The body is neither CSV nor JSON lines",
		Field: "Content-Type", Mend: "send text/csv or application/jsonl"}.write(ctx)
	return "", false
}

var errUpload = errors.New("admin: upload too large")

// upload is a body that may be long, but not without end.
type upload struct {
	in   io.Reader
	left int64
}

func (u *upload) Read(b []byte) (int, error) {
	n, err := u.in.Read(b)
	if u.left -= int64(n); u.left < 0 {
		return 0, errUpload
	}
	return n, err
}

func (s *Server) exportSubscribers(ctx *fasthttp.RequestCtx) {
	args := query{ctx: ctx}
	format := args.choice("format", bulk.CSV, bulk.JSONLines)
	format = cmp.Or(format, bulk.CSV)
	if !args.end("format") {
		return
	}
	wait, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	if _, err := s.Rules.List(wait, 0, 1); err != nil { // an answer that has begun cannot say so any more
		s.fail(ctx, err)
		return
	}
	ctx.Response.Header.Set("Cache-Control", "no-store")
	ctx.SetContentType(map[string]string{bulk.CSV: "text/csv; charset=utf-8", bulk.JSONLines: "application/jsonl"}[format])
	ctx.SetBodyStreamWriter(func(w *bufio.Writer) {
		if _, err := bulk.Export(context.Background(), s.Rules, w, format, nil); err != nil {
			// The answer has begun: a last line says that it is not whole.
			_, _ = w.WriteString("export is incomplete: the store does not answer\n")
			s.Log.Error("export ended early", "error", err)
		}
	})
}
