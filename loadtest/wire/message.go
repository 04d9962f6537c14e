package wire

import (
	"bytes"
	"errors"
)

// Header is one header line; folded lines are one. Name and Value point into the
// message, white space around them left out.
type Header struct {
	ID    ID
	Name  []byte
	Value []byte
}

// Message is one SIP message as it came. Its slices point into Raw and live as long.
type Message struct {
	Raw     []byte
	Status  int    // 0 for a request
	Method  Method // of a response: that of CSeq
	URI     []byte // Request-URI
	Reason  []byte // reason phrase
	Headers []Header
	Body    []byte
	CSeqNum uint32
	first   [IDs]int16 // index into Headers plus one; 0: absent
}

// Errors of Parse.
var (
	ErrNoSIP  = errors.New("not a SIP message")
	ErrHeader = errors.New("header line without a colon, or no end of headers")
)

// Parse reads raw, of which m keeps slices.
func (m *Message) Parse(raw []byte) error {
	m.Raw, m.Status, m.Method, m.URI, m.Reason, m.Body, m.CSeqNum = raw, 0, Unknown, nil, nil, nil, 0
	m.Headers = m.Headers[:0]
	m.first = [IDs]int16{}
	line, rest := cutLine(raw)
	if !m.startLine(line) {
		return ErrNoSIP
	}
	if err := m.headers(rest); err != nil {
		return err
	}
	num, method := ParseCSeq(m.Get(CSeq))
	m.CSeqNum = num
	if m.Status != 0 {
		m.Method = method
	}
	return nil
}

// startLine reads "SIP/2.0 200 OK" or "INVITE uri SIP/2.0".
func (m *Message) startLine(line []byte) bool {
	if bytes.HasPrefix(line, []byte("SIP/2.0 ")) {
		if len(line) < 11 {
			return false
		}
		code := line[8:11]
		m.Status = int(code[0]-'0')*100 + int(code[1]-'0')*10 + int(code[2]-'0')
		m.Reason = bytes.TrimSpace(line[11:])
		return m.Status >= 100 && m.Status < 700
	}
	a := bytes.IndexByte(line, ' ')
	z := bytes.LastIndexByte(line, ' ')
	if a < 0 || z <= a || string(line[z+1:]) != "SIP/2.0" {
		return false
	}
	m.Method, m.URI = methodOf(line[:a]), line[a+1:z]
	return true
}

func (m *Message) headers(rest []byte) error {
	for {
		if len(rest) == 0 {
			return ErrHeader
		}
		line, after := cutLine(rest)
		if len(line) == 0 {
			m.Body = after
			return nil
		}
		for len(after) > 0 && (after[0] == ' ' || after[0] == '\t') { // folded
			next, beyond := cutLine(after)
			line = rest[:len(rest)-len(after)+len(next)]
			after = beyond
		}
		rest = after
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 {
			return ErrHeader
		}
		name := trim(line[:colon])
		if len(name) == 0 {
			return ErrHeader
		}
		h := Header{ID: identify(name), Name: name, Value: trim(line[colon+1:])}
		m.Headers = append(m.Headers, h)
		if m.first[h.ID] == 0 {
			m.first[h.ID] = int16(min(len(m.Headers), 1<<15-1))
		}
	}
}

// Get is the first value of a field, nil when absent.
func (m *Message) Get(id ID) []byte {
	if i := m.first[id]; i != 0 {
		return m.Headers[i-1].Value
	}
	return nil
}

// Has tells whether the field is there.
func (m *Message) Has(id ID) bool { return m.first[id] != 0 }

// Count is in how many lines the field stands.
func (m *Message) Count(id ID) int {
	n := 0
	for i := int(m.first[id]); i > 0 && i <= len(m.Headers); i++ {
		if m.Headers[i-1].ID == id {
			n++
		}
	}
	return n
}

func cutLine(b []byte) (line, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return b, nil
	}
	rest = b[i+1:]
	if i > 0 && b[i-1] == '\r' {
		i--
	}
	return b[:i], rest
}

// trim takes off white space, line ends of folds included.
func trim(b []byte) []byte {
	for len(b) > 0 && white(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && white(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func white(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
