package proxy

import (
	"strings"

	"clirgate/sip/message"
	"clirgate/sip/privacy"
)

// hopByHop is why a line changes that the table keeps: the proxy's own work.
const hopByHop = "RFC 3261 16.6: the work of every proxy"

// compare sets the lines of a request against those of what left for it. Lines of one
// name keep their order, and what the gateway adds itself comes first or, where there was
// none, last; so the last lines of a name belong together.
func compare(m *message.Message, after []byte, rows []headerRow) []HeaderStep {
	var out message.Message
	if out.Parse(after) != nil {
		return nil
	}
	left := map[string][]string{} // by name, lines of after that belong to nobody yet
	for i := range out.Headers() {
		name, value := lineOf(&out, &out.Headers()[i])
		left[name] = append(left[name], value)
	}
	steps := make([]HeaderStep, len(rows))
	for i := len(rows) - 1; i >= 0; i-- {
		r := &rows[i]
		h := headerAt(m, r.line)
		name, before := lineOf(m, h)
		s := HeaderStep{Name: name, Before: before, Action: r.action, Why: r.why}
		if lines := left[name]; r.action != privacy.Remove && len(lines) > 0 {
			s.After, left[name] = lines[len(lines)-1], lines[:len(lines)-1]
		}
		switch {
		case s.Action == privacy.Remove || s.After == s.Before && h.ID != message.HRoute:
		case s.After == "":
			s.Action, s.Why = privacy.Remove, hopByHop
		case s.After == s.Before:
			s.Action = privacy.Keep
		case s.Action == privacy.Keep:
			s.Action, s.Why = privacy.Rewrite, hopByHop
		}
		steps[i] = s
	}
	return append(steps, added(&out, left)...)
}

// added are the lines that came from nobody.
func added(out *message.Message, left map[string][]string) (steps []HeaderStep) {
	for i := range out.Headers() {
		name, value := lineOf(out, &out.Headers()[i])
		if lines := left[name]; len(lines) > 0 && lines[0] == value {
			left[name] = lines[1:]
			steps = append(steps, HeaderStep{Name: name, After: value, Why: "added by the gateway"})
		}
	}
	return steps
}

func headerAt(m *message.Message, line message.Span) *message.Header {
	for i := range m.Headers() {
		if m.Headers()[i].Line == line {
			return &m.Headers()[i]
		}
	}
	return nil
}

// lineOf is a header's full name and its value.
func lineOf(m *message.Message, h *message.Header) (name, value string) {
	name = h.ID.String()
	if h.ID == message.HOther || name == "" {
		name = string(m.Get(h.Name))
	}
	return name, strings.TrimSpace(string(m.Get(h.Value)))
}
