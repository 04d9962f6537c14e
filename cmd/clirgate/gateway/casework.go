package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"clirgate/admin"
	"clirgate/casework"
	"clirgate/casework/bills"
	"clirgate/casework/caseaudit"
	"clirgate/casework/lookup"
	"clirgate/casework/subject"
	"clirgate/cmd/clirgate/config"
	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/trace"
)

// makeCasework puts the procedure together: cases in the store, records from the vault,
// audit in the hash-chained log.
func (g *Gateway) makeCasework() error {
	cfg := g.cfg.Casework
	letters, err := casework.LoadLetters(cfg.Letters)
	if err != nil {
		return fmt.Errorf("casework.letters: %w", err)
	}
	book, err := addressBook(cfg)
	if err != nil { // cases go on until somebody is to be written to
		g.log.Error("addresses of subscribers cannot be read", "error", err)
	}
	log := caseaudit.New(g.database.Audit(), g.ring)
	log.Now, g.caseLog = g.now, log
	cases := casework.New(g.Cases(), g.search, book, log, g.ring, casework.Options{
		Margin: time.Duration(cfg.Margin), Sender: sender(cfg.Sender), Letters: letters, Language: cfg.Language, Zone: cfg.Zone(), Now: g.now,
		Correctors: map[string]casework.Corrector{casework.CorrectRule: g.correctRule, casework.CorrectShielding: g.correctShielding},
	})
	months := func() trace.Retention { return retention(g.config().Trace) }
	list := bills.New(g.Bills(), log, g.ring)
	g.shielded = &shielded{g: g, list: list, rule: bills.Follower{List: list, Rules: g.rules}}
	g.casework = &admin.Casework{
		Cases: cases, Bills: g.shielded.list, Shield: g.shielded.follow, Audit: log, Seen: log, Records: g.search, Retention: months,
		Print:    subject.Print{Language: cfg.Language, Zone: cfg.Zone(), Sender: sender(cfg.Sender)},
		Subjects: &subject.Service{Records: g.search, Cases: cases, Rules: g.subscriberRule, Shielded: g.shielded.find, Audit: log, Retention: months, Now: g.now},
	}
	return nil
}

// addressBook is where subscribers' addresses are found; nil: nowhere.
func addressBook(c config.Casework) (casework.AddressBook, error) {
	switch {
	case c.Addresses == "":
		return nil, nil
	case !c.Remote():
		return lookup.OpenCSV(c.Addresses)
	}
	book := &lookup.HTTP{URL: c.Addresses}
	if c.AddressesToken == "" {
		return book, nil
	}
	secret, err := os.ReadFile(c.AddressesToken)
	book.Token = strings.TrimSpace(string(secret))
	return book, err
}

func sender(c config.Sender) casework.Sender {
	return casework.Sender{
		Party:      casework.Party{Name: c.Name, Address: c.Address, Postcode: c.Postcode, Town: c.Town},
		Department: c.Department, Contact: c.Contact,
	}
}

// subscriberRule is the rule of a subscriber as the API shows it; none: nil.
func (g *Gateway) subscriberRule(ctx context.Context, n numbering.Number) (json.RawMessage, error) {
	sub, _, err := g.rules.Get(ctx, n)
	if errors.Is(err, rules.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(sub.Document())
}

// purgeTime bounds one deletion of cases whose time is over.
const purgeTime = time.Minute

// purgeCases deletes what is three months past its closing, and says how many, never
// whose.
func (g *Gateway) purgeCases() {
	if !g.mayDelete() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), purgeTime)
	defer cancel()
	n, err := g.casework.Cases.Purge(ctx)
	switch {
	case g.isClosing(), errors.Is(err, errNoSharedKeys):
	case err != nil:
		g.log.Error("expired cases cannot be deleted", "error", err)
	case n > 0:
		g.log.Info("expired cases deleted", "cases", n)
	}
	g.forgetSubjects(ctx)
}

// forgetSubjects destroys the keys of whose data were seen so long ago that nobody asks.
func (g *Gateway) forgetSubjects(ctx context.Context) {
	n, err := g.caseLog.Forget(ctx)
	switch {
	case g.isClosing():
	case err != nil:
		g.log.Error("keys of the audit log's subjects cannot be destroyed", "error", err)
	case n > 0:
		g.log.Info("keys of the audit log's subjects destroyed", "keys", n)
	}
}

// shielded is the shielding list as the rules are now.
type shielded struct {
	g    *Gateway
	list *bills.Service
	rule bills.Follower
}

// follow brings the list up to date: before it is used, and with every housekeeping.
func (s *shielded) follow(ctx context.Context) error {
	var revision uint64
	now := s.g.rules.Table().Snapshot()
	if now != nil {
		revision = now.Revision()
	}
	return s.rule.Follow(ctx, revision, now != nil, bills.DateOf(s.g.now()))
}

func (g *Gateway) followShielded() {
	ctx, cancel := context.WithTimeout(context.Background(), purgeTime)
	defer cancel()
	if err := g.shielded.follow(ctx); err != nil && !g.isClosing() && !errors.Is(err, errNoSharedKeys) {
		g.log.Error("the shielding list does not follow the rules", "error", err)
	}
}
