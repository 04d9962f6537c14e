package trace

// backlog holds copies of entries that the store refused. Their calls have gone on; the
// records are brought down late when the store works again, so that a short failure
// loses none of them.
type backlog struct {
	limit   int // bytes; what comes after is lost
	size    int
	entries []Entry
}

func (l *backlog) any() bool { return len(l.entries) > 0 }

func (l *backlog) keep(entries []Entry) {
	for _, e := range entries {
		if l.size+len(e.Value) > l.limit {
			return
		}
		l.size += len(e.Value)
		l.entries = append(l.entries, Entry{ID: e.ID, Value: append([]byte(nil), e.Value...)})
	}
}

// retry appends the next piece of them; false: the store refused again.
func (l *backlog) retry(s Store) bool {
	const piece = 1024
	n := min(piece, len(l.entries))
	if s.Append(l.entries[:n]) != nil {
		return false
	}
	for _, e := range l.entries[:n] {
		l.size -= len(e.Value)
	}
	l.entries = l.entries[n:]
	if len(l.entries) == 0 {
		l.entries = nil
	}
	return true
}
