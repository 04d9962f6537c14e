package main

import (
	"fmt"
	"runtime/debug"
)

type versionCommand struct{}

// Run prints the version the program was built from.
func (versionCommand) Run() error {
	fmt.Println("clirgate", version())
	return nil
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			v += " " + s.Value
		}
	}
	return v + " " + info.GoVersion
}
