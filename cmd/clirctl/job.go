package main

import (
	"cmp"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"clirgate/admin"
	"clirgate/rules/bulk"
)

type jobCommands struct {
	List   jobList   `cmd:"" help:"List the jobs of this node: imports, and what undoes them."`
	Show   jobShow   `cmd:"" help:"Say how far a job is, and which rows are bad."`
	Wait   jobWait   `cmd:"" help:"Follow a job to its end; exit codes are those of an import."`
	Cancel jobCancel `cmd:"" help:"Stop a job; what it has changed stays."`
	Resume jobResume `cmd:"" help:"Go on with a job that failed or was cancelled, from its last batch, and follow that."`
	Revert jobRevert `cmd:"" help:"Undo what a job has changed, by another job, and follow that."`
}

type jobList struct{}

func (jobList) Run(s *session) error {
	var list struct{ Jobs []admin.Job }
	if err := s.ask("GET", "/v1/jobs", nil, &list); err != nil {
		return err
	}
	var rows [][]string
	for _, j := range list.Jobs {
		rows = append(rows, []string{j.ID, jobKind(&j), j.State, fmt.Sprintf("%.0f %%", j.Done*100), number(j.Rows), number(j.Changed), number(j.Bad), clock(j.Started), j.Actor, j.Reason})
	}
	s.table("JOB\tKIND\tSTATE\tDONE\tROWS\tCHANGED\tBAD\tSTARTED\tACTOR\tREASON", rows...)
	return nil
}

func jobKind(j *admin.Job) string {
	if j.DryRun {
		return "dry run"
	}
	return j.Kind
}

// oneJob names a job.
type oneJob struct {
	ID string `arg:"" help:"The job, as 'clirctl job list' shows it."`
}

func (j *oneJob) path() string { return "/v1/jobs/" + url.PathEscape(j.ID) }

type jobShow struct{ oneJob }

func (c *jobShow) Run(s *session) error { return s.job("GET", c.path()) }

type jobCancel struct {
	oneJob
	Reason string `help:"Why; kept in the audit log." placeholder:"TEXT"`
}

func (c *jobCancel) Run(s *session) error {
	m := making{Reason: c.Reason}
	return s.job("POST", c.path()+":cancel"+m.query())
}

// job asks for one and prints it.
func (s *session) job(method, path string) error {
	var j admin.Job
	if err := s.ask(method, path, nil, &j); err != nil {
		return err
	}
	rows := [][]string{{"job", j.ID}, {"kind", jobKind(&j)}, {"state", j.State}, {"actor", j.Actor}, {"reason", j.Reason}, {"started", clock(j.Started)}}
	if j.Of != "" {
		rows = append(rows, []string{"undoes", j.Of})
	}
	if j.Ended != nil {
		rows = append(rows, []string{"ended", clock(*j.Ended)})
	} else {
		rows = append(rows, []string{"done", fmt.Sprintf("%.1f %%, %.0f rows/s%s", j.Done*100, j.Rate, timeLeft(&j))})
	}
	if j.Resumable {
		rows = append(rows, []string{"goes on", "with clirctl job resume " + j.ID})
	}
	s.table("", append(rows, []string{"rows", fmt.Sprintf("%d read, %d changed, %d skipped, %d bad", j.Rows, j.Changed, j.Skipped, j.Bad)},
		[]string{"last revision", strconv.FormatUint(j.Revision, 10)}, []string{"error", j.Error})...)
	s.badRows(&j)
	return nil
}

func timeLeft(j *admin.Job) string {
	if j.Left == nil {
		return ""
	}
	return ", " + span(*j.Left) + " left"
}

func (s *session) badRows(j *admin.Job) {
	for _, b := range j.BadRows {
		s.say("line %d: %s %s", b.Line, b.Field, b.Wrong)
	}
}

type jobWait struct {
	oneJob
	Poll time.Duration `default:"500ms" hidden:""`
}

func (c *jobWait) Run(s *session) error {
	return s.follow(s.progress(), admin.Job{ID: c.ID, State: bulk.Running}, c.Poll)
}

type jobRevert struct {
	oneJob
	making
	Poll time.Duration `default:"500ms" hidden:""`
}

func (c *jobRevert) Run(s *session) error {
	return s.begin(c.path()+":revert"+c.query(), c.Poll)
}

// A job that a restart or an outage broke off goes on by itself; this is for one that ended.
type jobResume struct {
	oneJob
	SkipBad bool          `help:"Leave bad rows out from here on."`
	Reason  string        `help:"Why; kept in the history." placeholder:"TEXT"`
	Poll    time.Duration `default:"500ms" hidden:""`
}

func (c *jobResume) Run(s *session) error {
	q := url.Values{}
	if c.SkipBad {
		q.Set("bad_rows", "skip")
	}
	if c.Reason != "" {
		q.Set("reason", c.Reason)
	}
	return s.begin(c.path()+":resume?"+q.Encode(), c.Poll)
}

// begin asks for a job and follows it.
func (s *session) begin(path string, poll time.Duration) error {
	a, err := s.do(request{method: "POST", path: path})
	if err != nil {
		return err
	}
	var j admin.Job
	if err := a.into(&j); err != nil {
		return err
	}
	return s.follow(s.progress(), j, poll)
}

// follow shows a job's progress to its end; bad rows are listed, and cost an exit code of 6.
func (s *session) follow(p *progress, job admin.Job, poll time.Duration) error {
	for begun := false; job.State == bulk.Running; begun = true {
		if begun {
			time.Sleep(poll)
		}
		a, err := s.do(request{method: "GET", path: "/v1/jobs/" + url.PathEscape(job.ID)})
		if err != nil {
			p.end()
			return err
		}
		if err := a.into(&job); err != nil {
			p.end()
			return err
		}
		p.show(job.Done, fmt.Sprintf("%d rows, %.0f/s%s", job.Rows, job.Rate, timeLeft(&job)))
	}
	p.end()
	if s.JSON {
		if err := s.ask("GET", "/v1/jobs/"+url.PathEscape(job.ID), nil, &job); err != nil {
			return err
		}
	}
	done := "changed"
	if job.DryRun {
		done = "would change"
	}
	s.say("%s: %d rows, %d %s, %d bad", job.State, job.Rows, job.Changed, done, job.Bad)
	s.badRows(&job)
	switch {
	case job.State != bulk.Finished:
		return failed(exitUnavailable, "%s", cmp.Or(job.Error, "the job was "+job.State))
	case job.Bad > 0:
		return failed(exitUnwell, "%d bad rows", job.Bad)
	}
	return nil
}
