package message

// Edits collects changes to one message and applies them in one pass. Texts given
// are copied into an arena, so callers may reuse theirs. Order of calls does not
// matter, except among insertions at one place, which keep their order of calling.
// Overlapping replacements are a mistake of the caller: Apply refuses them, except
// that an edit wholly inside a removed or replaced span is dropped. Of edits of one
// and the same span a Remove wins, else the last.
type Edits struct {
	m      *Message
	arena  []byte
	list   []edit
	plan   []edit // what Apply makes of list
	stream bool
	bodyAt int      // index+1 in list of what Body asked for
	length [32]byte // the Content-Length line that Apply writes
}

// edit puts arena[from:to] in the place of at. Insertions have an empty at.
type edit struct {
	at       Span
	rank     rank
	remove   bool
	seq      int32
	from, to uint32
}

// rank orders insertions at one offset.
type rank uint8

const (
	rankTop rank = iota
	rankInsert
	rankBottom
	rankReplace
)

// Reset forgets all edits and starts on m.
func (e *Edits) Reset(m *Message) {
	e.m, e.arena, e.list, e.stream, e.bodyAt = m, e.arena[:0], e.list[:0], false, 0
}

func (e *Edits) Message() *Message { return e.m }

// Len is the number of edits asked for.
func (e *Edits) Len() int { return len(e.list) }

// ForStream tells that the result goes over a stream, where Content-Length is
// mandatory (RFC 3261 18.3).
func (e *Edits) ForStream(on bool) { e.stream = on }

// Replace puts text in the place of s; ReplaceString likewise. An empty s inserts.
func (e *Edits) Replace(s Span, text []byte) {
	add(e, edit{at: s, rank: replaceRank(s)}, text)
}

func (e *Edits) ReplaceString(s Span, text string) {
	add(e, edit{at: s, rank: replaceRank(s)}, text)
}

func replaceRank(s Span) rank {
	if s.Empty() {
		return rankInsert
	}
	return rankReplace
}

// Remove takes s out. RemoveAll takes out every header line of that kind.
func (e *Edits) Remove(s Span) {
	if !s.Empty() {
		add(e, edit{at: s, rank: rankReplace, remove: true}, "")
	}
}

func (e *Edits) RemoveAll(id HeaderID) {
	for h := range e.m.All(id) {
		e.Remove(h.Line)
	}
}

// RemoveValues takes those values out of a header line that drop says, with their
// commas; the whole line when none is left. Call it once a line.
func (e *Edits) RemoveValues(h *Header, drop func(Span) bool) {
	var kept, dropped bool
	last := h.Value.Off // end of the value before
	first := h.Value.Off
	list := len(e.list)
	for s := range e.m.Values(h) {
		switch {
		case !drop(s):
			if !kept && dropped {
				e.Remove(Span{first, s.Off})
			}
			kept = true
		case kept:
			e.Remove(Span{last, s.End})
		default:
			dropped = true
		}
		last = s.End
	}
	if dropped && !kept {
		e.list = e.list[:list]
		e.Remove(h.Line)
	}
}

// Set gives a header that occurs once its value: in the place of the first one's,
// further lines of the kind taken out; as a new line at the bottom when there is
// none. id must not be HOther.
func (e *Edits) Set(id HeaderID, value string) {
	first := e.m.First(id)
	if first == nil {
		from := uint32(len(e.arena))
		e.arena = append(append(e.arena, id.String()...), ": "...)
		e.BottomString(value)
		e.arena = append(e.arena, "\r\n"...)
		d := &e.list[len(e.list)-1]
		d.from, d.to = from, uint32(len(e.arena))
		return
	}
	e.ReplaceString(first.Value, value)
	for h := range e.m.All(id) {
		if h != first {
			e.Remove(h.Line)
		}
	}
}

// Insert puts text before the byte at off.
func (e *Edits) Insert(off uint16, text []byte) {
	add(e, edit{at: Span{off, off}, rank: rankInsert}, text)
}

func (e *Edits) InsertString(off uint16, text string) {
	add(e, edit{at: Span{off, off}, rank: rankInsert}, text)
}

// Top puts text (whole header lines with CRLF) right behind the start line;
// later calls come above earlier ones. Bottom puts it behind the last header line.
func (e *Edits) Top(lines []byte) {
	add(e, edit{at: Span{e.m.top, e.m.top}, rank: rankTop}, lines)
}

func (e *Edits) Bottom(lines []byte) {
	add(e, edit{at: Span{e.m.bottom, e.m.bottom}, rank: rankBottom}, lines)
}

func (e *Edits) TopString(lines string) {
	add(e, edit{at: Span{e.m.top, e.m.top}, rank: rankTop}, lines)
}

func (e *Edits) BottomString(lines string) {
	add(e, edit{at: Span{e.m.bottom, e.m.bottom}, rank: rankBottom}, lines)
}

// Body replaces the body, the last call counts; Content-Length follows by itself at
// Apply (also when the body is edited by Replace or Remove inside it).
func (e *Edits) Body(b []byte) {
	e.Replace(e.m.body, b)
	if e.bodyAt > 0 {
		last := len(e.list) - 1
		e.list[e.bodyAt-1] = e.list[last]
		e.list = e.list[:last]
		return
	}
	e.bodyAt = len(e.list)
}

// Removed tells whether a Remove of exactly or around s was asked for.
func (e *Edits) Removed(s Span) bool {
	for i := range e.list {
		if e.list[i].remove && e.list[i].at.Contains(s) {
			return true
		}
	}
	return false
}

func add[T []byte | string](e *Edits, d edit, text T) {
	d.seq = int32(len(e.list))
	d.from = uint32(len(e.arena))
	e.arena = append(e.arena, text...)
	d.to = uint32(len(e.arena))
	e.list = append(e.list, d)
}
