package trace

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"clirgate/numbering"
)

// plain is a record with its identities in clear, as it is printed.
type plain struct {
	ID           string     `json:"id"`
	Method       string     `json:"method"`
	Start        time.Time  `json:"start"`
	Answer       *time.Time `json:"answer,omitempty"`
	End          *time.Time `json:"end,omitempty"`
	Calling      string     `json:"calling,omitempty"`
	Trust        string     `json:"identity"`
	Shown        string     `json:"shown,omitempty"`
	Asserted     []string   `json:"asserted,omitempty"`
	Called       string     `json:"called,omitempty"`
	CalledClass  string     `json:"called_class"`
	Code         bool       `json:"withhold_code"`
	DivertedFrom string     `json:"diverted_from,omitempty"`
	Chain        bool       `json:"diverted_before,omitempty"` // another had forwarded it before
	Withheld     bool       `json:"withheld"`
	Class        string     `json:"class"`
	Rule         string     `json:"rule"`
	Revision     uint64     `json:"revision"`
	Ingress      string     `json:"ingress"`
	Egress       string     `json:"egress"`
	Source       string     `json:"source"`
	CallIDIn     string     `json:"call_id_in"`
	CallIDOut    string     `json:"call_id_out"`
	Status       int        `json:"status,omitempty"`
	Mark         string     `json:"mark,omitempty"`   // how it was noted as malicious
	Marked       *time.Time `json:"marked,omitempty"` // and when
	Bases        []string   `json:"bases"`
	Expires      time.Time  `json:"expires"`
	Sealed       bool       `json:"sealed,omitempty"` // the identities are not shown here
}

// AppendPlain appends r as one JSON object with its identities in clear, without a
// newline. By name only: never for a log line.
func (r *Record) AppendPlain(dst []byte) []byte { return r.appendJSON(dst) }

// AppendPublic appends r as AppendPlain does, without the identities, whether they are
// sealed or not.
func (r *Record) AppendPublic(dst []byte) []byte {
	p := *r
	p.Calling, p.Shown, p.Asserted, p.Called, p.DivertedFrom = 0, 0, [2]numbering.Number{}, 0, 0
	p.Source, p.CallIDIn, p.CallIDOut = netip.AddrPort{}, "", ""
	p.closed = "-"
	return p.appendJSON(dst)
}

func (r *Record) appendJSON(dst []byte) []byte {
	p := plain{
		ID: r.ID.String(), Method: r.Method, Start: r.Start, Answer: known(r.Answer), End: known(r.End),
		Calling: dial(r.Calling), Trust: r.Trust.String(), Shown: dial(r.Shown),
		Called: dial(r.Called), CalledClass: r.CalledClass, Code: r.Withhold, DivertedFrom: dial(r.DivertedFrom), Chain: r.Chain,
		Withheld: r.Withheld, Class: r.Class.String(), Rule: r.Rule.String(), Revision: r.Revision,
		Ingress: r.Ingress, Egress: r.Egress, CallIDIn: r.CallIDIn, CallIDOut: r.CallIDOut,
		Status: r.Status, Bases: r.Bases.Names(), Expires: r.Expires, Sealed: r.Closed(),
	}
	if r.Mark != MarkNone {
		p.Mark, p.Marked = r.Mark.String(), known(r.Marked)
	}
	if r.Source.IsValid() {
		p.Source = r.Source.String()
	}
	for _, n := range r.Asserted {
		if n != 0 {
			p.Asserted = append(p.Asserted, dial(n))
		}
	}
	b, err := json.Marshal(p)
	if err != nil { // a year no RFC 3339 can hold
		return fmt.Appendf(dst, `{"id":%q,"error":"cannot be printed"}`, r.ID)
	}
	return append(dst, b...)
}

func dial(n numbering.Number) string {
	if n == 0 {
		return ""
	}
	return n.E164()
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

var trustNames = [...]string{"unknown", "asserted", "screened", "default", "from"}

// String says how the identity was come by.
func (t Trust) String() string {
	if int(t) >= len(trustNames) {
		return "unknown"
	}
	return trustNames[t]
}

// Names lists the bases in the set.
func (b Basis) Names() []string {
	names := []string{}
	for i, name := range [...]string{"transmission", "nuisance", "emergency"} {
		if b&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}
