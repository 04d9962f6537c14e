package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"clirgate/casework"
	"clirgate/casework/bills"
	"clirgate/numbering"
	"clirgate/rules"
)

// correctRule makes a subscriber's rule what it should be, on his request: a change like any
// other, with history and audit entry, by the person who corrects it.
func (g *Gateway) correctRule(ctx context.Context, by casework.Actor, n numbering.Number, to json.RawMessage, why string) (e casework.Elsewhere, err error) {
	sub, err := rules.DecodeSubscriber(to, g.plan.ParseText)
	var field *rules.FieldError
	if errors.As(err, &field) {
		return e, &casework.Incomplete{Items: []casework.Item{{Field: "to." + field.Field, What: field.Wrong + ": " + field.Mend}}}
	}
	if sub.Number != 0 && sub.Number != n {
		return e, &casework.Incomplete{Items: []casework.Item{{Field: "to.number", What: "another number than the request's"}}}
	}
	sub.Number = n
	match := rules.Absent()
	old, revision, err := g.rules.Get(ctx, n)
	switch {
	case err == nil:
		match, e.Before = rules.At(revision), ruleText(&old)
	case !errors.Is(err, rules.ErrNotFound):
		return e, fmt.Errorf("%w: rules: %w", casework.ErrUnavailable, err)
	}
	if _, err := rules.Key(n); err != nil {
		return e, &casework.Conflict{Reason: "the rule cannot be set: " + err.Error()}
	}
	e.After = ruleText(&sub)
	e.Rule = &casework.RuleChange{Subscriber: sub, Match: match, By: rules.By{Actor: by.Role + ":" + by.Name, Reason: "correction: " + why}}
	e.Done = func(err error) { g.rules.Settle(n, err) }
	return e, nil
}

func ruleText(s *rules.Subscriber) string {
	d := s.Document()
	d.Number = "" // it is the request's
	text, err := json.Marshal(d)
	if err != nil {
		return ""
	}
	return string(text)
}

// correctShielding changes from when and until when a number is shielded: {"from": date,
// "until": date}. Who is on the list for good is so by his rule.
func (g *Gateway) correctShielding(ctx context.Context, by casework.Actor, n numbering.Number, to json.RawMessage, _ string) (c casework.Elsewhere, err error) {
	var in struct{ From, Until string }
	var items []casework.Item
	_ = json.Unmarshal(to, &in) // what is missing then is named
	e := bills.Entry{Number: n}
	if e.From, err = bills.ParseDate(in.From); err != nil {
		items = append(items, casework.Item{Field: "to.from", What: "the day the number is shielded from, as 2006-01-02"})
	}
	if in.Until != "" {
		if e.Until, err = bills.ParseDate(in.Until); err != nil || e.Until <= e.From {
			items = append(items, casework.Item{Field: "to.until", What: "the first day it is not, later than from, as 2006-01-02"})
		}
	}
	if len(items) > 0 {
		return c, &casework.Incomplete{Items: items}
	}
	old, ok, err := g.shielded.find(ctx, n)
	if err != nil {
		return c, err
	}
	sub, _, err := g.rules.Get(ctx, n)
	if err != nil && !errors.Is(err, rules.ErrNotFound) {
		return c, fmt.Errorf("%w: rules: %w", casework.ErrUnavailable, err)
	}
	today := bills.DateOf(g.now())
	lasting := e.Until == bills.NoDate || e.Until > today
	switch {
	case ok && old.Source != "":
		return c, &casework.Conflict{Reason: "the number is on the list of " + old.Source + ": it is theirs to correct"}
	case lasting && !sub.ShieldOnBills:
		return c, &casework.Conflict{Reason: "the subscriber's rule does not ask for shielding: correct the rule (shield_on_bills), or say until when the number was shielded"}
	case !lasting && sub.ShieldOnBills:
		return c, &casework.Conflict{Reason: "the subscriber's rule asks for shielding: correct the rule first"}
	}
	change, err := g.shielded.list.Putting(ctx, by, e)
	if err != nil {
		return c, err
	}
	for _, r := range change.Put {
		c.Shielded = append(c.Shielded, casework.Shielded{Number: r.Number, From: int32(r.From), Until: int32(r.Until)})
	}
	c.Audit, c.After = change.Audit, shieldText(e)
	if ok {
		c.Before = shieldText(old)
	}
	return c, nil
}

func shieldText(e bills.Entry) string {
	if e.Until == bills.NoDate {
		return "from " + e.From.String()
	}
	return "from " + e.From.String() + " until " + e.Until.String()
}

// find is a number's entry on the list as the rules are now.
func (s *shielded) find(ctx context.Context, n numbering.Number) (bills.Entry, bool, error) {
	if err := s.follow(ctx); err != nil {
		return bills.Entry{}, false, err
	}
	return s.list.Find(ctx, n)
}
