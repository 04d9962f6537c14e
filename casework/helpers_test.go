package casework_test

import (
	"context"
	"time"

	"clirgate/casework"
	"clirgate/casework/casetest"
)

// requested is a case in which ivo has asked for disclosure.
func (o *office) requested() *casework.Case {
	o.t.Helper()
	at := o.now.Add(-time.Hour)
	o.call(at, nil)
	return o.goesOn(at)
}

// goesOn has ivo ask for disclosure of who called, who called again after the warning.
func (o *office) goesOn(at time.Time) *casework.Case {
	o.t.Helper()
	c := o.must(o.Open(ctx, ivo, claim(at)))
	o.must(o.Search(ctx, ivo, c.ID))
	o.must(o.Select(ctx, ivo, c.ID, 1, "matches"))
	o.must(o.Warn(ctx, ivo, c.ID))
	o.must(o.WarningSent(ctx, ivo, c.ID, time.Time{}))
	again := o.now.Add(24 * time.Hour)
	o.call(again, nil)
	o.now = again.Add(time.Minute)
	o.must(o.AddIncident(ctx, ivo, c.ID, casework.Period{From: again}, ""))
	return o.must(o.RequestDisclosure(ctx, ivo, c.ID, "goes on"))
}

// with is the same service on another store.
func (o *office) with(s casework.Store) *casework.Service {
	book := casetest.Book{nuisance: {Name: "Piet Plaag"}}
	return casework.New(s, o.vault, book, o.audit, o.ring, casework.Options{Now: o.clock})
}

type failingSave struct {
	casework.Store
	err error
}

func (f *failingSave) Save(ctx context.Context, c casework.Change) error {
	if f.err != nil {
		return f.err
	}
	return f.Store.Save(ctx, c)
}

// candidateNumbers is how the candidates' numbers are shown.
func candidateNumbers(c *casework.Case) (all string) {
	for _, v := range c.View().Candidates {
		all += v.Number + "\n"
	}
	return all
}

// inLanguage is the same office, its caller reading a language.
func (o *office) inLanguage(language string) *office {
	book := casetest.Book{nuisance: {Name: "Piet Plaag", Language: language}}
	other := *o
	other.Service = casework.New(o.store, o.vault, book, o.audit, o.ring, casework.Options{Now: o.clock})
	return &other
}
