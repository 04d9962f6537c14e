package pebble

import (
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"clirgate/trace"
)

// Restore appends what Salvage found. Files of a database are not in order of what they
// hold, so an update takes the place only of one of its kind that tells of something
// earlier.
func (s *Store) Restore(batch []trace.Entry) error {
	var news []trace.Entry
	err := s.read(func(e *engine) (err error) {
		news, err = e.news(batch)
		return err
	})
	if err != nil {
		return err
	}
	return s.Append(news)
}

// news is batch without the updates of which a later one is there, or in batch.
func (e *engine) news(batch []trace.Entry) (news []trace.Entry, err error) {
	latest := map[string]time.Time{} // by key
	for _, entry := range batch {
		if entry.Kind() != 0 {
			key := string(appendKey(nil, entry))
			last, known := latest[key]
			if !known {
				if last, err = e.told(entry); err != nil {
					return nil, err
				}
			}
			if entry.Told().Before(last) {
				continue
			}
			latest[key] = entry.Told()
		}
		news = append(news, entry)
	}
	return news, nil
}

// told is when what the update in an entry's place tells of happened; zero: there is none.
func (e *engine) told(entry trace.Entry) (at time.Time, err error) {
	value, closer, err := e.r.Get(appendKey(nil, entry))
	if errors.Is(err, pebble.ErrNotFound) {
		return at, nil
	}
	if err != nil {
		return at, fmt.Errorf("records: cannot read an update: %w", err)
	}
	at = trace.Entry{ID: entry.ID, Value: value}.Told()
	return at, closer.Close()
}
