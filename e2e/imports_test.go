package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// The picture of DESIGN 3: which part may import which.

// listed is one package as "go list" tells of it.
type listed struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

// within tells whether a package is one of the places, or below one.
func within(path string, places ...string) bool {
	return slices.ContainsFunc(places, func(p string) bool {
		return path == p || strings.HasPrefix(path, p+"/")
	})
}

// own is a path of this module without the module's name; "" for others.
func own(path string) string {
	rest, ok := strings.CutPrefix(path, "clirgate/")
	if !ok {
		return ""
	}
	return rest
}

var (
	domain  = []string{"rules", "trace", "casework", "audit"}
	drivers = []string{"database/sql", "modernc.org/sqlite", "github.com/cockroachdb/pebble", "github.com/jackc/pgx",
		"github.com/jackc/pgconn", "github.com/lib/pq", "github.com/mattn/go-sqlite3", "github.com/pressly/goose"}
	web = []string{"net/http", "github.com/valyala/fasthttp", "github.com/fasthttp"}
)

// arrows: a package under one of from may import of this module only what is under to; its
// own folder always.
var arrows = []struct{ from, to []string }{
	{[]string{"numbering"}, nil},
	{[]string{"audit"}, []string{"numbering"}},
	{[]string{"rules"}, []string{"numbering", "audit"}}, // a change and its audit entry are one
	{[]string{"trace"}, []string{"numbering", "rules"}}, // a record tells class and rule
	{[]string{"casework"}, []string{"numbering", "trace", "rules", "audit"}},
	{[]string{"sip"}, []string{"numbering", "rules", "trace", "sip"}},
	{[]string{"admin"}, []string{"numbering", "rules", "trace", "casework", "audit", "admin"}},
	{[]string{"store"}, []string{"numbering", "rules", "trace", "casework", "audit", "store", "admin/token"}},
	{[]string{"loadtest"}, []string{"loadtest", "numbering"}},
}

// kept: a library and the only places that may import it.
var kept = []struct {
	library []string
	places  []string
}{
	{[]string{"github.com/valyala/fasthttp", "github.com/fasthttp"}, []string{"admin"}},
	{[]string{"github.com/nyaruka/phonenumbers"}, []string{"numbering"}},
	{[]string{"github.com/pion/rtp"}, []string{"loadtest"}},
	{[]string{"github.com/coreos/go-oidc", "golang.org/x/oauth2"}, []string{"admin/oidc"}},
	{[]string{"github.com/schollz/progressbar"}, []string{"cmd/clirctl"}},
	{drivers, []string{"store"}},
}

func TestImports(t *testing.T) {
	list := packages(t)
	if len(list) < 15 {
		t.Fatalf("only %d packages", len(list))
	}
	for _, p := range list {
		me := own(p.ImportPath)
		for _, i := range p.Imports {
			for _, fault := range forbidden(me, i) {
				t.Errorf("%s imports %s: %s", p.ImportPath, i, fault)
			}
		}
	}
}

// forbidden says what is wrong with a package of ours importing another.
func forbidden(me, imported string) (faults []string) {
	for _, k := range kept {
		if within(imported, k.library...) && !within(me, k.places...) {
			faults = append(faults, "only "+strings.Join(k.places, ", ")+" may")
		}
	}
	if within(me, domain...) && !within(me, "casework/lookup") { // the adapter to the carrier's customer system
		if within(imported, web...) || within(imported, drivers...) || within(imported, "github.com/emiago/sipgo") {
			faults = append(faults, "a domain package knows neither SQL nor HTTP nor SIP")
		}
	}
	it := own(imported)
	if it == "" {
		return faults
	}
	if within(it, "cmd", "e2e") && !within(me, "cmd", "e2e", "bench") {
		faults = append(faults, "only commands import commands")
	}
	for _, a := range arrows {
		if within(me, a.from...) && !within(it, a.to...) && !sameFolder(me, it) {
			faults = append(faults, "the arrow does not go that way")
		}
	}
	return faults
}

func sameFolder(a, b string) bool {
	x, _, _ := strings.Cut(a, "/")
	y, _, _ := strings.Cut(b, "/")
	return x == y
}

// The picture must be able to fail.
func TestImportsForbid(t *testing.T) {
	for _, c := range [][2]string{
		{"sip/proxy", "clirgate/admin"}, {"admin", "clirgate/sip/proxy"}, {"rules", "database/sql"}, {"trace", "net/http"},
		{"audit", "github.com/emiago/sipgo/sip"}, {"loadtest/relay", "clirgate/sip/message"}, {"rules", "clirgate/sip/message"},
		{"sip/proxy", "github.com/valyala/fasthttp"}, {"cmd/clirgate", "github.com/pion/rtp"}, {"sip/proxy", "github.com/nyaruka/phonenumbers"},
		{"cmd/clirgate", "github.com/cockroachdb/pebble/v2"}, {"numbering", "clirgate/rules"}, {"store/sqlite", "clirgate/sip/proxy"},
		{"sip/proxy", "clirgate/cmd/clirgate/config"},
	} {
		if len(forbidden(c[0], c[1])) == 0 {
			t.Errorf("%s may import %s", c[0], c[1])
		}
	}
}
