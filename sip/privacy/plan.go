package privacy

import (
	"strings"
	"sync"

	"clirgate/rules"
	"clirgate/sip/message"
)

// Plan collects into e all edits the table asks for on t.M: everything but the hop by
// hop work of the proxy (Request-URI, Max-Forwards, own Via and Record-Route, Route).
//
// For a withheld sender the received Via and Record-Route lines are taken out here, also
// Record-Route lines of its responses: the proxy puts its own and the other side's back.
// In a response Via, From, To, Call-ID are restored here from t.Request where they were
// mapped; without mapping the topmost Via value, the gateway's own, is taken out.
//
// Errors (ErrCritical, ErrUnsupportedBody) say the response to give; they never hold
// message content in their text. Never an error for class E, for ACK, CANCEL, BYE.
func Plan(e *message.Edits, t *Transit) error {
	p := planners.Get().(*planner)
	defer p.release()
	p.begin(e, t)
	if err := p.checkCritical(); err != nil {
		return err
	}
	headers := t.M.Headers()
	for i := range headers {
		p.line(&headers[i])
	}
	p.addLines()
	p.statusLine()
	if err := planBody(e, t, p.col); err != nil && p.col != colE {
		return err
	}
	return nil
}

// column is a column of the table.
type column uint8

const (
	colTN column = iota
	colTW
	colUN
	colUW
	colE
)

// planner is the working state of one Plan; pooled.
type planner struct {
	e *message.Edits
	t *Transit
	m *message.Message
	d *Dialog

	col      column
	withheld bool   // the sender is the W-party
	named    Dialog // the call that a reference names: its ID alone
	known    Known  // whose call that is
	shy      bool   // the receiver is the W-party: what it knows otherwise is put back
	raised   bool

	asked        rules.Privacy
	marker       []byte // Privacy value to send; meaningful with markerSet
	markerSet    bool   // false: Privacy lines stay as received
	markerDone   bool
	history      bool // History-Info is to be anonymised whatever the class
	paiSIP       bool // a P-Asserted-Identity value stays
	paiTel       bool
	contacts     bool // first Contact value was seen
	unauthorized bool // a challenge was taken out of the response

	buf, work, mark []byte
	none, seal      Dialog
	needles         Needles
	needlesSet      bool
}

var planners = sync.Pool{New: func() any { return new(planner) }}

// release drops what belongs to the caller and keeps the buffers.
func (p *planner) release() {
	*p = planner{buf: p.buf[:0], work: p.work[:0], mark: p.mark[:0]}
	planners.Put(p)
}

func (p *planner) begin(e *message.Edits, t *Transit) {
	p.e, p.t, p.m, p.d = e, t, t.M, t.Dialog
	if p.d == nil {
		p.d = &p.none
	}
	t.Status = 0
	p.asked = PrivacyOf(t.M)
	p.raised = t.Raised
	emergency := p.isEmergency()
	if !emergency {
		p.withheld, p.shy = p.isWithheld(t.Sender), p.isWithheld(t.Sender.Other())
		p.raise()
	}
	p.col = p.pick(emergency)
	p.history = t.Call.ScrubHistory || p.asked&rules.PrivacyHistory != 0
	p.noteSDP()
	p.choosePrivacy()
}

// line looks the header up and does what its cell says.
func (p *planner) line(h *message.Header) {
	r := rowOf(p.m, h)
	action, done := Keep, false
	if r.back != nil {
		action, done = r.back(p, h)
	}
	if !done {
		action = p.act(r, h)
	}
	if p.t.Row != nil {
		p.t.Row(h, action, r.why)
	}
}

func (p *planner) act(r *row, h *message.Header) Action {
	if p.col == colUW && !shaped(p.m, h) {
		return p.remove(h)
	}
	action := p.cell(r, h)
	if action == Keep && p.col == colUW && p.leaks(h, p.m.Get(h.Value)) {
		return p.remove(h)
	}
	return action
}

// cell does what the letter of the column says.
func (p *planner) cell(r *row, h *message.Header) Action {
	keep := true
	switch r.cells[p.col] {
	case 'K':
	case 'H':
		return Rewrite
	case 'R':
		keep = false
	case 'D':
		keep = p.t.Next.OwnDomain
	case 'L':
		keep = p.listed(h)
	default:
		return r.do(p, h)
	}
	if keep {
		return Keep
	}
	return p.remove(h)
}

// leaks tells whether a header that may stay towards U holds the withheld number all the
// same (STANDARDS 0.5), or is written so that nobody can tell. What no message can do without is left to the leak guard.
func (p *planner) leaks(h *message.Header, text []byte) bool {
	if len(text) < minDigits {
		return false
	}
	switch h.ID {
	case message.HVia, message.HFrom, message.HTo, message.HCallID, message.HCSeq, message.HContact,
		message.HRoute, message.HRecordRoute, message.HContentLength:
		return false
	case message.HContentType: // of a body it goes with the body
		if !p.m.Body().Empty() {
			return false
		}
	}
	if obscure(text) {
		return true
	}
	if !p.needlesSet {
		p.needlesSet = true
		numbers := p.senderNumbers()
		p.needles.Set(p.t.Plan, p.t.Network, numbers[0], numbers[1])
	}
	_, hit := p.needles.Find(text)
	return hit
}

func (p *planner) remove(h *message.Header) Action {
	p.e.Remove(h.Line)
	return Remove
}

// replace puts text in the place of the value, or takes the line out when it is empty.
func (p *planner) replace(h *message.Header, text []byte, a Action) Action {
	if len(text) == 0 || p.col == colUW && p.leaks(h, text) {
		return p.remove(h)
	}
	if string(text) == string(p.m.Get(h.Value)) {
		return Keep
	}
	if h.Value.Empty() { // which has no place of its own in the line
		p.work = append(append(p.work[:0], p.m.Get(h.Name)...), ": "...)
		p.work = append(append(p.work, text...), "\r\n"...)
		p.e.Replace(h.Line, p.work)
		return a
	}
	p.e.Replace(h.Value, text)
	return a
}

// rebuild writes every value of h anew: write appends what becomes of one value, nothing
// to drop it. A line whose values all stay is left as it came.
func (p *planner) rebuild(h *message.Header, a Action, write func(dst []byte, s message.Span) []byte) Action {
	buf := p.buf[:0]
	changed := false
	for s := range p.m.Values(h) {
		sep := len(buf)
		if sep > 0 {
			buf = append(buf, ", "...)
		}
		from := len(buf)
		buf = write(buf, s)
		changed = changed || string(buf[from:]) != string(p.m.Get(s))
		if len(buf) == from {
			buf = buf[:sep]
		}
	}
	p.buf = buf
	if !changed && len(buf) > 0 {
		return Keep
	}
	return p.replace(h, buf, a)
}

// listed tells whether the peer wants this header (Hop.Headers).
func (p *planner) listed(h *message.Header) bool {
	name := p.m.Get(h.Name)
	for _, want := range p.t.Next.Headers {
		if message.EqualFold(name, want) || h.ID != message.HOther && strings.EqualFold(want, h.ID.String()) {
			return true
		}
	}
	return false
}
