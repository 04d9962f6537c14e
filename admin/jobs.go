package admin

import (
	"context"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/valyala/fasthttp"
)

// Job is work that goes on after its request was answered.
type Job struct {
	ID      string     `json:"id"`
	Kind    string     `json:"kind"`  // import
	State   string     `json:"state"` // running, done, failed or cancelled
	Actor   string     `json:"actor"`
	DryRun  bool       `json:"dry_run"`
	Started time.Time  `json:"started"`
	Ended   *time.Time `json:"ended"`
	Rows    uint64     `json:"rows"`
	Changed uint64     `json:"changed"`
	Bad     uint64     `json:"bad"`
	BadRows []BadRow   `json:"bad_rows"`
	Rate    float64    `json:"rows_per_second"`
	Done    float64    `json:"done"`      // 0 to 1
	Left    *float64   `json:"time_left"` // seconds; null: not known
	Error   string     `json:"error"`
}

const (
	maxJobs  = 100 // remembered
	running  = "running"
	finished = "done"
)

// jobs are the jobs of this node; one runs at a time.
type jobs struct {
	mu     sync.Mutex
	list   []*Job // oldest first
	busy   bool   // one is running, or none may any more
	closed bool
	stop   context.CancelFunc
	group  sync.WaitGroup
}

// start begins an import; false: another one is under way.
func (j *jobs) start(s *Server, file *os.File, o ImportOptions) (Job, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.busy {
		return Job{}, false
	}
	job := &Job{
		ID: ulid.MustNew(ulid.Timestamp(s.Now()), ulid.DefaultEntropy()).String(), Kind: "import", State: running,
		Actor: o.By.Actor, DryRun: o.DryRun, Started: s.Now().UTC(), BadRows: []BadRow{},
	}
	if j.list = append(j.list, job); len(j.list) > maxJobs {
		j.list = j.list[1:]
	}
	ctx, cancel := context.WithCancel(context.Background())
	j.busy, j.stop = true, cancel
	j.group.Go(func() {
		defer cancel()
		defer discard(file)
		j.run(ctx, s, job, file, o)
	})
	return *job, true
}

func (j *jobs) run(ctx context.Context, s *Server, job *Job, file *os.File, o ImportOptions) {
	size := int64(1)
	if info, err := file.Stat(); err == nil {
		size = max(1, info.Size())
	}
	in := &counting{Reader: file}
	err := s.Importer.Import(ctx, in, o, func(p ImportProgress) {
		j.mu.Lock()
		defer j.mu.Unlock()
		job.note(p, float64(in.n.Load())/float64(size), s.Now())
	})
	j.mu.Lock()
	defer j.mu.Unlock()
	j.busy = j.closed
	job.Ended, job.State, job.Left = new(s.Now().UTC()), finished, nil
	switch {
	case ctx.Err() != nil:
		job.State, job.Error = "cancelled", "the gateway stopped"
	case err != nil:
		job.State, job.Error = "failed", "the store does not answer; import the file again when it does"
		s.Log.Error("import failed", "error", err)
	default:
		job.Done = 1
	}
}

// note takes progress down.
func (job *Job) note(p ImportProgress, done float64, now time.Time) {
	job.Rows, job.Changed, job.Bad, job.Done = p.Rows, p.Changed, p.Bad, min(done, 1)
	job.BadRows = append([]BadRow{}, p.BadRows[:min(len(p.BadRows), MaxBadRows)]...)
	if spent := now.Sub(job.Started).Seconds(); spent > 0 && done > 0 {
		job.Rate = float64(p.Rows) / spent
		job.Left = new(max(0, spent/done-spent))
	}
}

// close cancels what runs and waits for its end.
func (j *jobs) close() {
	j.mu.Lock()
	if j.stop != nil {
		j.stop()
	}
	j.busy, j.closed = true, true
	j.mu.Unlock()
	j.group.Wait()
}

// counting counts what was read.
type counting struct {
	io.Reader
	n atomic.Int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func (s *Server) listJobs(ctx *fasthttp.RequestCtx) {
	s.jobs.mu.Lock()
	defer s.jobs.mu.Unlock()
	list := []Job{}
	for i := len(s.jobs.list) - 1; i >= 0; i-- {
		job := *s.jobs.list[i]
		job.BadRows = []BadRow{} // with the job itself
		list = append(list, job)
	}
	writeJSON(ctx, fasthttp.StatusOK, map[string]any{"jobs": list})
}

func (s *Server) getJob(ctx *fasthttp.RequestCtx) {
	id, ok := parameter(ctx, "id")
	if !ok {
		return
	}
	s.jobs.mu.Lock()
	defer s.jobs.mu.Unlock()
	for _, job := range s.jobs.list {
		if job.ID == id {
			writeJSON(ctx, fasthttp.StatusOK, job)
			return
		}
	}
	problem{Status: fasthttp.StatusNotFound, Type: "no-such-job", Title: "There is no such job", Mend: "jobs are forgotten when the gateway restarts; GET /v1/jobs lists them"}.write(ctx)
}
