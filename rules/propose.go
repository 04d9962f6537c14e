package rules

// With is a snapshot in which subscribers stand as proposed, for asking what a change
// would do. s stays as it is; of a nil one nothing can be known, and nil is answered.
func (s *Snapshot) With(proposed ...Subscriber) *Snapshot {
	if s == nil {
		return nil
	}
	t := TableOf(s)
	for i := range proposed {
		t.Put(proposed[i], s.revision)
	}
	return t.Snapshot()
}

// TableOf is a table of its own that begins with a snapshot.
func TableOf(s *Snapshot) *Table {
	t := new(Table)
	t.current.Store(s)
	return t
}
