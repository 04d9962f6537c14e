package admin

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"clirgate/admin/token"
	"clirgate/casework"
	"clirgate/casework/bills"
	"github.com/valyala/fasthttp"
)

// billingRoutes is billing's API: the shielding list, and bills without what is on it.
func (s *Server) billingRoutes() []Route {
	billing := []token.Role{token.Billing}
	return []Route{
		{Method: "POST", Path: "/v1/bills:shield", Roles: billing, Stream: true, Handler: s.shieldBill},
		{Method: "GET", Path: "/v1/shielded-numbers", Roles: billing, Audited: true, Handler: s.exportShielded},
		{Method: "POST", Path: "/v1/shielded-numbers", Roles: billing, Stream: true, Logged: true, Handler: s.importShielded},
	}
}

const (
	// stallTime is how long either side of a stream may keep the other waiting.
	stallTime = time.Minute
	// maxShielded bounds an import of shielded numbers, in bytes.
	maxShielded = 1 << 30
	// maxColumns bounds how many columns of called numbers a bill has.
	maxColumns = 20
)

// Trailers of a shielded bill: what was done, known at its end only.
const (
	trailerRows    = "Shield-Rows"
	trailerMasked  = "Shield-Masked"
	trailerNoDate  = "Shield-Without-Date"
	trailerAnother = "Shield-In-Other-Column"
)

// requestBody is the body as it comes in, of a stream or not.
func requestBody(ctx *fasthttp.RequestCtx) io.Reader {
	if ctx.Request.IsBodyStream() {
		return ctx.RequestBodyStream()
	}
	return bytes.NewReader(ctx.PostBody())
}

// shieldBill answers the bill that comes in while it comes in: neither side, nor this
// one, ever holds more than a row of it. What goes wrong in the middle ends the
// connection before the end of the answer, so that nobody takes half a bill for a whole.
func (s *Server) shieldBill(ctx *fasthttp.RequestCtx) {
	s.withCases(ctx, func(wait context.Context, w *Casework, _ casework.Actor) error {
		if !csvBody(ctx) {
			return errAnswered
		}
		args := query{ctx: ctx}
		o := bills.Options{Columns: args.texts("column", maxColumns), Date: args.text("date"), Plan: s.Plan}
		if len(o.Columns) == 0 {
			args.wrong("column", "is missing", "name the column of called numbers; several: column=a&column=b")
		}
		if o.Date == "" {
			args.wrong("date", "is missing", "name the column with the date of the call")
		}
		if !args.end("column", "date") {
			return errAnswered
		}
		if err := w.Shield(wait); err != nil {
			return err
		}
		list, err := w.Bills.List(wait)
		if err != nil {
			return err
		}
		b := &billStream{ctx: ctx, conn: ctx.Conn()}
		if b.Reader, err = bills.NewReader(b.from(requestBody(ctx)), list, o); err != nil {
			badField("column", err.Error(), "send CSV with a header that has these columns").write(ctx)
			return errAnswered
		}
		ctx.SetContentType("text/csv; charset=utf-8")
		ctx.Response.Header.Set("Cache-Control", "no-store")
		ctx.Response.ImmediateHeaderFlush = true
		ctx.SetConnectionClose()
		for _, name := range []string{trailerRows, trailerMasked, trailerNoDate, trailerAnother} {
			if err := ctx.Response.Header.AddTrailer(name); err != nil {
				return err
			}
		}
		ctx.SetUserValue(duplexKey{}, true)
		ctx.SetBodyStream(b, -1)
		return nil
	})
}

// duplexKey marks an answer that is made of the request's body while it is sent.
type duplexKey struct{}

// billStream is the answer. The deadlines of the connection are moved as long as there is
// progress.
type billStream struct {
	*bills.Reader
	ctx  *fasthttp.RequestCtx
	conn net.Conn
}

func (b *billStream) Read(p []byte) (int, error) {
	if err := b.conn.SetDeadline(time.Now().Add(stallTime)); err != nil {
		return 0, err
	}
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		r := b.Reader.Result()
		for name, count := range map[string]int{trailerRows: r.Rows, trailerMasked: r.Masked, trailerNoDate: r.NoDate, trailerAnother: r.Another} {
			b.ctx.Response.Header.Set(name, strconv.Itoa(count))
		}
	}
	return n, err
}

// from is the body, its deadline moved while it comes.
func (b *billStream) from(in io.Reader) io.Reader { return &patient{in, b.conn} }

// patient reads what may be long, but not stalled.
type patient struct {
	in   io.Reader
	conn net.Conn
}

func (r *patient) Read(p []byte) (int, error) {
	if err := r.conn.SetReadDeadline(time.Now().Add(stallTime)); err != nil {
		return 0, err
	}
	return r.in.Read(p)
}

func csvBody(ctx *fasthttp.RequestCtx) bool {
	kind, _, _ := strings.Cut(string(ctx.Request.Header.ContentType()), ";")
	if strings.EqualFold(strings.TrimSpace(kind), "text/csv") {
		return true
	}
	problem{Status: fasthttp.StatusUnsupportedMediaType, Type: "not-csv", Title: "The body is not said to be CSV",
		Field: "Content-Type", Mend: "send Content-Type: text/csv"}.write(ctx)
	return false
}

// exportShielded is our part of the list for other providers: numbers and dates.
func (s *Server) exportShielded(ctx *fasthttp.RequestCtx) {
	s.withCases(ctx, func(wait context.Context, w *Casework, _ casework.Actor) error {
		if err := w.Shield(wait); err != nil {
			return err
		}
		entries, err := w.Bills.Entries(wait)
		if err != nil {
			return err
		}
		ctx.SetContentType("text/csv; charset=utf-8")
		ctx.Response.Header.Set("Cache-Control", "no-store")
		ctx.SetBodyStreamWriter(func(out *bufio.Writer) {
			if err := bills.Export(out, entries, bills.DateOf(s.Now())); err != nil {
				s.Log.Warn("export of shielded numbers ended early") // its reader has gone
			}
		})
		return nil
	})
}

// importShielded replaces another provider's part of the list, all of it or nothing.
func (s *Server) importShielded(ctx *fasthttp.RequestCtx) {
	s.withCases(ctx, func(_ context.Context, w *Casework, by casework.Actor) error {
		if !csvBody(ctx) {
			return errAnswered
		}
		args := query{ctx: ctx}
		source := strings.TrimSpace(args.text("source"))
		if source == "" {
			args.wrong("source", "is missing", "name the provider whose list it is")
		}
		if !args.end("source") {
			return errAnswered
		}
		in := &upload{in: &patient{requestBody(ctx), ctx.Conn()}, left: maxShielded}
		long, cancel := context.WithTimeout(context.Background(), importTime)
		defer cancel()
		n, err := w.Bills.Import(long, by, in, source)
		switch {
		case errors.Is(err, bills.ErrUnavailable):
			return err
		case errors.Is(err, errUpload):
			bodyTooLarge.write(ctx)
		case err != nil:
			problem{Status: fasthttp.StatusUnprocessableEntity, Type: "bad-list", Title: "The list cannot be taken; nothing was changed", Detail: err.Error(),
				Mend: "send one number and date a line"}.write(ctx)
		default:
			writeJSON(ctx, fasthttp.StatusOK, map[string]any{"source": source, "numbers": n})
		}
		return nil
	})
}
