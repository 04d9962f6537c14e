package demo

import (
	"context"
	"fmt"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// scene is one call.
type scene struct {
	title   string
	from    string
	dialled string
	psap    bool // the emergency service answers
}

var scenes = []scene{
	{title: "An ordinary call: the number is shown", from: callerLine, dialled: calleeLine},
	{title: "*31* before the number: withheld for this call", from: callerLine, dialled: "*31*" + calleeLine},
	{title: "131 before the number, as from a rotary telephone: withheld", from: callerLine, dialled: "131" + calleeLine},
	{title: "A line with permanent CLIR: withheld, whatever is dialled", from: permanentLine, dialled: calleeLine},
	{title: "112 from that line: the number is shown all the same", from: permanentLine, dialled: "112", psap: true},
	{title: "An ordinary call again: *31* held for its call only", from: callerLine, dialled: calleeLine},
}

// play places the call of a scene and prints both ends of it.
func (s *stage) play(ctx context.Context, n int, sc scene) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	to, who := s.callee, "the callee saw"
	if sc.psap {
		to, who = s.psap, "112 saw"
	}
	sent, err := s.caller.call(ctx, s.sip, sc.from, sc.dialled)
	if err != nil {
		return err
	}
	var seen *sip.Request
	select {
	case seen = <-to.rang:
	case <-ctx.Done():
		return fmt.Errorf("it never rang: %w", ctx.Err())
	}
	select {
	case <-to.hungUp:
	case <-ctx.Done():
		return fmt.Errorf("the other side was not told of the end: %w", ctx.Err())
	}
	fmt.Fprintf(s.o.Out, "\n%d. %s\n", n, sc.title)
	s.print("the caller sent", sent)
	s.print(who, seen)
	return nil
}

// print shows what of a request says who calls.
func (s *stage) print(who string, req *sip.Request) {
	fmt.Fprintf(s.o.Out, "   %-15s %s %s\n", who, req.Method, req.Recipient.String())
	for _, name := range []string{"From", "P-Asserted-Identity", "Privacy", "Contact", "Call-ID"} {
		value := "-"
		if h := req.GetHeader(name); h != nil {
			value = h.Value()
		}
		fmt.Fprintf(s.o.Out, "   %-15s %s: %s\n", "", name, shorten(value))
	}
	fmt.Fprintf(s.o.Out, "   %-15s Via: %d\n", "", len(req.GetHeaders("Via")))
}

// shorten keeps a line readable: the gateway's tokens are long.
func shorten(value string) string {
	const most = 96
	if len(value) <= most {
		return value
	}
	at := strings.LastIndexByte(value, '@')
	if at < 0 || len(value)-at > most/2 {
		return value[:most-3] + "..."
	}
	return value[:most-3-(len(value)-at)] + "..." + value[at:]
}
