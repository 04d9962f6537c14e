// Command clirctl is the operators' command line: a client of the gateway's admin API.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
)

// commands are what clirctl can do. A group of its own is a struct in a file of its own, and
// one line here.
type commands struct {
	connection

	Subscriber subscriberCommands `cmd:"" aliases:"sub" help:"Services of subscribers: get, set, delete, import, export."`
	Explain    explainCommands    `cmd:"" help:"Say what would become of a call, and why. Nothing is sent."`
	Changes    changesCommand     `cmd:"" help:"List changes of subscribers, newest first."`
	Revert     revertCommand      `cmd:"" help:"Undo one change by a new one."`
	Job        jobCommands        `cmd:"" help:"Imports under way and ended: list, show, wait, cancel, revert."`
	Peers      peersCommand       `cmd:"" help:"List the neighbours and how they are."`
	Drain      drainCommand       `cmd:"" help:"Keep new calls away from a peer; emergency calls and dialogs go on."`
	Resume     resumeCommand      `cmd:"" help:"End a drain."`
	Nodes      nodesCommand       `cmd:"" help:"List the gateways that share the rules."`
	Status     statusCommand      `cmd:"" help:"Say how the gateway is; exits with 6 when it is not well."`
	Case       caseCommands       `cmd:"" help:"Complaints about withheld calls, from the letter to the caller."`
	Order      orderCommands      `cmd:"" help:"Authorities' orders for traffic data."`
	Bills      billCommands       `cmd:"" aliases:"bill" help:"Bills without shielded numbers."`
	Shielded   shieldedCommands   `cmd:"" help:"The list of shielded numbers, for and from other providers."`
	Subject    subjectCommands    `cmd:"" help:"Subscribers' rights: access, correction, objection; who saw whose data."`
	Report     reportCommand      `cmd:"" help:"Count calls so that nobody is found in the counts."`
	Records    recordsCommands    `cmd:"" help:"Records of calls."`
	Audit      auditCommands      `cmd:"" help:"The log of who did what."`
	Whoami     whoamiCommand      `cmd:"" help:"Say whose token is used, and what it may do."`
	Token      tokenCommands      `cmd:"" help:"Tokens of the admin API: list, create, revoke."`
	Completion completionCommand  `cmd:"" help:"Print a completion script for a shell."`
	Complete   completeCommand    `cmd:"" hidden:"" help:"List what may follow the words given."`
}

const description = `A client of clirgate's admin API.

The token comes from the environment (CLIRCTL_TOKEN), a file that only its owner may read
(--token-file, - for standard input), or a prompt; never from the command line.

Exit codes: 0 done; 1 wrongly asked; 2 there is no such thing; 3 the token may not; 4 changed
meanwhile; 5 the gateway does not answer or cannot now; 6 what was checked is not well.`

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run is main with its surroundings given; it answers the exit code.
func run(args []string, in io.Reader, out, errs io.Writer) int {
	c := new(commands)
	code := -1
	k, err := kong.New(c, kong.Name("clirctl"), kong.Description(description), kong.UsageOnError(),
		kong.Writers(out, errs), kong.Exit(func(n int) { code = n }))
	if err != nil {
		fmt.Fprintln(errs, "clirctl:", err)
		return exitWrong
	}
	ctx, err := k.Parse(args)
	switch {
	case code >= 0: // --help
		return code
	case err != nil:
		fmt.Fprintln(errs, "clirctl:", err)
		return exitWrong
	}
	err = ctx.Run(&session{connection: &c.connection, in: in, out: out, errs: errs, model: k.Model})
	if err == nil {
		return 0
	}
	fmt.Fprintln(errs, "clirctl:", err)
	var coded *codedError
	if errors.As(err, &coded) {
		return coded.code
	}
	return exitWrong
}
