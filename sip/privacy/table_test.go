package privacy

import (
	"bufio"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"clirgate/rules"
	"clirgate/sip/message"
)

var columnNames = [...]string{colTN: "T/N", colTW: "T/W", colUN: "U/N", colUW: "U/W", colE: "E"}

// TestTable holds every line of testdata/table.txt against Plan, column by column.
func TestTable(t *testing.T) {
	f, err := os.Open("testdata/table.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	seen := map[string]bool{}
	in := bufio.NewScanner(f)
	for n := 1; in.Scan(); n++ {
		line := in.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		cells := strings.Split(line, " | ")
		if len(cells) != 1+len(columnNames) {
			t.Fatalf("line %d: %d cells", n, len(cells))
		}
		how, header := splitHow(cells[0])
		name, _, _ := strings.Cut(header, ":")
		seen[name] = true
		for c, want := range cells[1:] {
			if want != "-" {
				testCell(t, n, how, header, column(c), want)
			}
		}
	}
	for id := message.HVia; ; id++ {
		if id.String() == "" {
			break
		}
		if rowOf(new(message.Message), &message.Header{ID: id}) == &unknown {
			t.Errorf("%v: no row", id)
		}
		if !seen[id.String()] && !hasOwnTest[id] {
			t.Errorf("%v: no line in testdata/table.txt", id)
		}
	}
}

// hasOwnTest: headers that every message has, tested by whole messages.
var hasOwnTest = map[message.HeaderID]bool{
	message.HVia: true, message.HFrom: true, message.HTo: true, message.HCallID: true,
	message.HCSeq: true, message.HMaxForwards: true, message.HContentLength: true,
}

func splitHow(cell string) (how, header string) {
	for strings.HasPrefix(cell, "@") || strings.HasPrefix(cell, "status ") {
		word, rest, _ := strings.Cut(cell, " ")
		if word == "status" {
			code, after, _ := strings.Cut(rest, " ")
			word, rest = "status="+code, after
		}
		how += word + " "
		cell = rest
	}
	return how, cell
}

func testCell(t *testing.T, n int, how, header string, c column, want string) {
	t.Helper()
	tr := cellTransit(t, how, header, c)
	var action Action
	name, _, _ := strings.Cut(header, ":")
	tr.Row = func(h *message.Header, a Action, why string) {
		if strings.EqualFold(string(tr.M.Get(h.Name)), name) {
			action = a
		}
		if why == "" {
			t.Errorf("line %d: %v without a reason", n, h.ID)
		}
	}
	out, err := run(t, tr)
	if err != nil {
		t.Errorf("line %d %s: %v", n, columnNames[c], err)
		return
	}
	got := lines(out, name)
	switch want {
	case "R":
		if len(got) != 0 && !(name == "P-Asserted-Identity" && action == Remove) {
			t.Errorf("line %d %s: %q was not removed", n, columnNames[c], got)
		}
		return
	case "K":
		want = header
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(want), `\*`, `(\*|[a-zA-Z]{24,})`)
	if len(got) != 1 || !regexp.MustCompile("^"+pattern+"$").MatchString(got[0]) {
		t.Errorf("line %d %s: %q, want %q", n, columnNames[c], got, want)
	}
	if kept := want == header; kept != (action == Keep) && name != "Route" {
		t.Errorf("line %d %s: action %d told of %q", n, columnNames[c], action, got)
	}
}

// cellTransit is a message with one header on its way into one column.
func cellTransit(t *testing.T, how, header string, c column) *Transit {
	t.Helper()
	has := func(word string) bool { return strings.Contains(how, "@"+word+" ") }
	method := "INVITE"
	for _, m := range []string{"refer", "ack", "register"} {
		if has(m) {
			method = strings.ToUpper(m)
		}
	}
	common := "From: <sip:+31205550101@gw.example.net>;tag=a1\nTo: <sip:+31705550199@gw.example.net>\nCall-ID: c1@pc11.lan\nCSeq: 1 " + method + "\n"
	request := method + " sip:+31705550199@gw.example.net SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.11;branch=z9hG4bKa1\nMax-Forwards: 70\n" + common
	tr := initial(parse(t, request+header+"\nContent-Length: 0\n\n"), rules.N, Hop{SupportsPrivacy: true, SendPAI: true, Contact: "198.51.100.2:5060"})
	if has("resp") {
		tr.Request = parse(t, request+"Content-Length: 0\n\n")
		status := 200
		if _, code, ok := strings.Cut(how, "status="); ok {
			status, _ = strconv.Atoi(strings.TrimSpace(code))
		}
		tr.M = parse(t, "SIP/2.0 "+strconv.Itoa(status)+" x\nVia: SIP/2.0/UDP 198.51.100.2;branch=z9hG4bKg1\n"+
			strings.Replace(common, "\nCall-ID", ";tag=b9\nCall-ID", 1)+header+"\nContent-Length: 0\n\n")
		tr.Sender, tr.Network = Callee, 0
	}
	withheld := c == colTW || c == colUW
	if withheld && tr.Sender == Caller {
		tr.Call.Class, tr.Dialog.CallerWithheld = rules.W, true
	} else if withheld {
		tr.Call.CalleeWithheld, tr.Dialog.CalleeWithheld = true, true
	}
	if c == colE {
		tr.Call.Class = rules.E
		tr.Next.Emergency = true
	}
	tr.Next.Trusted = c == colTN || c == colTW || c == colE
	tr.Next.OwnDomain, tr.Next.KeepPANI, tr.Next.WantsRPID = has("own"), has("pani"), has("rpid")
	if has("trust") {
		tr.Asserts, tr.From.Trusted = true, true
	}
	if has("list") {
		tr.Next.Headers = []string{"x-agreed", "resource-priority", "p-dcs-billing-info"}
	}
	return tr
}
