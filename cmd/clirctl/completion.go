package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// The scripts ask clirctl itself what may follow.
var scripts = map[string]string{
	"bash": `_clirctl() { mapfile -t COMPREPLY < <(compgen -W "$(clirctl complete -- "${COMP_WORDS[@]:1:COMP_CWORD-1}")" -- "${COMP_WORDS[COMP_CWORD]}"); }
complete -o default -F _clirctl clirctl
`,
	"zsh": `#compdef clirctl
_clirctl() { compadd -- ${(f)"$(clirctl complete -- ${words[2,CURRENT-1]})"} || _files; }
compdef _clirctl clirctl
`,
	"fish": `complete -c clirctl -a '(clirctl complete -- (commandline -opc)[2..-1])'
`,
}

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

func (c *completionCommand) Run(s *session) error {
	fmt.Fprint(s.out, scripts[c.Shell])
	return nil
}

type completeCommand struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

// Run lists the commands and flags that may follow.
func (c *completeCommand) Run(s *session) error {
	node := s.model.Node
	for _, word := range c.Words {
		for _, child := range node.Children {
			if child.Name == word || slices.Contains(child.Aliases, word) {
				node = child
				break
			}
		}
	}
	var list []string
	for _, child := range node.Children {
		if !child.Hidden {
			list = append(list, child.Name)
		}
	}
	for at := node; at != nil; at = at.Parent {
		list = append(list, flags(at)...)
	}
	fmt.Fprintln(s.out, strings.Join(list, "\n"))
	return nil
}

func flags(node *kong.Node) (list []string) {
	for _, f := range node.Flags {
		if !f.Hidden {
			list = append(list, "--"+f.Name)
		}
	}
	return list
}
