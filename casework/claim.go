package casework

import (
	"time"

	"clirgate/numbering"
	"clirgate/trace"
)

// Party is a person or organisation with an address.
type Party struct {
	Name     string `json:"name"`
	Address  string `json:"address"`
	Postcode string `json:"postcode"`
	Town     string `json:"town"`
	Language string `json:"language,omitempty"` // of letters: nl or en; empty: nl
	Provider string `json:"provider,omitempty"` // whose subscriber it is; empty: ours
}

// Period is when something happened, as far as the claimant can tell: a moment (To zero
// or the same) or a span.
type Period struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

func (p Period) end() time.Time {
	if p.To.Before(p.From) {
		return p.From
	}
	return p.To
}

// Claim is a written claim (Tw 11.11(2)) with the four parts of promise 6.
type Claim struct {
	Claimant Party            // a) name and address
	Number   numbering.Number // b) the number called
	Nuisance string           // c) its nature and seriousness
	Periods  []Period         // d) dates and times
	Via      string           // the provider that passed it on; empty: the claimant wrote to us
	Received time.Time        // zero: now
}

// check names everything that a claim lacks.
func (c *Claim) check(now time.Time, o Options) error {
	var e Incomplete
	e.require(
		[3]string{"claimant.name", c.Claimant.Name, "a) name of the claimant"},
		[3]string{"claimant.address", c.Claimant.Address, "a) street and house number of the claimant"},
		[3]string{"claimant.postcode", c.Claimant.Postcode, "a) postcode of the claimant"},
		[3]string{"claimant.town", c.Claimant.Town, "a) town of the claimant"},
		[3]string{"nuisance", c.Nuisance, "c) nature and seriousness of the nuisance"},
	)
	if c.Number == 0 {
		e.add("number", "b) the number that was called")
	}
	if len(c.Periods) == 0 {
		e.add("periods", "d) dates and times of the calls")
	}
	if len(c.Periods) > maxPeriods {
		e.add("periods", "too many: open a second case")
	}
	for _, p := range c.Periods {
		p.check(&e, now, o)
	}
	return e.orNil()
}

// maxPeriods bounds what one case may search.
const maxPeriods = 200

func (p Period) check(e *Incomplete, now time.Time, o Options) {
	switch {
	case p.From.IsZero():
		e.add("periods", "d) a date and time is missing")
	case p.From.After(now):
		e.add("periods", "d) a date in the future")
	case p.end().Sub(p.From) > o.MaxPeriod:
		e.add("periods", "d) a span longer than "+o.MaxPeriod.String()+": name the times more closely")
	}
}

// Incident is one occurrence: of the claim, or reported later (Tw 11.11(3)).
type Incident struct {
	N        int
	Period   Period
	Note     string
	Reported time.Time
	By       string   // who entered it
	Mark     string   // how a call was marked as malicious; empty: it was reported
	Record   trace.ID // of a marked call; zero: of none
	Frozen   []byte   // that record as it was then; never shown but as a candidate's call
}
