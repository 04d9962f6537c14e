package pgtest

import (
	"sync"
	"testing"
)

// common is the server that the tests of a package share.
var common struct {
	once sync.Once
	s    *Server
	err  error
}

// Common is a server for all tests of a package that only need a database: it starts with
// the first of them. The package's TestMain runs Sharing.
func Common(tb testing.TB) *Server {
	tb.Helper()
	common.once.Do(func() { common.s, common.err = start() })
	if common.err != nil {
		tb.Fatalf("PostgreSQL cannot be started (make deps installs it): %v", common.err)
	}
	return common.s
}

// Sharing runs a package's tests, and then ends the server that they shared.
type Sharing struct{ *testing.M }

// Run answers the exit code.
func (s Sharing) Run() int {
	defer func() {
		if common.s != nil {
			common.s.remove()
		}
	}()
	return s.M.Run()
}
