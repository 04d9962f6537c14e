package bulk

import (
	"os"
	"time"

	"clirgate/rules"
)

// keptTime is how long a job that ended early can go on. Its rows, which hold numbers, are
// deleted then.
const keptTime = 24 * time.Hour

// GoOn takes up a job that failed or was cancelled, behind its last batch. by makes the
// changes from here on; bad rows are left out with skipBad. ErrBusy while another job is
// under way; ErrWhole where nothing is left to do, or what was sent is not kept any more.
func (j *Jobs) GoOn(id string, by rules.By, skipBad bool) (Job, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	b, err := j.find(id)
	switch {
	case err != nil:
		return Job{}, err
	case j.busy() || j.ending.Err() != nil:
		return Job{}, ErrBusy
	case !b.Resumable:
		return Job{}, ErrWhole
	}
	before := *b
	b.State, b.Error, b.Ended, b.Resumable, b.cancelled = Running, "", nil, false, false
	b.Start.StopBad = b.Start.StopBad && !skipBad
	b.Start.By.Actor = by.Actor
	if by.Reason != "" {
		b.Start.By.Reason = by.Reason
	}
	if err := j.save(b); err != nil {
		*b = before
		return Job{}, err
	}
	b.unkeep()
	j.begin([]*job{b})
	return b.copy(), nil
}

// keep has what a job needs to go on deleted when its time is over; j.mu is held.
func (j *Jobs) keep(b *job) {
	if !b.Resumable || b.Ended == nil || j.ending.Err() != nil {
		return
	}
	b.kept = time.AfterFunc(b.Ended.Add(keptTime).Sub(j.Now()), func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		if b.State != Running { // else it went on just now
			j.giveUp(b)
		}
	})
}

func (b *job) unkeep() {
	if b.kept != nil {
		b.kept.Stop()
	}
}

// keepAll is keep for the jobs of before.
func (j *Jobs) keepAll() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, b := range j.list {
		j.keep(b)
	}
}

// supersede gives up what could have gone on, for a job that has begun: an import puts
// other rows in the place of all, what undoes a job leaves nothing to go on with. j.mu is
// held.
func (j *Jobs) supersede(kind, of string) {
	for _, b := range j.list {
		if b.Resumable && (kind == KindImport || b.ID == of) {
			j.giveUp(b)
		}
	}
}

func (j *Jobs) giveUp(b *job) {
	b.unkeep()
	b.Resumable = false
	if err := j.save(b); err != nil {
		j.Log.Error("how far a job is cannot be kept", "job", b.ID, "error", err)
	}
	_ = os.Remove(j.path(b.ID, rowsSuffix)) // a revert has none; else the next start removes it
}
