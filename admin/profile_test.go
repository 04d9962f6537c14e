package admin_test

import (
	"bytes"
	"compress/gzip"
	"testing"
)

func TestProfile(t *testing.T) {
	a := newAPI(t)
	for _, path := range []string{"/v1/profile?kind=heap", "/v1/profile?kind=goroutine", "/v1/profile?seconds=1"} {
		r := a.do("GET", path, "")
		if r.status != 200 {
			t.Errorf("%s: %d %s", path, r.status, r.body)
			continue
		}
		if _, err := gzip.NewReader(bytes.NewReader([]byte(r.body))); err != nil {
			t.Errorf("%s: no profile: %v", path, err)
		}
	}
	for _, path := range []string{"/v1/profile?kind=x", "/v1/profile?seconds=0", "/v1/profile?seconds=61", "/v1/profile?second=1"} {
		if r := a.do("GET", path, ""); r.status != 400 {
			t.Errorf("%s: %d", path, r.status)
		}
	}
}
