// Package demo shows what the gateway does: it runs one on loopback with a caller, a
// callee and an emergency answering point around it, all of them sipgo user agents, and
// places calls that print what was sent and what was seen.
package demo

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"clirgate/admin"
	"clirgate/admin/token"
	"clirgate/cmd/clirgate/gateway"
	"clirgate/numbering"
	"clirgate/rules"
)

// Options of a demonstration.
type Options struct {
	Out     io.Writer
	Data    string // data directory
	Gateway string // SIP address; when it is taken, another port is chosen
	Admin   string // of the admin API; likewise
	Once    bool   // end after the calls
	Log     *slog.Logger
}

const (
	callTime  = 10 * time.Second // of one call, set-up to hang-up
	tokenTime = 24 * time.Hour
)

// Run places the calls and then, unless Once, stays up until ctx ends.
func Run(ctx context.Context, o Options) error {
	s, err := newStage(o)
	if err != nil {
		return err
	}
	defer s.close()
	fmt.Fprintf(o.Out, "The gateway listens on %s, the caller is %s, the callee %s, the emergency service %s.\n",
		s.sip, s.caller.addr, s.callee.addr, s.psap.addr)
	if err := s.setPermanent(ctx); err != nil {
		return err
	}
	for i, sc := range scenes {
		if err := s.play(ctx, i+1, sc); err != nil {
			return fmt.Errorf("demo call %d (%s): %w", i+1, sc.title, err)
		}
	}
	if err := s.printAccess(ctx); err != nil {
		return err
	}
	if o.Once {
		return nil
	}
	fmt.Fprintln(o.Out, "\nThe gateway stays up. Every new call is one line here; Ctrl-C ends it.")
	return s.follow(ctx)
}

// setPermanent gives one line permanent CLIR, as an operator would.
func (s *stage) setPermanent(ctx context.Context) error {
	number := s.number(permanentLine)
	sub := rules.Subscriber{Number: number, CLIR: rules.CLIRPermanent, Note: "demo"}
	by := rules.By{Actor: "demo", Reason: "demonstration"}
	_, err := s.gateway.Rules().Put(ctx, sub, rules.Absent(), by)
	if err != nil { // there from an earlier demonstration
		_, err = s.gateway.Rules().Put(ctx, sub, rules.Any(), by)
	}
	if err != nil {
		return fmt.Errorf("cannot set permanent CLIR: %w", err)
	}
	return nil
}

func (s *stage) number(e164 string) numbering.Number {
	return numbering.New(numbering.International, []byte(e164[1:]))
}

// printAccess says how to reach the admin API.
func (s *stage) printAccess(ctx context.Context) error {
	plain, record := admin.NewToken(token.NOC, "demo", time.Now().Add(tokenTime))
	if err := s.gateway.Tokens().AddToken(ctx, record); err != nil {
		return fmt.Errorf("cannot make a token: %w", err)
	}
	fmt.Fprintf(s.o.Out, "\nThe admin API is at http://%s, with a token of role noc, valid for a day:\n\n  %s\n\nTry: curl -H 'Authorization: Bearer TOKEN' http://%s/v1/subscribers/%s\n",
		s.gateway.AdminAddr(), plain, s.gateway.AdminAddr(), "%2B"+permanentLine[1:])
	return nil
}

// follow prints a line for every call that begins from now on.
func (s *stage) follow(ctx context.Context) error {
	from := time.Now()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		// A second back, so that records that are just being written are not missed.
		to := time.Now().Add(-time.Second)
		if err := gateway.PrintCalls(s.o.Out, s.gateway.Records(), from, to); err != nil {
			return err
		}
		from = to
	}
}
