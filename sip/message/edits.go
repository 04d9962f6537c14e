package message

// Edits collects changes to one message and applies them in one pass. Texts given
// are copied into an arena, so callers may reuse theirs. Order of calls does not
// matter, except among insertions at one place, which keep their order of calling.
// Overlapping replacements are a mistake of the caller: Apply refuses them, except
// that an edit wholly inside a removed or replaced span is dropped.
type Edits struct{ todo []byte }

// Reset forgets all edits and starts on m.
func (e *Edits) Reset(m *Message) { panic("todo") }

func (e *Edits) Message() *Message { panic("todo") }

// Replace puts text in the place of s; ReplaceString likewise.
func (e *Edits) Replace(s Span, text []byte)       { panic("todo") }
func (e *Edits) ReplaceString(s Span, text string) { panic("todo") }

// Remove takes s out. RemoveAll takes out every header line of that kind.
func (e *Edits) Remove(s Span)         { panic("todo") }
func (e *Edits) RemoveAll(id HeaderID) { panic("todo") }

// Insert puts text before the byte at off.
func (e *Edits) Insert(off uint16, text []byte) { panic("todo") }

// Top puts text (whole header lines with CRLF) right behind the start line;
// later calls come above earlier ones. Bottom puts it behind the last header line.
func (e *Edits) Top(lines []byte)    { panic("todo") }
func (e *Edits) Bottom(lines []byte) { panic("todo") }

// Body replaces the body; Content-Length follows by itself at Apply (also when
// the body is edited by Replace or Remove inside it).
func (e *Edits) Body(b []byte) { panic("todo") }

// Removed tells whether a Remove of exactly or around s was asked for.
func (e *Edits) Removed(s Span) bool { panic("todo") }

// Apply appends the edited message to dst. Content-Length is corrected when the
// body's length changed, and added when it is missing and a body is there or the
// message is for a stream. Errors: overlapping edits, result above MaxSize.
func (e *Edits) Apply(dst []byte) ([]byte, error) { panic("todo") }
