package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"time"

	"clirgate/rules"
)

type subscriberCommands struct {
	Get    getCommand    `cmd:"" help:"Show a subscriber's services."`
	Set    setCommand    `cmd:"" help:"Change a subscriber's services; what is not named stays."`
	Delete deleteCommand `cmd:"" help:"Take a subscriber out."`
	Import importCommand `cmd:"" help:"Put many subscribers in force, from CSV or JSON lines."`
	Export exportCommand `cmd:"" help:"Write all subscribers as CSV or JSON lines."`
}

func subscriberPath(number string) string { return "/v1/subscribers/" + url.PathEscape(number) }

type getCommand struct {
	Number string `arg:"" help:"Telephone number, in any spelling."`
}

func (c *getCommand) Run(s *session) error {
	var d rules.Document
	if err := s.ask("GET", subscriberPath(c.Number), nil, &d); err != nil {
		return err
	}
	s.subscriber(&d)
	return nil
}

func (s *session) subscriber(d *rules.Document) {
	s.table("",
		[]string{"number", d.Number}, []string{"clir", d.CLIR}, []string{"clip", yes(d.CLIP)}, []string{"acr", yes(d.ACR)},
		[]string{"tir", d.TIR}, []string{"override", yes(d.Override)}, []string{"shield on bills", yes(d.ShieldOnBills)},
		[]string{"mcid", d.MCID}, []string{"note", d.Note}, []string{"until", until(d.Until)})
}

// making is how a change is made.
type making struct {
	Reason string `help:"Why; kept in the history." placeholder:"TEXT"`
	Wait   bool   `help:"Return when every live node has the change."`
}

func (m *making) query() string {
	q := url.Values{}
	if m.Reason != "" {
		q.Set("reason", m.Reason)
	}
	if m.Wait {
		q.Set("wait", "all")
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// services are what a subscriber may have; what is not named stays.
type services struct {
	CLIR     *string `name:"clir" help:"none, permanent, temporary-restricted or temporary-allowed." placeholder:"MODE"`
	CLIP     *bool   `name:"clip" negatable:"" help:"Callers' identities are delivered to it."`
	ACR      *bool   `name:"acr" negatable:"" help:"It refuses withheld calls."`
	TIR      *string `name:"tir" help:"none, permanent or temporary." placeholder:"MODE"`
	Override *bool   `negatable:"" help:"It sees withheld identities (police, PSAP answering points)."`
	Shield   *bool   `negatable:"" help:"Its number is shielded on other people's bills."`
	MCID     *string `name:"mcid" help:"none, temporary, permanent or unanswered." placeholder:"MODE"`
	Note     *string `help:"Free text." placeholder:"TEXT"`
	Until    *string `help:"When the rule undoes itself: RFC 3339, a time from now like 24h, or never." placeholder:"TIME"`
}

type setCommand struct {
	Number string `arg:"" help:"Telephone number, in any spelling."`
	services
	making
}

// Run reads the subscriber, changes it, and writes it back if nobody else has meanwhile.
func (c *setCommand) Run(s *session) error {
	fields, etag, err := c.changed(s, c.Number)
	if err != nil {
		return err
	}
	headers := map[string]string{"Content-Type": "application/json"}
	if etag == "" {
		headers["If-None-Match"] = "*"
	} else {
		headers["If-Match"] = etag
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	a, err := s.do(request{method: "PUT", path: subscriberPath(c.Number) + c.query(), headers: headers, body: bytes.NewReader(body)})
	if err != nil {
		return err
	}
	if s.JSON {
		_, _ = s.out.Write(a.body)
	}
	var d rules.Document
	if err := a.into(&d); err != nil {
		return err
	}
	s.subscriber(&d)
	return nil
}

// changed is the fields of a subscriber as they will be, and the ETag they have now; ""
// for one that is not there yet.
func (c *services) changed(s *session, number string) (fields map[string]any, etag string, err error) {
	d := rules.Document{CLIR: "none", CLIP: true, TIR: "none", MCID: "none"}
	a, err := s.do(request{method: "GET", path: subscriberPath(number)})
	var coded *codedError
	switch {
	case err == nil:
		etag = a.header.Get("ETag")
		if err := a.into(&d); err != nil {
			return nil, "", err
		}
	case !errors.As(err, &coded) || coded.code != exitNotFound:
		return nil, "", err
	}
	if err := c.apply(&d, time.Now()); err != nil {
		return nil, "", err
	}
	return map[string]any{
		"clir": d.CLIR, "clip": d.CLIP, "acr": d.ACR, "tir": d.TIR, "override": d.Override,
		"shield_on_bills": d.ShieldOnBills, "mcid": d.MCID, "note": d.Note, "until": d.Until,
	}, etag, nil
}

func (c *services) apply(d *rules.Document, now time.Time) error {
	set(&d.CLIR, c.CLIR)
	set(&d.CLIP, c.CLIP)
	set(&d.ACR, c.ACR)
	set(&d.TIR, c.TIR)
	set(&d.Override, c.Override)
	set(&d.ShieldOnBills, c.Shield)
	set(&d.MCID, c.MCID)
	set(&d.Note, c.Note)
	switch {
	case c.Until == nil:
	case *c.Until == "never":
		d.Until = nil
	default:
		t, err := moment(*c.Until, now, 1)
		if err != nil {
			return failed(exitWrong, "--until: %v", err)
		}
		d.Until = &t
	}
	return nil
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

var errMoment = errors.New("write 2026-12-31T23:00:00Z, or a time from now like 24h")

// moment reads a time, or one relative to now, ahead (1) or back (-1).
func moment(text string, now time.Time, direction time.Duration) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(direction * d).UTC().Truncate(time.Second), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errMoment
}

type deleteCommand struct {
	Number string `arg:"" help:"Telephone number, in any spelling."`
	making
}

func (c *deleteCommand) Run(s *session) error {
	a, err := s.do(request{method: "GET", path: subscriberPath(c.Number)})
	if err != nil {
		return err
	}
	if _, err = s.do(request{method: "DELETE", path: subscriberPath(c.Number) + c.query(), headers: map[string]string{"If-Match": a.header.Get("ETag")}}); err != nil {
		return err
	}
	s.say("taken out")
	return nil
}
