package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"

	"clirgate/admin"
	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/sip/privacy"
	"clirgate/sip/proxy"
	"clirgate/sip/transport"
)

// explainer answers the API's questions with a dry run of the call path.
type explainer struct{ g *Gateway }

func (x explainer) Explain(ctx context.Context, q admin.Question, proposed []rules.Subscriber) (*admin.Explanation, error) {
	from, err := x.source(&q)
	if err != nil {
		return nil, err
	}
	msg, err := x.message(&q, from)
	if err != nil {
		return nil, err
	}
	var with *rules.Snapshot
	if len(proposed) > 0 {
		if with = x.g.rules.Table().Snapshot().With(proposed...); with == nil {
			return nil, rules.ErrUnavailable
		}
	}
	e, err := x.g.proxy.Explain(ctx, msg, from, with)
	switch {
	case errors.Is(err, proxy.ErrUnreadable):
		return nil, &rules.FieldError{Field: "message", Wrong: "is no SIP request: " + syntax(err), Mend: "give a request whole: start line, all headers, an empty line, the body; no ACK and no CANCEL"}
	case errors.Is(err, proxy.ErrInDialog):
		return nil, &rules.FieldError{Field: "message", Wrong: "has a To tag, so it belongs to a dialog", Mend: "give the request that begins the dialog"}
	case errors.Is(err, proxy.ErrNoListener):
		return nil, &rules.FieldError{Field: "source", Wrong: "cannot reach any listener of the gateway", Mend: "use a network and address family that sip.listen has"}
	case err != nil:
		return nil, err
	}
	out := answerOf(e, from)
	out.Name = q.Name
	return out, nil
}

// syntax is what the parser says is wrong, which holds nothing of the message.
func syntax(err error) string {
	_, cause, ok := strings.Cut(err.Error(), "\n")
	if !ok {
		return "it has no Via or CSeq, or is no request that gets a response"
	}
	return cause
}

// source is where the call is said to come from.
func (x explainer) source(q *admin.Question) (transport.Flow, error) {
	switch {
	case q.Peer != "" && q.Source != "":
		return transport.Flow{}, &rules.FieldError{Field: "source", Wrong: "stands beside peer", Mend: "give one of them"}
	case q.Peer != "":
		from, ok := x.g.proxy.SourceOf(q.Peer)
		if !ok {
			return from, &rules.FieldError{Field: "peer", Wrong: "is not configured, or its addresses are not known", Mend: "GET /v1/peers lists them; or give source"}
		}
		return from, nil
	case q.Source == "":
		return transport.Flow{}, &rules.FieldError{Field: "peer", Wrong: "is missing, and so is source", Mend: "say who sends the call"}
	}
	bad := &rules.FieldError{Field: "source", Wrong: "is no network and address", Mend: "write it like udp:192.0.2.1:5060"}
	name, addr, _ := strings.Cut(q.Source, ":")
	for n := transport.UDP; n <= transport.TLS; n++ {
		if strings.EqualFold(n.String(), name) {
			at, err := netip.ParseAddrPort(addr)
			if err != nil {
				return transport.Flow{}, bad
			}
			return transport.Flow{Net: n, Remote: at}, nil
		}
	}
	return transport.Flow{}, bad
}

func answerOf(e *proxy.Explanation, from transport.Flow) *admin.Explanation {
	out := &admin.Explanation{
		Source:  admin.Source{Peer: e.From, Boundary: e.Boundary.String(), Address: place(from.Net, from.Remote)},
		Message: admin.Messages{Before: string(e.Before)},
		Events:  e.Events,
	}
	if e.Decided {
		out.Facts, out.Decision = factsOf(&e.Facts), decisionOf(e.Treatment)
		for _, s := range e.Steps {
			out.Steps = append(out.Steps, admin.Step(s))
		}
	}
	if e.After != nil {
		out.Message.After = new(string(e.After))
		if !utf8.Valid(e.After) {
			out.Message.Raw = e.After
		}
	}
	if e.Next != nil {
		out.Next = new(hopOf(*e.Next))
	}
	for _, h := range e.Others {
		out.Others = append(out.Others, hopOf(h))
	}
	for _, h := range e.Headers {
		out.Headers = append(out.Headers, stepOf(h))
	}
	if e.Status != 0 {
		out.Answer = &admin.Answer{Status: e.Status, Reason: e.Phrase, Note: e.Note}
	}
	return out
}

func place(n transport.Network, a netip.AddrPort) string {
	return strings.ToLower(n.String()) + ":" + a.String()
}

func factsOf(f *rules.Call) *admin.Facts {
	number := func(n numbering.Number) string {
		if n == 0 {
			return ""
		}
		return n.E164()
	}
	return &admin.Facts{
		Caller: number(f.Caller), Called: number(f.Called), Emergency: f.Emergency, Withhold: f.Withhold, Present: f.Present,
		AnonymousFrom: f.AnonymousFrom, TrustedSource: f.TrustedSource, Restricted: f.Restricted, CallBack: f.CallBack,
	}
}

func decisionOf(t rules.Treatment) *admin.Decision {
	d := &admin.Decision{Class: t.Class.String(), Rule: t.Rule.String(), Revision: t.Revision}
	for _, f := range []struct {
		on   bool
		name string
	}{
		{t.ScrubMedia, "identity in SDP is scrubbed"},
		{t.ScrubHistory, "History-Info is anonymised"},
		{t.Critical, "refused when a privacy level cannot be done"},
		{t.UnknownToken, "Privacy holds an unknown token"},
		{t.RefuseACR, "refused: the called party takes no withheld calls"},
		{t.CalleeWithheld, "the called party's identity is withheld"},
		{t.Override, "the called party is entitled to the identity"},
		{t.HideFromCallee, "the called party wants no numbers"},
	} {
		if f.on {
			d.Effects = append(d.Effects, f.name)
		}
	}
	return d
}

func hopOf(h proxy.NextHop) admin.NextHop {
	return admin.NextHop{
		Peer: h.Peer, Boundary: h.Boundary.String(), Trusted: h.Trusted,
		Network: strings.ToLower(h.Net.String()), Address: h.Addr.String(),
	}
}

var actions = map[privacy.Action]string{
	0: "add", privacy.Keep: "keep", privacy.Remove: "remove", privacy.Anonymise: "anonymise", privacy.Map: "map", privacy.Rewrite: "rewrite",
}

func stepOf(h proxy.HeaderStep) admin.HeaderStep {
	out := admin.HeaderStep{Name: h.Name, Action: actions[h.Action], Why: h.Why}
	if h.Action != 0 {
		out.Before = &h.Before
	}
	if h.Action != privacy.Remove {
		out.After = &h.After
	}
	return out
}

// message is the request in question: as given, with line ends as they must be, or made
// from the facts of a call.
func (x explainer) message(q *admin.Question, from transport.Flow) ([]byte, error) {
	switch {
	case q.Message != "" && q.Call != nil:
		return nil, &rules.FieldError{Field: "call", Wrong: "stands beside message", Mend: "give one of them"}
	case len(q.Raw) > 0 && (q.Message != "" || q.Call != nil):
		return nil, &rules.FieldError{Field: "raw", Wrong: "stands beside message or call", Mend: "give one of them"}
	case len(q.Raw) > 0:
		return q.Raw, nil
	case q.Message != "":
		return pasted(q.Message), nil
	case q.Call == nil:
		return nil, &rules.FieldError{Field: "message", Wrong: "is missing, and so is call", Mend: "give a SIP request, or the facts of a call"}
	}
	return x.invite(q.Call, from)
}

// pasted mends what copying does to a message: line ends, and space around it.
func pasted(text string) []byte {
	head, body, whole := strings.Cut(strings.ReplaceAll(strings.TrimLeft(text, " \t\r\n"), "\r\n", "\n"), "\n\n")
	if !whole {
		head = strings.TrimRight(head, "\n")
	}
	return []byte(strings.ReplaceAll(head+"\n\n"+body, "\n", "\r\n"))
}

// invite makes a request of facts.
func (x explainer) invite(c *admin.Call, from transport.Flow) ([]byte, error) {
	method := c.Method
	if method == "" {
		method = "INVITE"
	}
	for field, text := range map[string]string{
		"call.from": c.From, "call.to": c.To, "call.asserted": c.Asserted, "call.privacy": c.Privacy, "call.method": method,
	} {
		if strings.ContainsAny(text, "\r\n<>\"@? ") || len(text) > 200 {
			return nil, &rules.FieldError{Field: field, Wrong: "holds what cannot be part of it", Mend: "give it as it stands in a SIP message, without spaces"}
		}
	}
	if c.To == "" {
		return nil, &rules.FieldError{Field: "call.to", Wrong: "is missing", Mend: "give what was dialled"}
	}
	host := x.g.host()
	shown := "<sip:" + c.From + "@" + host + ">"
	if c.Anonymous || c.From == "" {
		shown = `"Anonymous" <sip:anonymous@anonymous.invalid>`
	}
	var b strings.Builder
	to := strings.ReplaceAll(c.To, "#", "%23")
	if strings.HasPrefix(strings.ToLower(to), "urn:") {
		fmt.Fprintf(&b, "%s %s SIP/2.0\r\n", method, to)
	} else {
		to = "sip:" + to + "@" + host
		fmt.Fprintf(&b, "%s %s SIP/2.0\r\n", method, to)
	}
	fmt.Fprintf(&b, "Via: SIP/2.0/%s %s;branch=z9hG4bKexplain;rport\r\nMax-Forwards: 70\r\n", from.Net, from.Remote)
	fmt.Fprintf(&b, "From: %s;tag=explain\r\nTo: <%s>\r\nCall-ID: explain@%s\r\nCSeq: 1 %s\r\n", shown, to, from.Remote.Addr(), method)
	fmt.Fprintf(&b, "Contact: <sip:%s>\r\n", from.Remote)
	if c.Asserted != "" {
		fmt.Fprintf(&b, "P-Asserted-Identity: <sip:%s@%s>\r\n", c.Asserted, host)
	}
	if c.Privacy != "" {
		fmt.Fprintf(&b, "Privacy: %s\r\n", c.Privacy)
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	return []byte(b.String()), nil
}
