package gateway_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// scrape is what a gateway serves after calls of each kind.
func scrape(t *testing.T) string {
	t.Helper()
	g, _ := start(t, fmt.Sprintf(flooded, "20ms", answerer(t, "127.0.0.3:0"), answerer(t, "127.0.0.4:0")), t.TempDir())
	for _, uri := range []string{
		"sip:0201234567@127.0.0.1", "sip:*31*0201234567@127.0.0.1", "sip:*31*112@127.0.0.1", "sip:*31*@127.0.0.1", "tel:+31201234567",
	} {
		ask(t, g, "INVITE", uri)
	}
	code, text := read(t, g, "/metrics", newToken(t, g))
	if code != 200 {
		t.Fatal(code)
	}
	return text
}

// metricNames are those of a text, with the histograms' series.
var metricNames = regexp.MustCompile(`\b(?:clirgate|go|process)_[a-z0-9_]+\b`)

// No label and no value tells who called whom, from where, or in which dialog.
func TestMetricsTellNobody(t *testing.T) {
	text := scrape(t)
	for _, secret := range []string{"612345678", "201234567", "*31*", "127.0.0.", "sip:", "tel:", "@", "z9hG4bK"} {
		for line := range strings.Lines(text) {
			if strings.Contains(line, secret) {
				t.Errorf("%q in %s", secret, line)
			}
		}
	}
	digits := regexp.MustCompile(`="[^"]*[0-9]{5}`)
	for line := range strings.Lines(text) {
		if digits.MatchString(line) && !strings.HasPrefix(line, "clirgate_start_time_seconds") && !strings.HasPrefix(line, "go_info") {
			t.Errorf("digits in a label: %s", line)
		}
	}
	for _, want := range []string{`clirgate_calls_total{class="N"} 2`, `clirgate_calls_total{class="W"} 1`, `clirgate_calls_total{class="E"} 1`, `clirgate_events_total{event="incomplete"} 1`} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is not there", want)
		}
	}
}

// What the shipped alert rules and the dashboard ask for is served.
func TestDeployedMetricsExist(t *testing.T) {
	served := map[string]bool{}
	for _, name := range metricNames.FindAllString(scrape(t), -1) {
		served[name] = true
	}
	alerts, err := os.ReadFile("../../../deploy/prometheus/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.UnmarshalWithOptions(alerts, &rules, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	served["clirgate_probe_ok"] = true // where there are probe calls: probe.TestHealthy
	served["clirgate_probe_age_seconds"], served["clirgate_probe_interval_seconds"] = true, true
	served["clirgate_certificate_expiry_seconds"] = true // where there is TLS: TestAdminTLS
	asked := map[string]string{}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			asked[r.Alert] = r.Expr
			if s := r.Labels["severity"]; s != "page" && s != "ticket" || r.Annotations["summary"] == "" || r.Annotations["action"] == "" {
				t.Errorf("%s: %+v", r.Alert, r)
			}
		}
	}
	board, err := os.ReadFile("../../../deploy/grafana/clirgate.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(board, &dashboard); err != nil {
		t.Fatal(err)
	}
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			asked[p.Title] += target.Expr + "\n"
		}
	}
	if len(asked) < 25 {
		t.Errorf("only %d alerts and panels were found", len(asked))
	}
	for who, expr := range asked {
		names := metricNames.FindAllString(expr, -1)
		if len(names) == 0 {
			t.Errorf("%s asks for nothing: %s", who, expr)
		}
		for _, name := range names {
			if base := strings.TrimSuffix(name, "_bucket"); !served[name] && !served[base] {
				t.Errorf("%s asks for %s, which nobody serves", who, name)
			}
		}
	}
}
