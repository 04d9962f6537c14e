package e2e

import (
	"fmt"
	"strconv"
	"strings"
)

// sipMsg is one message read the plain way, independent of the code under test.
type sipMsg struct {
	raw    string
	start  string
	header []sipHeader
	body   string
}

type sipHeader struct{ name, value string }

var compactNames = map[string]string{
	"i": "Call-ID", "m": "Contact", "e": "Content-Encoding", "l": "Content-Length",
	"c": "Content-Type", "f": "From", "s": "Subject", "k": "Supported", "t": "To",
	"v": "Via", "o": "Event", "r": "Refer-To", "b": "Referred-By", "u": "Allow-Events",
	"x": "Session-Expires", "y": "Identity", "n": "Identity-Info", "j": "Reject-Contact",
	"a": "Accept-Contact", "d": "Request-Disposition",
}

func parseSIP(raw string) (sipMsg, error) {
	m := sipMsg{raw: raw}
	head, body, found := strings.Cut(raw, "\r\n\r\n")
	if !found {
		return m, fmt.Errorf("no end of headers")
	}
	m.body = body
	lines := strings.Split(head, "\r\n")
	m.start = lines[0]
	for _, l := range lines[1:] {
		if l != "" && (l[0] == ' ' || l[0] == '\t') && len(m.header) > 0 {
			h := &m.header[len(m.header)-1]
			h.value += " " + strings.TrimSpace(l)
			continue
		}
		name, value, ok := strings.Cut(l, ":")
		if !ok {
			return m, fmt.Errorf("header line without colon")
		}
		name = strings.TrimSpace(name)
		if long, ok := compactNames[strings.ToLower(name)]; ok {
			name = long
		}
		m.header = append(m.header, sipHeader{name, strings.TrimSpace(value)})
	}
	return m, nil
}

// all returns the values of every line of a header; commas are left alone.
func (m sipMsg) all(name string) []string {
	var out []string
	for _, h := range m.header {
		if strings.EqualFold(h.name, name) {
			out = append(out, h.value)
		}
	}
	return out
}

func (m sipMsg) get(name string) string {
	if v := m.all(name); len(v) > 0 {
		return v[0]
	}
	return ""
}

func (m sipMsg) isRequest() bool { return !strings.HasPrefix(m.start, "SIP/2.0 ") }

func (m sipMsg) method() string {
	if m.isRequest() {
		return strings.Fields(m.start)[0]
	}
	f := strings.Fields(m.get("CSeq"))
	return f[len(f)-1]
}

func (m sipMsg) uri() string { return strings.Fields(m.start)[1] }

func (m sipMsg) status() int {
	if m.isRequest() {
		return 0
	}
	n, _ := strconv.Atoi(strings.Fields(m.start)[1])
	return n
}

// tag reads the tag header parameter of a From or To value.
func tag(value string) string {
	rest := value
	if i := strings.LastIndex(value, ">"); i >= 0 {
		rest = value[i:]
	}
	for _, p := range strings.Split(rest, ";")[1:] {
		if k, v, _ := strings.Cut(strings.TrimSpace(p), "="); strings.EqualFold(strings.TrimSpace(k), "tag") {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// withoutTag cuts the tag parameter off a From or To value.
func withoutTag(value string) string {
	return strings.Replace(value, ";tag="+tag(value), "", 1)
}

// target is the URI of a name-addr or addr-spec value.
func target(value string) string {
	if i := strings.Index(value, "<"); i >= 0 {
		return value[i+1 : i+strings.Index(value[i:], ">")]
	}
	uri, _, _ := strings.Cut(value, ";")
	return strings.TrimSpace(uri)
}

// splitValues splits a header value at the commas outside quotes and angle brackets.
func splitValues(value string) []string {
	var out []string
	depth, quoted, from := 0, false, 0
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case quoted:
			if c == '\\' {
				i++
			} else if c == '"' {
				quoted = false
			}
		case c == '"':
			quoted = true
		case c == '<':
			depth++
		case c == '>':
			depth--
		case c == ',' && depth == 0:
			out = append(out, strings.TrimSpace(value[from:i]))
			from = i + 1
		}
	}
	return append(out, strings.TrimSpace(value[from:]))
}

// values are all values of a header over all its lines, split at commas.
func (m sipMsg) values(name string) []string {
	var out []string
	for _, v := range m.all(name) {
		out = append(out, splitValues(v)...)
	}
	return out
}
