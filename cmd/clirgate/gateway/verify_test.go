package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"clirgate/store/pebble"
)

// Whatever was found, the last line is one verdict, and only a whole store is a success.
func TestVerdicts(t *testing.T) {
	closed, torn := errors.New("no key of that day"), errors.New("a block is torn")
	for verdict, c := range map[string]struct {
		found verified
		want  error
	}{
		"whole": {verified{}, nil},
		"whole, as far as can be said without the master key": {verified{masterErr: closed}, nil},
		"whole, but not all identities":                       {verified{closed: 1, why: closed}, closed},
		"not whole; what can be read":                         {verified{Checked: pebble.Checked{Dangling: 1}, closed: 1, why: closed}, errNotWhole},
		"damaged, it cannot be read to its end":               {verified{err: torn}, torn},
		"none, it was interrupted":                            {verified{err: fmt.Errorf("records: %w", context.Canceled)}, errInterrupted},
	} {
		var out bytes.Buffer
		err := c.found.tell(&out)
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) || !strings.HasPrefix(lines[len(lines)-1], "verdict: "+verdict) {
			t.Errorf("%s: %v\n%s", verdict, err, &out)
		}
	}
}
