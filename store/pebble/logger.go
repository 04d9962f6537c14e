package pebble

import "fmt"

// quiet is Pebble's logger: it says nothing, since messages may hold keys, and turns the
// end of the process that Fatalf means into the end of one database.
type quiet struct{ e *engine }

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (q quiet) Fatalf(format string, args ...any) {
	var cause error
	for _, a := range args {
		if err, ok := a.(error); ok {
			cause = err
		}
	}
	if cause == nil {
		q.e.giveUp(fmt.Errorf("records: database gave up: %s", format))
	}
	q.e.giveUp(fmt.Errorf("records: database gave up: %w", cause))
}
