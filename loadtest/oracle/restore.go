package oracle

import (
	"bytes"

	"clirgate/loadtest/wire"
)

// Sent is a dialog as the calling side began it, and as it must go on to see it.
type Sent struct {
	From    []byte // value with tag
	To      []byte // value as dialled, without tag
	CallID  []byte
	Contact []byte // URI
	Branch  []byte // of the request answered; responses only
	SentBy  []byte // of its Via
	// Loose: the other side's requests may name the parties as the network does, with
	// the caller's tag: emergency calls, where what was dialled and shown is rewritten.
	Loose bool
}

// Calling looks at a message that reached the caller: everything that was mapped on
// the way out must be as it was.
func (j *Judge) Calling(m *wire.Message, s *Sent) {
	j.msg, j.method = m, m.Method.String()
	if !bytes.Equal(m.Get(wire.CallID), s.CallID) {
		j.find(Restore, "Call-ID", "another")
	}
	if m.Status != 0 {
		j.own(wire.From, s.From, false)
		j.other(wire.To, s.To)
		j.via(s)
		return
	}
	j.own(wire.To, s.From, s.Loose)
	if !s.Loose {
		j.other(wire.From, s.To)
	}
	if !bytes.Equal(wire.User(m.URI), wire.User(s.Contact)) || !bytes.Equal(wire.HostPort(m.URI), wire.HostPort(s.Contact)) {
		j.find(Restore, "Request-URI", "not the Contact given")
	}
	if m.Has(wire.Route) {
		j.find(Restore, "Route", "left over")
	}
}

// own compares the caller's own party: display name, URI and tag, or the tag alone.
func (j *Judge) own(id wire.ID, want []byte, tagOnly bool) {
	got := j.msg.Get(id)
	if bytes.Equal(got, want) {
		return
	}
	d1, u1, p1 := wire.Address(got)
	d2, u2, p2 := wire.Address(want)
	if !tagOnly && (!bytes.Equal(bytes.Trim(d1, `"`), bytes.Trim(d2, `"`)) || !bytes.Equal(u1, u2)) {
		j.find(Restore, id.String(), "another party")
	}
	if !bytes.Equal(wire.Param(p1, "tag"), wire.Param(p2, "tag")) {
		j.find(Restore, id.String(), "another tag")
	}
}

// other compares the other party's URI: what the caller dialled.
func (j *Judge) other(id wire.ID, want []byte) {
	_, u1, _ := wire.Address(j.msg.Get(id))
	_, u2, _ := wire.Address(want)
	if !bytes.Equal(u1, u2) {
		j.find(Restore, id.String(), "not as dialled")
	}
}

func (j *Judge) via(s *Sent) {
	if wire.CountElements(j.msg, wire.Via) != 1 {
		j.find(Restore, "Via", "not exactly one")
	}
	by, params := wire.ViaParts(wire.TopVia(j.msg))
	if !bytes.Equal(by, s.SentBy) || s.Branch != nil && !bytes.Equal(wire.Param(params, "branch"), s.Branch) {
		j.find(Restore, "Via", "another")
	}
}
