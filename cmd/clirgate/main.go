// Command clirgate is a telephony signalling privacy gateway.
package main

import (
	"fmt"
	"os"

	"github.com/alecthomas/kong"
)

// commands are what clirgate can do.
type commands struct {
	Serve   serveCommand    `cmd:"" help:"Run the gateway."`
	Check   checkCommand    `cmd:"" help:"Say every error of a configuration, with its line and how to mend it."`
	Token   tokenCommands   `cmd:"" help:"Tokens of the admin API."`
	Keys    keysCommands    `cmd:"" help:"The key ring that seals what the gateway must know later of a call."`
	Records recordsCommands `cmd:"" help:"The records of calls."`
	Migrate migrateCommand  `cmd:"" help:"Bring what one gateway keeps here to a store that several share, while it runs."`
	Demo    demoCommand     `cmd:"" help:"Run a gateway, a caller and a callee here, and place calls that show what it does."`
	Version versionCommand  `cmd:"" help:"Print the version."`
}

// file is the configuration that most commands need.
type file struct {
	Config string `required:"" type:"path" placeholder:"FILE" help:"Configuration file (YAML)."`
}

func main() {
	var c commands
	k := kong.Parse(&c,
		kong.Name("clirgate"),
		kong.Description("A SIP proxy that shows, withholds or forces the caller's identity, and remembers who really called."),
		kong.UsageOnError(),
	)
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "clirgate:", err)
		os.Exit(1)
	}
}
