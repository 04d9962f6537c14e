package privacy

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"clirgate/rules"
)

var update = flag.Bool("update", false, "write what comes out into testdata/golden")

// What the gateway chose for this call alone; goldens hold * for it.
var (
	mappedWord = regexp.MustCompile(`(?m)(sip:|tag=|^Session-ID: |^Call-ID: |^i: )[a-zA-Z]{24,}`)
	origin     = regexp.MustCompile(`(?m)^(o=-) \d+ \d+`)
	length     = regexp.MustCompile(`(?m)^(Content-Length:) [1-9]\d*`)
)

func masked(out string) string {
	out = mappedWord.ReplaceAllString(strings.ReplaceAll(out, "\r\n", "\n"), "$1*")
	if origin.MatchString(out) {
		out = length.ReplaceAllString(origin.ReplaceAllString(out, "$1 * *"), "$1 *")
	}
	return out
}

// TestGolden: a transit, the message that comes in, the message that goes out. The first
// line of a file is the transit as key=value words, see goldenTransit.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.txt")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		head, in, request, want := goldenParts(string(b))
		tr := goldenTransit(t, head, in, request)
		out, err := run(t, tr)
		var critical *ErrCritical
		if errors.As(err, &critical) {
			out = "error: critical " + critical.Names + "\r\n"
		} else if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		got := masked(out)
		if *update {
			text, _, _ := strings.Cut(string(b), "--- out\n")
			if err := os.WriteFile(name, []byte(text+"--- out\n"+got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
		}
	}
}

func goldenParts(text string) (head, in, request, out string) {
	text, out, _ = strings.Cut(text, "--- out\n")
	text, request, _ = strings.Cut(text, "--- request\n")
	head, in, _ = strings.Cut(text, "--- in\n")
	return head, in, request, out
}

// goldenTransit reads class=W next=U1|T1|PS|A from=A|U1|T1|PS sender=callee mid skip=4 toskip=4
// number=31... (network-provided) asserts tir raised self=... peer=...
func goldenTransit(t *testing.T, head, in, request string) *Transit {
	t.Helper()
	tr := initial(parse(t, in), rules.N, toU1)
	tr.Network = 0
	tr.Dialog.CallerNumbers[0] = number(numberA)
	hops := map[string]Hop{"U1": toU1, "T1": toT1, "PS": toPS, "A": toA}
	for _, word := range strings.Fields(head) {
		key, value, _ := strings.Cut(word, "=")
		n, _ := strconv.Atoi(value)
		switch key {
		case "class":
			tr.Call.Class = map[string]rules.Class{"N": rules.N, "W": rules.W, "E": rules.E}[value]
			tr.Dialog.Class, tr.Dialog.CallerWithheld = tr.Call.Class, value == "W"
		case "next":
			tr.Next = hops[value]
		case "from":
			tr.From = hops[value]
		case "sender":
			tr.Sender = Callee
		case "mid":
			tr.Initial = false
		case "skip":
			tr.Skip = n
		case "toskip":
			tr.ToSkip = n
		case "number":
			tr.Network = number(value)
			tr.Dialog.CallerNumbers[0] = tr.Network
		case "asserts":
			tr.Asserts = true
		case "history":
			tr.Call.ScrubHistory = true
		case "override":
			tr.Call.Override = true
		case "clipoff":
			tr.Call.HideFromCallee = true
		case "tir":
			tr.Call.CalleeWithheld, tr.Dialog.CalleeWithheld = true, true
			tr.Dialog.CalleeNumbers[0] = number(value)
		case "raised":
			tr.Raised, tr.Dialog.CallerWithheld = true, true
		default:
			t.Fatalf("%q is no word of a transit", word)
		}
	}
	if request != "" {
		tr.Request = parse(t, request)
	}
	return tr
}
