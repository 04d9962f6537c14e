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
func (g *Gateway) correctRule(ctx context.Context, by casework.Actor, n numbering.Number, to json.RawMessage, why string) (before, after string, err error) {
	sub, err := rules.DecodeSubscriber(to, g.plan.ParseText)
	var field *rules.FieldError
	if errors.As(err, &field) {
		return "", "", &casework.Incomplete{Items: []casework.Item{{Field: "to." + field.Field, What: field.Wrong + ": " + field.Mend}}}
	}
	if sub.Number != 0 && sub.Number != n {
		return "", "", &casework.Incomplete{Items: []casework.Item{{Field: "to.number", What: "another number than the request's"}}}
	}
	sub.Number = n
	match := rules.Absent()
	old, revision, err := g.rules.Get(ctx, n)
	switch {
	case err == nil:
		match, before = rules.At(revision), ruleText(&old)
	case !errors.Is(err, rules.ErrNotFound):
		return "", "", fmt.Errorf("%w: rules: %w", casework.ErrUnavailable, err)
	}
	_, err = g.rules.Put(ctx, sub, match, rules.By{Actor: by.Role + ":" + by.Name, Reason: "correction: " + why})
	switch {
	case errors.Is(err, rules.ErrUnavailable):
		return "", "", fmt.Errorf("%w: rules: %w", casework.ErrUnavailable, err)
	case err != nil:
		return "", "", &casework.Conflict{Reason: "the rule cannot be set: " + err.Error()}
	}
	return before, ruleText(&sub), nil
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
func (g *Gateway) correctShielding(ctx context.Context, by casework.Actor, n numbering.Number, to json.RawMessage, _ string) (before, after string, err error) {
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
		return "", "", &casework.Incomplete{Items: items}
	}
	old, ok, err := g.shielded.find(ctx, n)
	if err != nil {
		return "", "", err
	}
	sub, _, err := g.rules.Get(ctx, n)
	if err != nil && !errors.Is(err, rules.ErrNotFound) {
		return "", "", fmt.Errorf("%w: rules: %w", casework.ErrUnavailable, err)
	}
	today := bills.DateOf(g.now())
	lasting := e.Until == bills.NoDate || e.Until > today
	switch {
	case ok && old.Source != "":
		return "", "", &casework.Conflict{Reason: "the number is on the list of " + old.Source + ": it is theirs to correct"}
	case lasting && !sub.ShieldOnBills:
		return "", "", &casework.Conflict{Reason: "the subscriber's rule does not ask for shielding: correct the rule (shield_on_bills), or say until when the number was shielded"}
	case !lasting && sub.ShieldOnBills:
		return "", "", &casework.Conflict{Reason: "the subscriber's rule asks for shielding: correct the rule first"}
	}
	if err := g.shielded.list.Put(ctx, by, e); err != nil {
		return "", "", err
	}
	if ok {
		before = shieldText(old)
	}
	return before, shieldText(e), nil
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
