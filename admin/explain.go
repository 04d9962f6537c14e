package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"clirgate/numbering"
	"clirgate/rules"
	"github.com/valyala/fasthttp"
)

const (
	maxExplain     = 256 << 10 // bytes of a question
	maxSamples     = 20        // calls, and subscribers, of one proposed change
	explainTimeout = 4 * time.Second
)

// Explainer says what the call path would do with a call, by doing it without
// consequences. What is asked is neither kept nor logged.
type Explainer interface {
	// Explain takes a call under the rules in force, with proposed subscribers in the
	// place of what they have now. A question that cannot be answered is a
	// *rules.FieldError.
	Explain(ctx context.Context, q Question, proposed []rules.Subscriber) (*Explanation, error)
}

// Question is a call: its facts, or the INVITE itself, and where it comes from.
type Question struct {
	Name    string `json:"name,omitempty"`    // of the asker's own, given back
	Message string `json:"message,omitempty"` // a SIP request
	Raw     []byte `json:"raw,omitempty"`     // the same to the byte, in base64
	Call    *Call  `json:"call,omitempty"`    // instead of a message
	Peer    string `json:"peer,omitempty"`    // who sends it
	Source  string `json:"source,omitempty"`  // or the address it comes from, like udp:192.0.2.1:5060
}

// Call is the facts that an INVITE is made from.
type Call struct {
	From      string `json:"from"`      // the number shown; empty: anonymous
	To        string `json:"to"`        // as dialled, with its codes
	Asserted  string `json:"asserted"`  // number in P-Asserted-Identity
	Privacy   string `json:"privacy"`   // value of the Privacy header
	Anonymous bool   `json:"anonymous"` // From is anonymous
	Method    string `json:"method"`    // INVITE, or another that begins something
}

// Explanation is the answer.
type Explanation struct {
	Name     string       `json:"name,omitempty"`
	Source   Source       `json:"source"`
	Facts    *Facts       `json:"facts"`    // null: refused before they were read
	Decision *Decision    `json:"decision"` // likewise
	Steps    []Step       `json:"steps"`
	Next     *NextHop     `json:"next"` // null: it goes nowhere
	Others   []NextHop    `json:"others"`
	Message  Messages     `json:"message"`
	Headers  []HeaderStep `json:"headers"`
	Answer   *Answer      `json:"answer"` // the gateway's own; null: it forwards
	Events   []string     `json:"events"`
}

// Source is who sent the call.
type Source struct {
	Peer     string `json:"peer"` // empty: nobody known
	Boundary string `json:"boundary"`
	Address  string `json:"address"`
}

// Facts is what was read of the call. The numbers are what the asker gave.
type Facts struct {
	Caller        string `json:"caller"` // network-provided
	Called        string `json:"called"` // codes taken off
	Emergency     bool   `json:"emergency"`
	Withhold      bool   `json:"withhold_code"`
	Present       bool   `json:"present_code"`
	AnonymousFrom bool   `json:"anonymous_from"`
	TrustedSource bool   `json:"trusted_source"`
	Restricted    bool   `json:"restricted"`
	CallBack      bool   `json:"call_back"`
}

// Decision is what the rules came to.
type Decision struct {
	Class    string   `json:"class"` // N, W or E
	Rule     string   `json:"rule"`
	Revision uint64   `json:"revision"`
	Effects  []string `json:"effects"` // services that apply beside the class
}

// Step is one rule that was considered.
type Step struct {
	Rule   string `json:"rule"`
	Clause string `json:"clause"`
	Fired  bool   `json:"fired"`
	Why    string `json:"why"`
}

// NextHop is where the call goes.
type NextHop struct {
	Peer     string `json:"peer"`
	Boundary string `json:"boundary"`
	Trusted  bool   `json:"trusted"`
	Network  string `json:"network"`
	Address  string `json:"address"`
}

// Messages are the request as it came and as it leaves.
type Messages struct {
	Before string  `json:"before"`
	After  *string `json:"after"`
	// Raw is After to the byte, in base64, where it is no text.
	Raw []byte `json:"after_raw,omitempty"`
}

// HeaderStep is what becomes of one header line.
type HeaderStep struct {
	Name   string  `json:"name"`
	Action string  `json:"action"` // keep, remove, anonymise, map, rewrite or add
	Before *string `json:"before"`
	After  *string `json:"after"`
	Why    string  `json:"why"`
}

// Answer is a response of the gateway's own.
type Answer struct {
	Status int    `json:"status"`
	Reason string `json:"reason"`
	Note   string `json:"note,omitempty"` // what else may happen, and when
}

func (s *Server) explain(ctx *fasthttp.RequestCtx) {
	var q Question
	if s.Explainer == nil {
		absent(ctx)
		return
	}
	if !decode(ctx, &q) {
		return
	}
	wait, cancel := context.WithTimeout(context.Background(), explainTimeout)
	defer cancel()
	e, err := s.Explainer.Explain(wait, q, nil)
	if err != nil {
		s.unexplained(ctx, err, "")
		return
	}
	writeJSON(ctx, fasthttp.StatusOK, e.whole())
}

// whole has lists where there might be none.
func (e *Explanation) whole() *Explanation {
	e.Steps = append([]Step{}, e.Steps...)
	e.Others = append([]NextHop{}, e.Others...)
	e.Headers = append([]HeaderStep{}, e.Headers...)
	e.Events = append([]string{}, e.Events...)
	if e.Decision != nil {
		e.Decision.Effects = append([]string{}, e.Decision.Effects...)
	}
	return e
}

func (s *Server) unexplained(ctx *fasthttp.RequestCtx, err error, where string) {
	var field *rules.FieldError
	switch {
	case errors.As(err, &field):
		badField(where+field.Field, field.Wrong, field.Mend).write(ctx)
	default:
		// The error may be about what was asked: it is not logged.
		ctx.Response.Header.Set("Retry-After", retryAfterSec)
		problem{Status: fasthttp.StatusServiceUnavailable, Type: "not-explained", Title: "The call cannot be explained now",
			Detail: "the name of its next hop could not be resolved in time", Mend: "try again later"}.write(ctx)
	}
}

// proposal is a change that is only asked about.
type proposal struct {
	Subscribers []json.RawMessage `json:"subscribers"`
	Calls       []Question        `json:"calls"`
}

// comparison is one sample call before and after.
type comparison struct {
	Name        string       `json:"name"`
	Changed     bool         `json:"changed"`
	Differences []string     `json:"differences"`
	Before      *Explanation `json:"before"`
	After       *Explanation `json:"after"`
}

func (s *Server) explainChange(ctx *fasthttp.RequestCtx) {
	if s.Explainer == nil {
		absent(ctx)
		return
	}
	var p proposal
	if !decode(ctx, &p) {
		return
	}
	switch {
	case len(p.Subscribers) == 0 || len(p.Subscribers) > maxSamples:
		badField("subscribers", "are none, or too many", fmt.Sprintf("give 1 to %d", maxSamples)).write(ctx)
		return
	case len(p.Calls) == 0 || len(p.Calls) > maxSamples:
		badField("calls", "are none, or too many", fmt.Sprintf("give 1 to %d", maxSamples)).write(ctx)
		return
	}
	proposed, ok := s.proposed(ctx, p.Subscribers)
	if !ok {
		return
	}
	wait, cancel := context.WithTimeout(context.Background(), explainTimeout)
	defer cancel()
	list := make([]comparison, 0, len(p.Calls))
	for i, q := range p.Calls {
		before, err := s.Explainer.Explain(wait, q, nil)
		var after *Explanation
		if err == nil {
			after, err = s.Explainer.Explain(wait, q, proposed)
		}
		if err != nil {
			s.unexplained(ctx, err, fmt.Sprintf("calls[%d].", i))
			return
		}
		c := comparison{Name: q.Name, Before: before.whole(), After: after.whole(), Differences: differences(before, after)}
		c.Changed = len(c.Differences) > 0
		list = append(list, c)
	}
	writeJSON(ctx, fasthttp.StatusOK, map[string]any{"calls": list})
}

// proposed reads the subscribers of a proposal.
func (s *Server) proposed(ctx *fasthttp.RequestCtx, docs []json.RawMessage) ([]rules.Subscriber, bool) {
	var list []rules.Subscriber
	for i, d := range docs {
		sub, err := rules.DecodeSubscriber(d, s.Plan.ParseText)
		var field *rules.FieldError
		if errors.As(err, &field) {
			badField(fmt.Sprintf("subscribers[%d].%s", i, field.Field), field.Wrong, field.Mend).write(ctx)
			return nil, false
		}
		if sub.Number.Kind() != numbering.International {
			badField(fmt.Sprintf("subscribers[%d].number", i), "is missing", "give it with + and country code, or as dialled at home").write(ctx)
			return nil, false
		}
		list = append(list, sub)
	}
	return list, true
}

// differences says in words what a change does to a call.
func differences(a, b *Explanation) []string {
	list := []string{}
	note := func(what, before, after string) {
		if before != after {
			list = append(list, fmt.Sprintf("%s: %s, then %s", what, before, after))
		}
	}
	note("class", a.class(), b.class())
	note("rule", a.rule(), b.rule())
	note("effects", a.effects(), b.effects())
	note("answer", a.answer(), b.answer())
	note("next hop", a.next(), b.next())
	return list
}

func (e *Explanation) class() string {
	if e.Decision == nil {
		return "not decided"
	}
	return e.Decision.Class
}

func (e *Explanation) rule() string {
	if e.Decision == nil {
		return "none"
	}
	return e.Decision.Rule
}

func (e *Explanation) effects() string {
	if e.Decision == nil || len(e.Decision.Effects) == 0 {
		return "none"
	}
	return strings.Join(e.Decision.Effects, ", ")
}

func (e *Explanation) answer() string {
	if e.Answer == nil {
		return "forwarded"
	}
	return fmt.Sprintf("%d %s", e.Answer.Status, e.Answer.Reason)
}

func (e *Explanation) next() string {
	if e.Next == nil {
		return "none"
	}
	return e.Next.Peer + " " + e.Next.Address
}
