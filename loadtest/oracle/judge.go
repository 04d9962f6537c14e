package oracle

import (
	"bytes"

	"clirgate/loadtest/wire"
)

// Judge looks at messages. It is not safe for concurrent use; a Tally may be shared.
type Judge struct {
	// Trusted: the called side is inside the trust domain, where a withheld caller's
	// P-Asserted-Identity must be.
	Trusted bool
	// WantPAI: a shown caller's P-Asserted-Identity must be there too.
	WantPAI bool
	// NoMarker: withheld calls need not carry "Privacy: id".
	NoMarker bool
	// Addresses of the callers, "ip:port", that withheld calls may not show.
	Addresses [][]byte
	// Prefix begins the national numbers of all callers; used where the caller of a
	// call is not known.
	Prefix string
	// Tally takes the findings.
	Tally *Tally

	scratch []byte
	method  string
	msg     *wire.Message
}

// Called looks at a message the called side got from the caller's: a request, or the
// response to a request of its own. line is nil when the caller is not known. It
// answers the class seen: a first request settles what was unsure.
func (j *Judge) Called(m *wire.Message, class Class, line *Line, first bool) Class {
	j.msg, j.method = m, m.Method.String()
	party := wire.From
	if m.Status != 0 {
		party = wire.To
	}
	display, uri, params := wire.Address(m.Get(party))
	if class == Unsure {
		if !first {
			return class
		}
		if class = Shown; bytes.Equal(uri, anonymousURI) {
			class = Withheld
		}
	}
	if len(wire.Param(params, "tag")) == 0 && m.Method != wire.Unknown {
		j.find(Form, party.String(), "no tag")
	}
	switch class {
	case Withheld:
		j.withheld(line, party, display, uri, first)
	case Shown:
		j.shown(line, party, uri, first)
	case Emergency:
		j.emergency(line, party, uri, first)
	}
	return class
}

var (
	anonymousURI  = []byte("sip:anonymous@anonymous.invalid")
	anonymousName = []byte(`"Anonymous"`)
)

func (j *Judge) withheld(line *Line, party wire.ID, display, uri []byte, first bool) {
	m := j.msg
	j.searchAll(line)
	if !bytes.Equal(uri, anonymousURI) || !bytes.Equal(display, anonymousName) && !bytes.Equal(display, anonymousName[1:10]) {
		j.find(Form, party.String(), "not the anonymous URI")
	}
	for id := wire.PPreferredIdentity; id < wire.IDs; id++ {
		if m.Has(id) && !(j.Trusted && insideTrust(id)) {
			j.find(Leak, id.String(), "header")
		}
	}
	if !j.Trusted && m.Has(wire.PAssertedIdentity) {
		j.find(Leak, wire.PAssertedIdentity.String(), "header")
	}
	if !first {
		return
	}
	if j.Trusted && !hasNumber(m.Get(wire.PAssertedIdentity), line, j.Prefix) {
		j.find(Missing, wire.PAssertedIdentity.String(), "number, towards the trust domain")
	}
	if !j.NoMarker && !hasToken(m.Get(wire.Privacy), "id") {
		j.find(Form, wire.Privacy.String(), "no id")
	}
	if n := wire.CountElements(m, wire.Via); n != 1 {
		j.find(Form, wire.Via.String(), "not exactly one")
	}
}

// insideTrust are the fields of the search for headers that trusted elements may get.
func insideTrust(id wire.ID) bool {
	switch id {
	case wire.Identity, wire.PChargingVector, wire.PChargingFunctionAddresses, wire.PChargeInfo,
		wire.PAccessNetworkInfo, wire.CellularNetworkInfo, wire.PVisitedNetworkID, wire.Diversion, wire.CCDiversion:
		return true
	}
	return false
}

func (j *Judge) shown(line *Line, party wire.ID, uri []byte, first bool) {
	if !hasNumber(wire.User(uri), line, j.Prefix) {
		j.find(Missing, party.String(), "number")
	}
	if !first {
		return
	}
	if j.WantPAI && !hasNumber(j.msg.Get(wire.PAssertedIdentity), line, j.Prefix) {
		j.find(Missing, wire.PAssertedIdentity.String(), "number")
	}
	if hasToken(j.msg.Get(wire.Privacy), "id") {
		j.find(Missing, wire.Privacy.String(), "id on a call that may be shown")
	}
}

func (j *Judge) emergency(line *Line, party wire.ID, uri []byte, first bool) {
	m := j.msg
	if !hasNumber(wire.User(uri), line, j.Prefix) {
		j.find(Missing, party.String(), "number, on an emergency call")
	}
	if m.Has(wire.Privacy) {
		j.find(Missing, wire.Privacy.String(), "present on an emergency call")
	}
	if first && !hasNumber(m.Get(wire.PAssertedIdentity), line, j.Prefix) {
		j.find(Missing, wire.PAssertedIdentity.String(), "number, on an emergency call")
	}
}

// searchAll looks through all bytes, and when there is something, where.
func (j *Judge) searchAll(line *Line) {
	m := j.msg
	s := search{line: line, prefix: j.Prefix, addresses: j.Addresses}
	if s.in(m.Raw, &j.scratch) == "" {
		return
	}
	where := false
	part := func(vector string, b []byte) {
		if what := s.in(b, &j.scratch); what != "" {
			where = true
			j.find(Leak, vector, what)
		}
	}
	if m.Status == 0 {
		part("Request-URI", m.URI)
	} else {
		part("Status-Line", m.Reason)
	}
	for i := range m.Headers {
		h := &m.Headers[i]
		if j.Trusted && (h.ID == wire.PAssertedIdentity || insideTrust(h.ID)) {
			where = true
			continue
		}
		vector := h.ID.String()
		if h.ID == wire.Other {
			vector = string(h.Name)
		}
		part(vector, h.Value)
	}
	part("body", m.Body)
	if !where {
		j.find(Leak, "message", "spread over several parts")
	}
}

func (j *Judge) find(k Kind, vector, what string) {
	j.Tally.Add(Finding{k, vector, what, j.method}, j.msg.Raw)
}

// hasNumber tells whether value holds the line's number as a whole one, or where the
// line is not known, any of the callers'.
func hasNumber(value []byte, line *Line, prefix string) bool {
	s := search{line: line, prefix: prefix}
	return s.digits(value)
}

// hasToken tells whether a Privacy value holds the token.
func hasToken(value []byte, token string) bool {
	for len(value) > 0 {
		end := bytes.IndexAny(value, ";,")
		one := value
		if end >= 0 {
			one, value = value[:end], value[end+1:]
		} else {
			value = nil
		}
		if bytes.EqualFold(bytes.TrimSpace(one), []byte(token)) {
			return true
		}
	}
	return false
}
