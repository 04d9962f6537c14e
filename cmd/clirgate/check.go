package main

import (
	"fmt"

	"clirgate/cmd/clirgate/config"
)

type checkCommand struct{ file }

// Run prints what is wrong; warnings alone are no failure.
func (c *checkCommand) Run() error {
	problems := config.Check(c.Config)
	for _, p := range problems {
		fmt.Println(p)
	}
	if n := len(problems.Fatal()); n > 0 {
		return fmt.Errorf("%s: %d errors", c.Config, n)
	}
	fmt.Println(c.Config + ": the configuration is right")
	return nil
}
