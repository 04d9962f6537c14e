package bulk

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"time"

	"clirgate/numbering"
	"clirgate/rules"
)

// Lister is what an export reads from: a *rules.Service.
type Lister interface {
	List(ctx context.Context, after numbering.Number, limit int) ([]rules.Versioned, error)
}

const exportPage = 5000

// Export writes all subscribers in the order of their numbers, notes included,
// in a form that Import takes. It is read page by page: a change that is made
// meanwhile may be in it or not. progress (may be nil) is called after each page.
func Export(ctx context.Context, s Lister, out io.Writer, format string, progress func(rows uint64)) (rows uint64, err error) {
	if format != CSV && format != JSONLines {
		return 0, ErrFormat
	}
	w := bufio.NewWriterSize(out, 64<<10)
	if format == CSV {
		_, _ = w.WriteString(strings.Join(Columns, ",") + "\n") // Flush tells
	}
	after := numbering.Number(0)
	for {
		page, err := s.List(ctx, after, exportPage)
		if err != nil {
			return rows, err
		}
		for i := range page {
			writeRow(w, &page[i].Subscriber, format)
			after = page[i].Number
		}
		rows += uint64(len(page))
		if progress != nil {
			progress(rows)
		}
		if len(page) < exportPage {
			return rows, w.Flush()
		}
		if err := w.Flush(); err != nil {
			return rows, err
		}
	}
}

// writeRow leaves errors to Flush.
func writeRow(w *bufio.Writer, sub *rules.Subscriber, format string) {
	d := sub.Document()
	if format == JSONLines {
		text, err := json.Marshal(d)
		if err != nil {
			panic(err) // strings, bools and a time within range always marshal
		}
		_, _ = w.Write(append(text, '\n'))
		return
	}
	until := ""
	if d.Until != nil {
		until = d.Until.Format(time.RFC3339)
	}
	for i, cell := range [...]string{
		guard(d.Number), d.CLIR, strconv.FormatBool(d.CLIP), strconv.FormatBool(d.ACR), d.TIR,
		strconv.FormatBool(d.Override), strconv.FormatBool(d.ShieldOnBills), guard(d.Note), until, d.MCID,
	} {
		if i > 0 {
			_ = w.WriteByte(',')
		}
		if strings.ContainsAny(cell, "\",;\r\n") || strings.HasPrefix(cell, " ") {
			cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
		}
		_, _ = w.WriteString(cell)
	}
	_ = w.WriteByte('\n')
}
