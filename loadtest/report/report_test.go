package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clirgate/loadtest"
	"clirgate/loadtest/oracle"
)

func result() *loadtest.Result {
	r := &loadtest.Result{Length: 2 * time.Second}
	r.Totals = loadtest.Totals{Offered: 2000, Carried: 1999, Failed: 1, Leaks: 3}
	r.Times.Forward = loadtest.Quantiles{Count: 2000, P50: 300, P99: 4200}
	r.Findings = []oracle.Count{{Finding: oracle.Finding{Kind: oracle.Leak, Vector: "X-<b>", What: "number", Method: "INVITE"}, Times: 3}}
	r.Outcomes = []loadtest.Outcome{{Flow: "answer", How: "carried", Calls: 1999}}
	r.Processes = []loadtest.ProcessSummary{{Name: "gate", PerCall: 120 * time.Microsecond}}
	for i := range 3 {
		r.Seconds = append(r.Seconds, loadtest.Sample{At: time.Duration(i+1) * time.Second, Offered: 1000, Carried: 999, Usage: loadtest.Usage{RSS: 1 << 20}})
	}
	return r
}

func TestTextNamesEverything(t *testing.T) {
	var b bytes.Buffer
	Text(&b, result())
	for _, want := range []string{"2000 offered", "3 leaks", "4.2ms", "X-<b>", "120.0 us CPU a call", "answer           carried"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
}

func TestHTMLStandsAlone(t *testing.T) {
	var b bytes.Buffer
	if err := HTML(&b, "run", time.Unix(0, 0), result(), []string{"3 leaks, at most 0 allowed"}); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, bad := range []string{"<b>", "http:", "https:", "src=", "href="} {
		if strings.Contains(text, bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
	if strings.Count(text, "<svg") != 6 || !strings.Contains(text, "3 leaks, at most 0 allowed") {
		t.Errorf("%d plots; want 6, and the limit broken", strings.Count(text, "<svg"))
	}
	for _, part := range strings.Split(text, "<svg")[1:] {
		d := xml.NewDecoder(strings.NewReader("<svg" + part[:strings.Index(part, "</svg>")+6]))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("a plot is no XML: %v", err)
			}
		}
	}
}

func TestJSONIsReadBack(t *testing.T) {
	var b bytes.Buffer
	if err := JSON(&b, result()); err != nil {
		t.Fatal(err)
	}
	var back loadtest.Result
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || back.Totals.Leaks != 3 || len(back.Seconds) != 3 {
		t.Errorf("%v, %+v", err, back.Totals)
	}
}

func TestLiveIsPlainWithoutTerminal(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l := NewLive(f)
	l.Show(result().Seconds[0])
	l.Show(result().Seconds[1])
	b, _ := os.ReadFile(f.Name())
	if n := bytes.Count(b, []byte("\n")); n != 2 || bytes.Contains(b, []byte("\x1b")) {
		t.Errorf("%d lines: %q", n, b)
	}
	l.terminal = true
	l.Show(result().Seconds[0])
	l.Show(result().Seconds[1])
	if b, _ = os.ReadFile(f.Name()); !bytes.Contains(b, []byte("\x1b[7A")) {
		t.Error("a terminal's lines are not drawn over")
	}
}
