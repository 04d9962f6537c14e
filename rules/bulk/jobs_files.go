package bulk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
)

// A job is two files: what was sent, until the job has ended and cannot go on, and what is
// known of it.
const (
	rowsSuffix = ".rows"
	jobSuffix  = ".json"
)

func (j *Jobs) path(id, suffix string) string { return filepath.Join(j.Dir, id+suffix) }

// spool keeps what is sent, so that a job outlives the process.
func (j *Jobs) spool(id string, in io.Reader) error {
	if err := os.MkdirAll(j.Dir, 0o700); err != nil {
		return err
	}
	path := j.path(id, rowsSuffix)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, in)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(path) // as far as it came it is of no use
	}
	return err
}

// save writes what is known of a job, whole or not at all.
func (j *Jobs) save(b *job) error {
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(j.Dir, 0o700); err != nil {
		return err
	}
	return renameio.WriteFile(j.path(b.ID, jobSuffix), text, 0o600)
}

func (j *Jobs) forget(b *job) {
	b.unkeep()
	_ = os.Remove(j.path(b.ID, jobSuffix)) // what stays is read again, and forgotten again
	_ = os.Remove(j.path(b.ID, rowsSuffix))
}

// readJobs answers the jobs in a directory, oldest first. Rows without a job that needs
// them are removed: they were being sent when the process ended.
func readJobs(dir string) (list []*job, err error) {
	entries, err := os.ReadDir(dir) // by name, which is by time
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	needed := map[string]bool{}
	var errs []error
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), jobSuffix)
		if !ok {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		b := new(job)
		if err == nil {
			err = json.Unmarshal(text, b)
		}
		if err != nil || b.ID != id {
			errs = append(errs, fmt.Errorf("job %s: %w", id, err))
			continue
		}
		needed[id] = b.State == Running || b.Resumable
		list = append(list, b)
	}
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), rowsSuffix); ok && !needed[id] {
			errs = append(errs, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return list, errors.Join(append(errs, err)...)
}
