package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"clirgate/admin"
	"clirgate/cmd/clirgate/gateway"
	"clirgate/store/postgres/pgtest"
)

// shared is served with a store that several gateways share.
func shared(node, url string) string { return served + "node: " + node + "\nstore: " + url + "\n" }

// reply is an answer of the API.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), v); err != nil {
		t.Fatalf("%v\n%d %s", err, r.status, r.body)
	}
}

// do asks the API of a gateway; headers are "Name: value".
func do(t *testing.T, g *gateway.Gateway, token, method, path, body string, headers ...string) reply {
	t.Helper()
	req, err := http.NewRequest(method, "http://"+g.AdminAddr()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	for _, h := range headers {
		if name, value, ok := strings.Cut(h, ": "); ok {
			req.Header.Set(name, value)
		}
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(data)}
}

// class is how a gateway would treat a call of that number now.
func class(t *testing.T, g *gateway.Gateway, token, number string) string {
	t.Helper()
	var e admin.Explanation
	for {
		r := do(t, g, token, "POST", "/v1/explain", `{"peer":"phones","call":{"from":"`+number+`","to":"0201234567"}}`)
		if r.status == 429 { // whoever polls asks often
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if r.into(t, &e); e.Decision == nil {
			t.Fatalf("no decision: %d %s", r.status, r.body)
		}
		break
	}
	return e.Decision.Class
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came: %s", what)
		}
	}
}

const permanent = `{"clir":"permanent"}`

// A rule that is set on one gateway is in force on the other, whichever is asked; both
// know how far each is.
func TestTwoGatewaysOneStore(t *testing.T) {
	url := pgtest.Common(t).Database(t)
	one, log := start(t, shared("gw1", url), t.TempDir())
	two, _ := start(t, shared("gw2", url), t.TempDir())
	token := newToken(t, one)
	if c := class(t, two, token, "+31612345678"); c != "N" {
		t.Fatalf("class %s before the rule", c)
	}
	begun := time.Now()
	r := do(t, one, token, "PUT", "/v1/subscribers/+31612345678", permanent)
	if r.status != 201 || class(t, one, token, "+31612345678") != "W" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	eventually(t, "the rule on the other gateway", func() bool { return two.Rules().Table().Snapshot().Revision() >= 1 })
	t.Logf("in force on the other gateway %v after it was asked for", time.Since(begun).Round(time.Millisecond))
	if c := class(t, two, token, "+31612345678"); c != "W" {
		t.Errorf("class %s on the other gateway", c)
	}
	// wait=all answers when it is so everywhere.
	for i := range 5 {
		g, other := one, two
		if i%2 == 1 {
			g, other = two, one
		}
		path := fmt.Sprintf("/v1/subscribers/+3161234000%d", i)
		if r := do(t, g, token, "PUT", path+"?wait=all", permanent); r.status != 201 || class(t, other, token, path[len("/v1/subscribers/"):]) != "W" {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	var list struct{ Nodes []admin.Node }
	do(t, two, token, "GET", "/v1/nodes", "").into(t, &list)
	if len(list.Nodes) != 2 || list.Nodes[0].Name != "gw1" || list.Nodes[1].Name != "gw2" {
		t.Fatalf("%+v", list.Nodes)
	}
	for _, n := range list.Nodes {
		if !n.Live || n.Revision != 6 || n.Behind != 0 {
			t.Errorf("%+v", n)
		}
	}
	var st admin.Status
	do(t, two, token, "GET", "/v1/status", "").into(t, &st)
	if !st.Rules.Store || st.Rules.Behind != 0 || st.Rules.Revision != 6 || st.Node != "gw2" {
		t.Errorf("%+v", st.Rules)
	}
	if _, text := read(t, two, "/metrics", token); !strings.Contains(text, "clirgate_rules_behind 0\n") || !strings.Contains(text, "clirgate_rules_store_up 1\n") {
		t.Error("drift is no metric")
	}
	if strings.Contains(log.String(), "6123") {
		t.Errorf("a number is logged:\n%s", log)
	}
}
