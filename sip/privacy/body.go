package privacy

import (
	"bytes"
	"errors"
	"sync"

	"clirgate/sip/message"
)

// ErrUnsupportedBody: without the body that must not go on, the request means nothing.
// Answer 415 with Accept: application/sdp, text/plain.
var ErrUnsupportedBody = errors.New("privacy: the body cannot go on, and the request needs one")

// bodyWriter writes the body anew as the table asks; pooled. A body that comes out as it
// was is not touched.
type bodyWriter struct {
	m      *message.Message
	t      *Transit
	d      *Dialog
	col    column
	scrub  bool // Privacy: session on a call that shows its caller: SDP is scrubbed all the same
	hidden Needles
	set    bool // hidden is prepared
	unread bool // something that may be an offer or answer was taken out unread
	offer  bool // an offer or answer was read, and is in the output
	barred bool // something was taken out because nobody could tell that it marks no call

	depth int
	parts []part // of all multiparts being written, the innermost last
	out   []byte
	text  []byte // header values made on the way; entity points into it
	none  Dialog
}

var bodyWriters = sync.Pool{New: func() any { return new(bodyWriter) }}

// part is one body or body part: spans of the message. ctype is the value of its
// Content-Type, empty when it has none.
type part struct {
	ctype, encoding, disposition, id message.Span
	content                          message.Span
	digest                           bool         // of a multipart/digest: another default type
	whole                            message.Span // from its delimiter line to the next one; of a part
}

// entity is what became of a part: its content is in the output, these are its headers.
type entity struct {
	gone        bool
	ctype       []byte
	disposition []byte
	id          []byte
	encoding    []byte
	unwrapped   bool // was the last part of a multipart
}

// planBody applies the body table to t.M.
func planBody(e *message.Edits, t *Transit, col column) error {
	m := t.M
	scrub := t.Call.ScrubMedia || t.Dialog != nil && t.Dialog.ScrubMedia
	if col == colTN && !scrub || m.Body().Empty() && !m.Has(message.HContentType) {
		return nil // all K; nothing
	}
	w := bodyWriters.Get().(*bodyWriter)
	defer w.release()
	w.begin(t, col, scrub)
	p := w.topPart()
	if !w.withheld() && w.passes(p) {
		return nil
	}
	var x entity
	w.out = w.out[:0]
	if p.content.Empty() { // what the type of nothing says may tell something
		_, mt := w.rowOf(p)
		x = w.headers(p, mt)
		x.gone = (col == colUN || col == colUW) && spellsMCID(w.typesOf(p))
	} else {
		w.out, x = w.write(w.out, p)
	}
	if w.needsBody(x.gone) {
		return ErrUnsupportedBody
	}
	if x.gone {
		removeBody(e)
	} else {
		w.replaceBody(e, p, x)
	}
	return nil
}

func (w *bodyWriter) begin(t *Transit, col column, scrub bool) {
	w.m, w.t, w.d, w.col, w.scrub = t.M, t, t.Dialog, col, scrub
	if w.d == nil {
		w.d = &w.none
	}
}

func (w *bodyWriter) release() {
	clear(w.parts[:cap(w.parts)])
	*w = bodyWriter{parts: w.parts[:0], out: w.out[:0], text: w.text[:0]}
	bodyWriters.Put(w)
}

// withheld: the sender is the W-party.
func (w *bodyWriter) withheld() bool { return w.col == colTW || w.col == colUW }

// topPart is the message's whole body.
func (w *bodyWriter) topPart() *part {
	p := part{content: w.m.Body()}
	if h := w.m.First(message.HContentType); h != nil {
		p.ctype = h.Value
	}
	if h := w.m.First(message.HContentDisposition); h != nil {
		p.disposition = h.Value
	}
	if h := w.m.First(message.HContentEncoding); h != nil {
		p.encoding = h.Value
	}
	w.parts = append(w.parts, p)
	return &w.parts[len(w.parts)-1]
}

// passes: the quick answer for most bodies of calls that show their caller.
func (w *bodyWriter) passes(p *part) bool {
	r, _ := w.rowOf(p)
	return w.cell(r) == 'K' && !w.mayMark(r, p)
}

// rowOf is the row of a part's media type. A part without Content-Type is text/plain
// (RFC 2046 5.1), a message without one has a body nobody knows.
func (w *bodyWriter) rowOf(p *part) (*bodyRow, message.MediaType) {
	if p.ctype.Empty() {
		if p.whole.Empty() || p.digest {
			return &bodies[len(bodies)-1], message.MediaType{}
		}
		return bodyRowOf([]byte("text"), []byte("plain")), message.MediaType{}
	}
	mt, ok := w.m.MediaType(p.ctype)
	if !ok {
		return &bodies[len(bodies)-1], mt
	}
	return bodyRowOf(w.m.Get(mt.Type), w.m.Get(mt.Subtype)), mt
}

// cell is the letter of the row for this message.
func (w *bodyWriter) cell(r *bodyRow) byte {
	if w.scrub && r == &bodies[0] && w.col != colE {
		return 'X'
	}
	return r.cells[w.col]
}

// write appends what becomes of the part's content.
func (w *bodyWriter) write(dst []byte, p *part) ([]byte, entity) {
	r, mt := w.rowOf(p)
	from := len(dst)
	ok := true
	switch cell := w.cell(r); {
	case cell == 'R':
		ok = false
		w.unread = w.unread || r.form == opaqueBody
	case w.mayMark(r, p):
		ok, w.barred = false, true
	case cell == 'K' && !w.encoded(p): // text stays whatever its encoding
		dst = append(dst, w.m.Get(p.content)...)
	case cell == 'K':
		ok = !w.withheld() || message.EqualFold(w.m.Get(mt.Type), "text") && !p.whole.Empty()
		dst = append(dst, w.m.Get(p.content)...)
	case w.encoded(p): // cannot be read
		ok = !w.withheld()
		w.unread = true
		dst = append(dst, w.m.Get(p.content)...)
	case cell == 'M':
		return w.multipart(dst, p, mt)
	default:
		dst, ok = w.rewrite(dst, p, r.form)
	}
	if !ok {
		return dst[:from], entity{gone: true}
	}
	return dst, w.headers(p, mt)
}

// rewrite appends the content with its sender hidden, or, on E, shown. ok is false when it
// cannot be read.
func (w *bodyWriter) rewrite(dst []byte, p *part, form bodyForm) (out []byte, ok bool) {
	switch form {
	case sdpBody:
		w.offer = true
		return w.sdp(dst, p)
	case isupBody:
		return w.isup(dst, p)
	case cpimBody:
		return w.cpim(dst, p)
	case imdnBody:
		return w.imdn(dst, p)
	case sipfragBody:
		return w.sipfrag(dst, p)
	}
	return dst, false
}

// encoded: content is not as it looks (Content-Encoding of a message,
// Content-Transfer-Encoding of a part).
func (w *bodyWriter) encoded(p *part) bool {
	v := w.m.Get(p.encoding)
	if len(v) == 0 {
		return false
	}
	for _, plain := range [...]string{"identity", "7bit", "8bit", "binary"} {
		if message.EqualFold(v, plain) {
			return false
		}
	}
	return true
}

// holds tells whether b holds the withheld sender's number. What it is asked about would
// else stay, and the leak guard stop the message.
func (w *bodyWriter) holds(b []byte) bool {
	if !w.withheld() {
		return false
	}
	if !w.set {
		numbers := &w.d.CallerNumbers
		if w.t.Sender == Callee {
			numbers = &w.d.CalleeNumbers
		}
		w.hidden.Set(w.t.Plan, w.t.Network, numbers[0], numbers[1])
		w.set = true
	}
	_, found := w.hidden.Find(b)
	return found
}

// replaceBody puts the output in the place of the body, where it differs.
func (w *bodyWriter) replaceBody(e *message.Edits, p *part, x entity) {
	if !bytes.Equal(w.out, w.m.Get(w.m.Body())) {
		e.Body(w.out)
	}
	if !w.withheld() {
		return
	}
	first := true
	for h := range w.m.All(message.HContentType) {
		switch {
		case !first || x.ctype == nil:
			e.Remove(h.Line)
		case !bytes.Equal(x.ctype, w.m.Get(h.Value)):
			e.Replace(h.Value, x.ctype)
		}
		first = false
	}
	if !x.unwrapped {
		return
	}
	e.RemoveAll(message.HContentDisposition)
	e.RemoveAll(message.HContentID)
	if x.disposition != nil {
		w.text = append(w.text[:0], "Content-Disposition: "+string(x.disposition)+"\r\n"...)
		e.Bottom(w.text)
	}
}

// removeBody takes out the body and every header that describes it.
func removeBody(e *message.Edits) {
	e.Body(nil)
	for _, id := range [...]message.HeaderID{message.HContentType, message.HContentDisposition, message.HContentEncoding,
		message.HContentID, message.HContentLanguage, message.HContentLocation, message.HContentDescription, message.HMIMEVersion} {
		e.RemoveAll(id)
	}
}

// needsBody: a request that is nothing without its body, or an offer or answer that
// cannot be read (a call must not turn into another one in silence).
func (w *bodyWriter) needsBody(gone bool) bool {
	if !w.m.IsRequest() {
		return false
	}
	switch w.m.Method() {
	case message.MESSAGE, message.INFO, message.PUBLISH:
		return gone
	case message.INVITE, message.UPDATE, message.PRACK:
		return (w.unread && w.withheld() || w.barred) && !w.offer
	}
	return false
}
