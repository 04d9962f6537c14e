// Package bulk puts many subscribers into the rules and takes them out: CSV or
// JSON lines, streamed, so that ten million rows need no more memory than one
// batch. What is written of a batch is written as one change, with one revision.
package bulk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"clirgate/numbering"
	"clirgate/rules"
)

// Formats.
const (
	CSV       = "csv"
	JSONLines = "jsonl"
)

// ErrFormat: neither CSV nor JSON lines.
var ErrFormat = errors.New("bulk: the format is csv or jsonl")

const (
	defaultBatch = 20_000
	maxBadRows   = 1000
)

// Service is what an import writes to: a *rules.Service.
type Service interface {
	Write(ctx context.Context, writes []rules.Write, by rules.By) (rules.Written, error)
	Would(ctx context.Context, writes []rules.Write) (rules.Written, error)
}

// Options say how an import is done.
type Options struct {
	Format  string           // CSV or JSONLines
	Plan    *numbering.Plan  // how numbers are read
	DryRun  bool             // rows are read and checked, nothing is changed
	Skip    uint64           // rows to pass over: those of an earlier, broken off run (Progress.Done)
	Batch   int              // rows of one change [20,000]: more make it faster, and let other changes wait longer
	SkipBad bool             // leave bad rows out; else the first one ends the import before its batch
	By      rules.By         // who, why, and the job's name
	Bad     func(BadRow)     // every bad row, also those that Progress has no room for; may be nil
	Now     func() time.Time // [time.Now]
}

// Progress is how far an import is. Rows are counted without the header line.
type Progress struct {
	Rows    uint64   // read, bad ones included
	Done    uint64   // rows that a later run need not read again
	Changed uint64   // subscribers written; of a dry run: that would be
	Same    uint64   // subscribers that were so already
	Bad     uint64   // rows that cannot be taken
	Bytes   int64    // of the input, read
	BadRows []BadRow // the first 1000
	Elapsed time.Duration
}

// Rate is rows a second.
func (p *Progress) Rate() float64 {
	if p.Elapsed <= 0 {
		return 0
	}
	return float64(p.Rows) / p.Elapsed.Seconds()
}

// Left is the time an import of so many bytes still takes, at the rate so far;
// 0 when it cannot be told.
func (p *Progress) Left(total int64) time.Duration {
	if p.Bytes <= 0 || total <= p.Bytes {
		return 0
	}
	return time.Duration(float64(p.Elapsed) * float64(total-p.Bytes) / float64(p.Bytes))
}

// BadRow is a row that cannot be taken. It does not repeat the row, which holds
// numbers.
type BadRow struct {
	Line  uint64 `json:"line"`  // of the input, from 1
	Row   uint64 `json:"row"`   // from 1, without the header
	Field string `json:"field"` // "" when it is the row as a whole
	Wrong string `json:"wrong"`
	Mend  string `json:"mend"`
}

// BadRowError is the bad row that ended an import. Nothing of its batch was
// written.
type BadRowError struct{ BadRow }

func (e *BadRowError) Error() string {
	what := e.Wrong
	if e.Field != "" {
		what = fmt.Sprintf("%q %s", e.Field, e.Wrong)
	}
	return fmt.Sprintf("line %d: %s: %s", e.Line, what, e.Mend)
}

// Import reads rows to the end and writes them, batch by batch. progress (may be
// nil) is called before and after every batch is written, and last when it is done
// or has failed; so Progress.Done tells where a later run goes on. A dry run reads past bad rows in
// any case, to find all of them.
//
// The error is a *BadRowError, a *HeaderError, ErrFormat, in's own, or the
// store's. in is read by another goroutine, which has ended when Import returns:
// its Read must not outlast ctx.
func Import(ctx context.Context, s Service, in io.Reader, o Options, progress func(Progress)) (p Progress, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Batch <= 0 {
		o.Batch = defaultBatch
	}
	if progress == nil {
		progress = func(Progress) {}
	}
	reading, cancel := context.WithCancel(ctx)
	batches := make(chan *batch, 1)
	defer func() {
		cancel()
		for range batches { // until the reader has ended
		}
	}()
	start := o.Now()
	go readBatches(reading, in, &o, batches)
	for b := range batches {
		p.note(b, &o)
		p.Elapsed = o.Now().Sub(start)
		progress(p)
		err = take(ctx, s, b, &o, &p)
		p.Elapsed = o.Now().Sub(start)
		progress(p)
		if err != nil {
			return p, err
		}
	}
	return p, ctx.Err()
}

// batch is rows on their way from the reader to the store.
type batch struct {
	rows   uint64 // read up to its end
	bytes  int64
	writes []rules.Write
	bad    []BadRow
	err    error // ended the reading behind these rows
}

// note counts the rows of a batch that was read.
func (p *Progress) note(b *batch, o *Options) {
	p.Rows, p.Bytes = b.rows, b.bytes
	for _, bad := range b.bad {
		p.Bad++
		if len(p.BadRows) < maxBadRows {
			p.BadRows = append(p.BadRows, bad)
		}
		if o.Bad != nil {
			o.Bad(bad)
		}
	}
}

// take writes one batch and counts what became of it.
func take(ctx context.Context, s Service, b *batch, o *Options, p *Progress) (err error) {
	if len(b.bad) > 0 && !o.SkipBad && !o.DryRun {
		return &BadRowError{b.bad[0]}
	}
	if len(b.writes) > 0 {
		var w rules.Written
		if o.DryRun {
			w, err = s.Would(ctx, b.writes)
		} else {
			by := o.By
			by.JobRow = b.rows
			w, err = s.Write(ctx, b.writes, by)
		}
		if err != nil {
			return err
		}
		p.Changed += uint64(len(w.Items))
		p.Same += uint64(w.Same)
	}
	p.Done = b.rows
	return b.err
}

// readBatches reads in to its end and closes batches.
func readBatches(ctx context.Context, in io.Reader, o *Options, batches chan<- *batch) {
	defer close(batches)
	counted := &counter{Reader: in}
	rows, err := newRows(counted, o)
	if err != nil {
		send(ctx, batches, &batch{err: err})
		return
	}
	total := uint64(0)
	for err == nil {
		b := &batch{writes: make([]rules.Write, 0, o.Batch)}
		err = fill(b, rows, o, &total)
		b.rows, b.bytes = total, counted.n
		if !errors.Is(err, io.EOF) {
			b.err = err
		}
		if !send(ctx, batches, b) {
			return
		}
	}
}

// fill reads the rows of one batch; the error ended the reading, io.EOF: well.
func fill(b *batch, rows rowReader, o *Options, total *uint64) error {
	for len(b.writes)+len(b.bad) < o.Batch {
		sub, bad, err := rows.next()
		if err != nil {
			return err
		}
		*total++
		switch {
		case *total <= o.Skip:
		case bad != nil:
			bad.Row = *total
			b.bad = append(b.bad, *bad)
		default:
			b.writes = append(b.writes, rules.Write{Number: sub.Number, After: sub, Match: rules.Whatever()})
		}
	}
	return nil
}

func send(ctx context.Context, batches chan<- *batch, b *batch) bool {
	select {
	case batches <- b:
		return true
	case <-ctx.Done():
		return false
	}
}

// counter counts the bytes read.
type counter struct {
	io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	return n, err
}
