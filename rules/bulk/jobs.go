package bulk

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"clirgate/numbering"
	"clirgate/rules"
	"github.com/oklog/ulid/v2"
)

// Rules is what jobs work on: a *rules.Service.
type Rules interface {
	Service
	JobDone(ctx context.Context, job string) (rules.JobDone, error)
	RevertJob(ctx context.Context, job string, by rules.By, each func(rules.Written)) error
}

// JobOptions is what Jobs work with.
type JobOptions struct {
	Dir     string // where what was sent is kept while a job runs, and what became of jobs
	Service Rules
	Plan    *numbering.Plan
	// Everywhere waits until a revision is in force on every live node; nil: there is one.
	Everywhere func(ctx context.Context, revision uint64) error
	Log        *slog.Logger     // nil: slog.Default
	Now        func() time.Time // nil: time.Now
}

// Jobs are the jobs of this node, one after the other. A job that runs when they are
// closed, or when the process is killed, goes on from there with the next Resume:
// which rows are done is in the history, in the same transaction as the rows.
type Jobs struct {
	JobOptions
	ending context.Context
	close  context.CancelFunc
	group  sync.WaitGroup

	mu        sync.Mutex
	list      []*job // oldest first
	receiving bool   // rows are being taken for a job to come
}

var (
	// ErrBusy: another job is under way.
	ErrBusy = errors.New("bulk: another job is under way")
	// ErrNoJob: no such job.
	ErrNoJob = errors.New("bulk: no such job")
	// ErrEnded: the job has ended already.
	ErrEnded = errors.New("bulk: the job has ended")
	// ErrWhole: there is nothing to go on with.
	ErrWhole = errors.New("bulk: the job cannot go on")
)

// maxJobs is how many are remembered.
const maxJobs = 100

// NewJobs makes the jobs; those of before are known again, and go on with Resume.
func NewJobs(o JobOptions) *Jobs {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	j := &Jobs{JobOptions: o}
	j.ending, j.close = context.WithCancel(context.Background())
	var err error
	if j.list, err = readJobs(o.Dir); err != nil {
		o.Log.Error("what became of earlier jobs cannot be read", "error", err)
	}
	j.keepAll()
	return j
}

// Resume goes on with what was broken off.
func (j *Jobs) Resume() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.begin(j.running())
}

// running is those that have not ended; j.mu is held.
func (j *Jobs) running() (list []*job) {
	for _, b := range j.list {
		if b.State == Running {
			list = append(list, b)
		}
	}
	return list
}

// Import takes an import's rows whole and begins the job: ErrBusy while another one is
// under way, or its rows are coming in: the disk holds those of one, not of as many as
// somebody sends at once. Other errors are in's, or the disk's (*os.PathError).
func (j *Jobs) Import(in io.Reader, s Start) (Job, error) {
	if !j.receive() {
		return Job{}, ErrBusy
	}
	defer j.received()
	id := ulid.MustNew(ulid.Timestamp(j.Now()), ulid.DefaultEntropy()).String()
	if err := j.spool(id, in); err != nil {
		return Job{}, err
	}
	s.By.Job = id
	return j.start(id, KindImport, s)
}

// receive begins to take rows, where nobody else does and no job is under way.
func (j *Jobs) receive() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.busy() {
		return false
	}
	j.receiving = true
	return true
}

func (j *Jobs) received() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.receiving = false
}

// Busy tells whether a job is under way, or coming: another would be refused.
func (j *Jobs) Busy() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.busy()
}

// busy needs j.mu.
func (j *Jobs) busy() bool { return j.receiving || len(j.running()) > 0 }

// Revert begins to undo what an import has changed.
func (j *Jobs) Revert(s Start) (Job, error) {
	return j.start(ulid.MustNew(ulid.Timestamp(j.Now()), ulid.DefaultEntropy()).String(), KindRevert, s)
}

func (j *Jobs) start(id, kind string, s Start) (Job, error) {
	b := &job{Start: s, Job: Job{
		ID: id, Kind: kind, State: Running, Actor: s.By.Actor, Reason: s.By.Reason, Of: s.Of, DryRun: s.DryRun,
		Started: j.Now().UTC(), BadRows: []BadRow{},
	}}
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.running()) > 0 || j.ending.Err() != nil {
		_ = os.Remove(j.path(id, rowsSuffix))
		return Job{}, ErrBusy
	}
	if err := j.save(b); err != nil {
		_ = os.Remove(j.path(id, rowsSuffix))
		return Job{}, err
	}
	j.supersede(kind, s.Of)
	if j.list = append(j.list, b); len(j.list) > maxJobs {
		j.forget(j.list[0])
		j.list = j.list[1:]
	}
	j.begin([]*job{b})
	return b.copy(), nil
}

// begin runs jobs one after the other; j.mu is held.
func (j *Jobs) begin(list []*job) {
	j.group.Go(func() {
		for _, b := range list {
			ctx, cancel := context.WithCancel(j.ending)
			j.mu.Lock()
			b.stop = cancel
			if b.cancelled { // while it waited
				cancel()
			}
			j.mu.Unlock()
			j.run(ctx, b)
			cancel()
		}
	})
}

// change changes a job, and keeps it on disk.
func (j *Jobs) change(b *job, f func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f()
	if err := j.save(b); err != nil {
		j.Log.Error("how far a job is cannot be kept", "job", b.ID, "error", err)
	}
	if b.State != Running && !b.Resumable {
		_ = os.Remove(j.path(b.ID, rowsSuffix)) // a revert has none; else the next start removes it
	}
}

func (j *Jobs) end(b *job, state, text string, resumable bool) {
	j.change(b, func() {
		b.State, b.Error, b.Left, b.Ended = state, text, nil, new(j.Now().UTC())
		b.Resumable = resumable && !b.DryRun
		if state == Finished {
			b.Done = 1
		}
		j.keep(b)
	})
	j.Log.Info("job ended", "job", b.ID, "state", state, "rows", b.Rows, "changed", b.Changed, "bad", b.Bad)
}

// Get answers one job.
func (j *Jobs) Get(id string) (Job, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	b, err := j.find(id)
	if err != nil {
		return Job{}, err
	}
	return b.copy(), nil
}

func (j *Jobs) find(id string) (*job, error) {
	for _, b := range j.list {
		if b.ID == id {
			return b, nil
		}
	}
	return nil, ErrNoJob
}

// List answers all jobs, newest first, without their bad rows.
func (j *Jobs) List() []Job {
	j.mu.Lock()
	defer j.mu.Unlock()
	list := []Job{}
	for i := len(j.list) - 1; i >= 0; i-- {
		b := j.list[i].Job
		b.BadRows = []BadRow{}
		list = append(list, b)
	}
	return list
}

// Cancel ends a job after the batch under way: what it has changed stays.
func (j *Jobs) Cancel(id string) (Job, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	b, err := j.find(id)
	switch {
	case err != nil:
		return Job{}, err
	case b.State != Running:
		return b.copy(), ErrEnded
	}
	b.cancelled = true
	if b.stop != nil {
		b.stop()
	}
	return b.copy(), nil
}

// Close stops what runs and waits for its end.
func (j *Jobs) Close() error {
	j.mu.Lock() // nothing begins any more
	j.close()
	j.mu.Unlock()
	j.group.Wait()
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, b := range j.list {
		b.unkeep()
	}
	return nil
}

func (b *job) copy() Job {
	out := b.Job
	out.BadRows = append([]BadRow{}, b.BadRows...)
	return out
}
