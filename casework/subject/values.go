package subject

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"clirgate/casework"
)

// values prints rules and corrections in a language and zone.
type values struct {
	say  func(string) string
	zone *time.Location
}

// ruleFields are the fields of a rule, in the order they are printed.
var ruleFields = [...]string{"clir", "clip", "acr", "tir", "override", "mcid", "shield_on_bills", "note", "until"}

// rule is a rule's fields, named and in words.
func (v values) rule(b json.RawMessage) (rows [][2]string) {
	var m map[string]any
	if json.Unmarshal(b, &m) != nil {
		return nil
	}
	for _, key := range ruleFields {
		if said := v.value(m[key]); said != "" {
			rows = append(rows, [2]string{v.say(key), said})
		}
	}
	return rows
}

// value is one field in words; empty: it is not set.
func (v values) value(x any) string {
	if x == nil || x == "" {
		return ""
	}
	text := fmt.Sprint(x)
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.In(v.zone).Format("02-01-2006 15:04:05 MST")
	}
	return v.say(text)
}

// corrected is what a correction changed, a line each: of a rule the fields that differ.
func (v values) corrected(c Corrected) (lines []string) {
	if c.Of == casework.CorrectShielding {
		return []string{v.change(v.shielded(c.Before), v.shielded(c.After))}
	}
	var before, after map[string]any
	if json.Unmarshal([]byte(c.After), &after) != nil {
		return []string{v.change(c.Before, c.After)}
	}
	if c.Before != "" && json.Unmarshal([]byte(c.Before), &before) != nil {
		return []string{v.change(c.Before, c.After)}
	}
	for _, key := range ruleFields {
		if was, is := v.value(before[key]), v.value(after[key]); was != is {
			lines = append(lines, v.say(key)+": "+v.change(was, is))
		}
	}
	return lines
}

func (v values) change(before, after string) string {
	if before == "" {
		return v.say("after") + ": " + after
	}
	if after == "" {
		after = v.say("nothing")
	}
	return v.say("before") + ": " + before + "; " + v.say("after") + ": " + after
}

// shielded is "from 2006-01-02 until 2006-01-02" in words.
func (v values) shielded(text string) string {
	words := strings.Fields(text)
	for i, w := range words {
		words[i] = printedDate(v.say(w))
	}
	return strings.Join(words, " ")
}

// printedDate is a date of the list as the page prints dates.
func printedDate(text string) string {
	d, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return text
	}
	return d.Format("02-01-2006")
}

// serviceName is what a subscriber calls what a SIP method did for him.
func serviceName(method string) string {
	switch method {
	case "", "INVITE":
		return "call"
	case "MESSAGE":
		return "text message"
	}
	return "signalling"
}
