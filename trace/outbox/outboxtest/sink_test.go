package outboxtest_test

import (
	"testing"

	"clirgate/store/storetest"
	"clirgate/trace/outbox/outboxtest"
)

func TestSink(t *testing.T) {
	var s outboxtest.Sink
	storetest.Sink(t, &s, func() int { return len(s.Entries()) })
}
