package bulk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"clirgate/rules"
)

// Job is work on many subscribers that goes on by itself.
type Job struct {
	ID       string     `json:"id"`
	Kind     string     `json:"kind"`  // import or revert
	State    string     `json:"state"` // running, done, failed or cancelled
	Actor    string     `json:"actor"`
	Reason   string     `json:"reason"`
	Of       string     `json:"of"` // the job that a revert undoes
	DryRun   bool       `json:"dry_run"`
	Started  time.Time  `json:"started"`
	Ended    *time.Time `json:"ended"`
	Rows     uint64     `json:"rows"` // read
	Changed  uint64     `json:"changed"`
	Skipped  uint64     `json:"skipped"`  // of a revert: changed by others since
	Revision uint64     `json:"revision"` // of its last change
	Bad      uint64     `json:"bad"`
	BadRows  []BadRow   `json:"bad_rows"` // the first 1000
	Rate     float64    `json:"rows_per_second"`
	Done     float64    `json:"done"`      // 0 to 1
	Left     *float64   `json:"time_left"` // seconds; null: not known
	Error    string     `json:"error"`     // what ended it, or what it waits for

	Resumable bool `json:"resumable"` // it ended early, and can go on from its last batch
}

// Kinds and states of a Job.
const (
	KindImport = "import"
	KindRevert = "revert"

	Running   = "running"
	Finished  = "done"
	Failed    = "failed"
	Cancelled = "cancelled"
)

// Start says what a job is to do.
type Start struct {
	Format  string // of an import's rows
	DryRun  bool
	StopBad bool   // the first bad row ends it before its batch; else bad rows are left out
	Of      string // not empty: the job that is to be undone
	All     bool   // it ends when its last change is in force on every live node
	By      rules.By
}

// job is a Job and what it needs to go on, as kept on disk.
type job struct {
	Job
	Start Start
	Seen  uint64 // rows up to which bad ones are counted

	stop      context.CancelFunc
	cancelled bool
	kept      *time.Timer // gives up what it needs to go on
}

// retryEvery is the pause before a job goes on while the store is away.
const retryEvery = time.Second

// everywhereTime bounds the wait for other nodes at a job's end.
const everywhereTime = 30 * time.Second

// run does a job, from where it was broken off. A store that goes away is waited for.
// When the Jobs are closed it stays as it is, to be gone on with.
func (j *Jobs) run(ctx context.Context, b *job) {
	for {
		err := ctx.Err()
		if err == nil {
			err = j.attempt(ctx, b)
		}
		switch {
		case j.ending.Err() != nil:
			return
		case ctx.Err() != nil:
			j.end(b, Cancelled, "somebody cancelled it; what was changed until then stays", true)
		case err == nil:
			j.end(b, Finished, j.everywhere(ctx, b), false)
		case errors.Is(err, rules.ErrUnavailable):
			j.Log.Error("a job waits: the store does not answer", "job", b.ID, "error", err)
			j.change(b, func() { b.Error, b.Left = "the store does not answer; the job goes on when it does", nil })
			select {
			case <-ctx.Done():
			case <-time.After(retryEvery):
			}
			continue
		default:
			j.Log.Error("a job failed", "job", b.ID, "error", err)
			text, resumable := reason(err)
			j.end(b, Failed, text, resumable)
		}
		return
	}
}

// reason is an error for whoever asked for the job, and whether it can go on once that is
// mended.
func reason(err error) (text string, resumable bool) {
	var bad *BadRowError
	var header *HeaderError
	var file *fs.PathError
	switch {
	case errors.As(err, &bad):
		return err.Error(), true // without the rows that are bad
	case errors.As(err, &header), errors.Is(err, ErrFormat):
		return err.Error(), false
	case errors.Is(err, rules.ErrNoChange):
		return "the job has changed nothing, or is unknown", false
	case errors.As(err, &file):
		return "what was sent cannot be read any more: send it again", false
	}
	return "the store refused a batch: see this node's log; the job can go on when that is mended", true
}

func (j *Jobs) attempt(ctx context.Context, b *job) error {
	if b.Kind == KindRevert {
		return j.revert(ctx, b)
	}
	var before rules.JobDone
	if !b.DryRun {
		var err error
		if before, err = j.Service.JobDone(ctx, b.ID); err != nil {
			return err
		}
	}
	file, err := os.Open(j.path(b.ID, rowsSuffix))
	if err != nil {
		return err
	}
	defer file.Close() // only read
	size := int64(1)
	if info, err := file.Stat(); err == nil {
		size = max(1, info.Size())
	}
	j.change(b, func() { b.resume(&before) })
	bad, badRows := b.Bad, b.BadRows
	_, err = Import(ctx, j.Service, ended{ctx, file}, Options{
		Format: b.Start.Format, Plan: j.Plan, DryRun: b.DryRun, Skip: before.Row, SkipBad: !b.Start.StopBad, By: b.Start.By, Now: j.Now,
	}, func(p Progress) {
		j.change(b, func() {
			b.Bad, b.Changed = bad+p.Bad, before.Changed+p.Changed
			b.BadRows = append(badRows[:len(badRows):len(badRows)], p.BadRows[:min(len(p.BadRows), maxBadRows-len(badRows))]...)
			b.note(&p, before.Row, size)
		})
	})
	if err != nil {
		return err
	}
	after, err := j.Service.JobDone(ctx, b.ID)
	if err == nil {
		j.change(b, func() { b.Revision = after.Revision })
	}
	return err
}

// resume takes back what will be read again: rows behind those that are done.
func (b *job) resume(d *rules.JobDone) {
	b.Error, b.Changed, b.Revision = "", d.Changed, d.Revision
	if d.Row >= b.Seen {
		return
	}
	kept := b.BadRows[:0:0]
	for _, r := range b.BadRows {
		if r.Row <= d.Row {
			kept = append(kept, r)
		}
	}
	b.BadRows, b.Bad = kept, uint64(len(kept))
}

// note takes progress down: skip rows were done before.
func (b *job) note(p *Progress, skip uint64, size int64) {
	b.Error, b.Rows, b.Seen = "", p.Rows, p.Rows
	b.Done = min(1, float64(p.Bytes)/float64(size))
	if spent := p.Elapsed.Seconds(); spent > 0 && p.Rows > skip && p.Bytes > 0 {
		b.Rate = float64(p.Rows-skip) / spent
		rows := float64(size-p.Bytes) * float64(p.Rows) / float64(p.Bytes)
		b.Left = new(max(0, rows/b.Rate))
	}
}

func (j *Jobs) revert(ctx context.Context, b *job) error {
	return j.Service.RevertJob(ctx, b.Start.Of, b.Start.By, func(w rules.Written) {
		j.change(b, func() {
			b.Changed += uint64(len(w.Items))
			b.Skipped += uint64(w.Skipped)
			b.Revision = max(b.Revision, w.Revision)
		})
	})
}

// everywhere waits, when the job is to, until its last change is in force everywhere,
// and answers where it is not.
func (j *Jobs) everywhere(ctx context.Context, b *job) string {
	if !b.Start.All || b.Revision == 0 || j.Everywhere == nil {
		return ""
	}
	wait, cancel := context.WithTimeout(ctx, everywhereTime)
	defer cancel()
	if err := j.Everywhere(wait, b.Revision); err != nil {
		return fmt.Sprintf("done, but not in force everywhere yet: %v", err)
	}
	return ""
}

// ended is a reader that ends with a context.
type ended struct {
	ctx context.Context
	in  io.Reader
}

func (e ended) Read(b []byte) (int, error) {
	if err := e.ctx.Err(); err != nil {
		return 0, err
	}
	return e.in.Read(b)
}
