// Command clirload calls through a SIP element and judges every message: load test,
// identity oracle, lossy and plain relays to put in between.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"github.com/alecthomas/kong"
)

var cli struct {
	Run    runCommand    `cmd:"" help:"Callers and callees in one program: offer calls, judge them, report."`
	Caller callerCommand `cmd:"" help:"Callers only; the callees run elsewhere."`
	Callee calleeCommand `cmd:"" help:"Callees only, until interrupted."`
	Relay  relayCommand  `cmd:"" help:"A bare UDP relay: moves datagrams, reads nothing."`
	Lossy  lossyCommand  `cmd:"" help:"A UDP relay that loses, repeats and reorders datagrams."`
}

// errLimits is a run that broke its limits; what they were is printed already.
var errLimits = errors.New("limits broken")

func main() {
	// Call state is pooled: little garbage, and collecting it seldom costs least.
	debug.SetGCPercent(400)
	ctx := kong.Parse(&cli, kong.Name("clirload"),
		kong.Description("Load test for SIP elements that must keep identities private."),
		kong.UsageOnError())
	switch err := ctx.Run(); {
	case err == nil:
	case errors.Is(err, errLimits):
		os.Exit(1)
	default:
		fmt.Fprintln(os.Stderr, "clirload:", err)
		os.Exit(2)
	}
}
