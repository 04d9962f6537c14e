package admin

import (
	"bufio"
	"cmp"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"clirgate/rules"
	"github.com/valyala/fasthttp"
)

// Importer puts many subscribers in force.
type Importer interface {
	// Import reads rows to the end and says now and then how far it is, the last time
	// when it is done. A row that cannot be taken is told and passed over; an error ends
	// the import.
	Import(ctx context.Context, in io.Reader, o ImportOptions, progress func(ImportProgress)) error
}

// ImportOptions say what is imported, and by whom.
type ImportOptions struct {
	Format string // csv or jsonl
	DryRun bool   // rows are read and checked, nothing is changed
	By     rules.By
}

// ImportProgress is how far an import is.
type ImportProgress struct {
	Rows    uint64 // read, bad ones included
	Changed uint64 // subscribers written; of a dry run: that would be
	Bad     uint64
	BadRows []BadRow // the first maxBadRows of them
}

// BadRow is a row that could not be taken. Wrong does not repeat the row.
type BadRow struct {
	Line  uint64 `json:"line"`
	Field string `json:"field"`
	Wrong string `json:"wrong"`
}

// MaxBadRows is how many bad rows a job lists.
const MaxBadRows = 1000

const (
	importTime = time.Hour // for one upload
	maxUpload  = 4 << 30   // bytes
)

func (s *Server) importSubscribers(ctx *fasthttp.RequestCtx) {
	if s.Importer == nil {
		absent(ctx)
		return
	}
	format, ok := importFormat(ctx)
	args := query{ctx: ctx}
	dry := args.flag("dry_run")
	if !ok || !args.end("dry_run", "reason") {
		return
	}
	_, by, ok := s.change(ctx)
	if !ok {
		return
	}
	file, ok := s.spool(ctx)
	if !ok {
		return
	}
	job, ok := s.jobs.start(s, file, ImportOptions{Format: format, DryRun: dry, By: by})
	if !ok {
		discard(file)
		ctx.Response.Header.Set("Retry-After", "60")
		problem{Status: fasthttp.StatusConflict, Type: "busy", Title: "Another import is under way", Mend: "wait for it: GET /v1/jobs lists jobs"}.write(ctx)
		return
	}
	ctx.Response.Header.Set("Location", "/v1/jobs/"+job.ID)
	writeJSON(ctx, fasthttp.StatusAccepted, job)
}

func importFormat(ctx *fasthttp.RequestCtx) (string, bool) {
	kind, _, _ := strings.Cut(string(ctx.Request.Header.ContentType()), ";")
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "text/csv":
		return "csv", true
	case "application/jsonl", "application/x-ndjson":
		return "jsonl", true
	}
	problem{Status: fasthttp.StatusUnsupportedMediaType, Type: "no-import-format", Title: "The body is neither CSV nor JSON lines",
		Field: "Content-Type", Mend: "send text/csv or application/jsonl"}.write(ctx)
	return "", false
}

// spool keeps the upload in a file that has no name any more, so that nothing of it is
// left whatever happens.
func (s *Server) spool(ctx *fasthttp.RequestCtx) (*os.File, bool) {
	if err := ctx.Conn().SetReadDeadline(time.Now().Add(importTime)); err != nil {
		tooSlow.write(ctx)
		return nil, false
	}
	file, err := os.CreateTemp(s.Spool, "import-*")
	if err == nil {
		err = os.Remove(file.Name())
	}
	if err != nil {
		s.Log.Error("an import cannot be kept", "error", err)
		unavailable(ctx, "There is no room for the import")
		return nil, false
	}
	in := io.Reader(strings.NewReader(string(ctx.PostBody())))
	if ctx.Request.IsBodyStream() {
		in = ctx.RequestBodyStream()
	}
	n, err := io.Copy(file, io.LimitReader(in, maxUpload+1))
	switch {
	case n > maxUpload:
		bodyTooLarge.write(ctx)
	case err != nil:
		problem{Status: fasthttp.StatusBadRequest, Type: "cut-short", Title: "The body did not come to its end", Mend: "send it again"}.write(ctx)
	default:
		if _, err = file.Seek(0, io.SeekStart); err == nil {
			return file, true
		}
		unavailable(ctx, "The import cannot be read")
	}
	discard(file)
	return nil, false
}

// discard ends a file without a name.
func discard(file *os.File) { _ = file.Close() }

// Columns of the CSV form, in order.
var Columns = []string{"number", "clir", "clip", "acr", "tir", "override", "shield_on_bills", "note", "until"}

func (s *Server) exportSubscribers(ctx *fasthttp.RequestCtx) {
	if s.All == nil {
		absent(ctx)
		return
	}
	args := query{ctx: ctx}
	format := args.text("format")
	if format = cmp.Or(format, "csv"); format != "csv" && format != "jsonl" {
		args.wrong("format", "is unknown", "give csv or jsonl")
	}
	if !args.end("format") {
		return
	}
	ctx.Response.Header.Set("Cache-Control", "no-store")
	ctx.SetContentType(map[string]string{"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}[format])
	ctx.SetBodyStreamWriter(func(w *bufio.Writer) {
		each, end := jsonRows(w), func() {}
		if format == "csv" {
			each, end = csvRows(w)
		}
		_, err := s.All(context.Background(), each)
		if end(); err != nil {
			// The answer has begun: a last line says that it is not whole.
			_, _ = w.WriteString("export is incomplete: the store does not answer\n")
			s.Log.Error("export ended early", "error", err)
		}
	})
}

func jsonRows(w io.Writer) func(rules.Subscriber) {
	enc := json.NewEncoder(w)
	return func(sub rules.Subscriber) { _ = enc.Encode(sub.Document()) } // a reader gone ends the export
}

func csvRows(w io.Writer) (each func(rules.Subscriber), end func()) {
	out := csv.NewWriter(w)
	_ = out.Write(Columns)
	return func(sub rules.Subscriber) {
		d := sub.Document()
		until := ""
		if d.Until != nil {
			until = d.Until.Format(time.RFC3339)
		}
		_ = out.Write([]string{
			asText(d.Number), d.CLIR, strconv.FormatBool(d.CLIP), strconv.FormatBool(d.ACR), d.TIR, strconv.FormatBool(d.Override),
			strconv.FormatBool(d.ShieldOnBills), asText(d.Note), until,
		})
	}, out.Flush
}

// asText keeps spreadsheets from taking a cell for a formula, and a number for a sum.
func asText(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
