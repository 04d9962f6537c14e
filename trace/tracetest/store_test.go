package tracetest_test

import (
	"testing"

	"clirgate/store/storetest"
	"clirgate/trace"
	"clirgate/trace/tracetest"
)

func TestStore(t *testing.T) {
	var s tracetest.Store
	storetest.Records(t, func(*testing.T) trace.Store { return &s })
}
