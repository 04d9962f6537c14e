package casework

import (
	"fmt"
	"slices"

	"clirgate/numbering"
)

// Unmasked is a caller that was shown whole, by whom and for which incidents.
type Unmasked struct {
	Number    numbering.Number
	By        string
	Incidents []int
}

// supervisor is the role of whoever decides what others ask for.
const supervisor = "supervisor"

// unmask notes that a candidate is shown whole to the person at work, or says why it must
// not be: an incident in which the same person has unmasked another caller already.
func (d *draft) unmask(c Candidate) error {
	earlier := d.unmasked()
	if d.by.Role == supervisor && len(earlier) == 0 {
		return &Forbidden{"an investigator selects first; a supervisor only another caller after him"}
	}
	if c.Number == 0 { // nobody is shown
		return nil
	}
	now := Unmasked{Number: c.Number, By: d.by.Name}
	for _, call := range c.Calls {
		if !slices.Contains(now.Incidents, call.Incident) {
			now.Incidents = append(now.Incidents, call.Incident)
		}
	}
	for _, u := range earlier {
		both := slices.IndexFunc(now.Incidents, func(i int) bool { return slices.Contains(u.Incidents, i) })
		if both >= 0 && u.Number != c.Number && d.by.is(u.By) {
			return &Conflict{fmt.Sprintf("you have selected another caller for incident %d already: that it was this one, a second person must find and select (a supervisor or another investigator)", now.Incidents[both])}
		}
	}
	d.Unmasked = append(earlier, now)
	return nil
}

// unmasked is who was shown so far; of cases of before that was noted, the last.
func (c *Case) unmasked() []Unmasked {
	if len(c.Unmasked) > 0 || c.Selection == nil || c.Selection.Candidate.Number == 0 {
		return c.Unmasked
	}
	u := Unmasked{Number: c.Selection.Candidate.Number, By: c.Selection.By}
	for _, call := range c.Selection.Candidate.Calls {
		u.Incidents = append(u.Incidents, call.Incident)
	}
	return []Unmasked{u}
}
