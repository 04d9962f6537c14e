package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clirgate/admin/token"
	"clirgate/cmd/clirgate/config"
	"clirgate/cmd/clirgate/gateway"
)

// rig is a running gateway, and clirctl's surroundings.
type rig struct {
	t   *testing.T
	g   *gateway.Gateway
	dir string
}

const configuration = `
sip: {listen: ["udp:127.0.0.1:0"]}
peers:
  - {name: phones, boundary: access, access: fixed, from: ["127.0.0.9"], numbers: ["+3161234"]}
  - {name: next, boundary: interconnect, from: ["127.0.0.8"], to: ["sip:127.0.0.2:5170"]}
routes: [{emergency: true, to: next}, {prefix: "", to: next}]
data: data
admin: {listen: "127.0.0.1:0", rate: 10000}
`

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir()}
	cfg, problems := config.Parse([]byte(configuration), "test.yaml", r.dir)
	if fatal := problems.Fatal(); len(fatal) > 0 {
		t.Fatal(fatal)
	}
	var err error
	if r.g, err = gateway.New(cfg, gateway.WithLog(slog.New(slog.NewJSONHandler(io.Discard, nil)))); err != nil {
		t.Fatal(err)
	}
	r.g.Start()
	t.Cleanup(func() {
		if err := r.g.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Setenv("XDG_CONFIG_HOME", r.dir)
	t.Setenv("CLIRCTL_SERVER", "http://"+r.g.AdminAddr())
	t.Setenv("CLIRCTL_TOKEN_FILE", "")
	r.become(token.NOC)
	return r
}

// become uses a new token of a role.
func (r *rig) become(role token.Role) {
	r.t.Helper()
	plain, record := token.New(role, "alice", time.Time{})
	if err := r.g.Tokens().AddToken(context.Background(), record); err != nil {
		r.t.Fatal(err)
	}
	r.t.Setenv("CLIRCTL_TOKEN", plain)
}

// printed is what a command said.
type printed struct {
	code      int
	out, errs string
}

func (r *rig) run(line string) printed { return r.feed("", strings.Fields(line)...) }

func (r *rig) feed(in string, args ...string) printed {
	r.t.Helper()
	var out, errs bytes.Buffer
	code := run(args, strings.NewReader(in), &out, &errs)
	a := printed{code, out.String(), errs.String()}
	if secret := os.Getenv("CLIRCTL_TOKEN"); secret != "" && strings.Contains(a.out+a.errs, secret) {
		r.t.Errorf("%v prints the token", args)
	}
	if (code == 0) != (a.errs == "") {
		r.t.Errorf("%v: code %d, and said %q", args, code, a.errs)
	}
	return a
}

// want runs a command and holds what it prints against words that must be there.
func (r *rig) want(line string, code int, words ...string) printed {
	r.t.Helper()
	a := r.run(line)
	r.has(line, a, code, words...)
	return a
}

func (r *rig) has(line string, a printed, code int, words ...string) {
	r.t.Helper()
	if a.code != code {
		r.t.Errorf("%s: code %d, want %d\n%s%s", line, a.code, code, a.out, a.errs)
	}
	for _, w := range words {
		if !strings.Contains(strings.Join(strings.Fields(a.out+a.errs), " "), w) {
			r.t.Errorf("%s: does not say %q\n%s%s", line, w, a.out, a.errs)
		}
	}
}

func (r *rig) file(name, text string) string {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return path
}
