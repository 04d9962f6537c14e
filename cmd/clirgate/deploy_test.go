package main

import (
	"testing"

	"clirgate/cmd/clirgate/config"
)

// The example that is shipped is right.
func TestDeployedExample(t *testing.T) {
	if problems := config.Check("../../deploy/clirgate.yaml"); len(problems) > 0 {
		t.Errorf("problems:\n%v", problems)
	}
}
