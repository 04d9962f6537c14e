package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"clirgate/admin/token"
)

func TestSubscribers(t *testing.T) {
	r := newRig(t)
	r.want("subscriber get 0612345678", exitNotFound, "There is no rule for this subscriber", "(PUT makes one)")
	r.want("subscriber set 0612345678 --clir permanent --reason ticket", 0, "number +31612345678", "clir permanent", "clip yes")
	r.want("sub set +31612345678 --acr --until 24h", 0, "clir permanent", "acr yes")
	r.want("subscriber get 06-12345678", 0, "clir permanent", "acr yes")
	a := r.want("subscriber get 0612345678 --json", 0)
	var d map[string]any
	if err := json.Unmarshal([]byte(a.out), &d); err != nil || d["clir"] != "permanent" || d["acr"] != true {
		t.Errorf("%s %v", a.out, err)
	}
	// What is wrong is named, with the mend.
	r.want("subscriber set 0612345678 --clir sometimes", exitWrong, "A field cannot be taken: clir:", "(")
	r.want("subscriber get alice", exitWrong, "number: is no telephone number with a country code (give it with + and country code")
	r.want("subscriber get 112", exitWrong, "number:")
	r.want("subscriber set 0612345678 --until tomorrow", exitWrong, "--until: write")
	r.want("subscriber set 0612345678 --until never --no-acr --note x", 0, "until for good", "acr no")
	r.want("changes", 0, "REVISION TIME ACTOR SUBSCRIBER CHANGE REASON", "1 ", "noc:alice +31612345678 clir permanent ticket", "acr true")
	r.want("changes --actor noc:bob", 0)
	r.want("changes --since nonsense", exitWrong, "--since")
	if a := r.want("changes --number 0612345678 --limit 2 --json", 0); strings.Count(a.out, `"revision"`) != 2 || strings.Count(a.out, "\n") != 2 {
		t.Errorf("%s", a.out)
	}
	r.want("revert 1", exitConflict)
	r.want("revert 3 --reason oops", 0, "change 3 undone by change 4")
	r.want("revert 77", exitNotFound)
	r.want("subscriber get 0612345678", 0, "acr yes")
	r.want("subscriber delete 0612345678", 0, "taken out")
	r.want("subscriber delete 0612345678", exitNotFound)
	r.want("changes --limit 1", 0, "taken out")
}

func TestImportAndExport(t *testing.T) {
	r := newRig(t)
	rows := r.file("rows.csv", "number,clir\n+31612345678,permanent\nnobody,none\n+31612345679,none\n")
	r.want("subscriber import --dry-run "+rows, exitUnwell, "done: 3 rows, 2 would change, 1 bad", "line 3: number")
	r.want("subscriber get 0612345678", exitNotFound)
	r.want("subscriber import --reason move --poll 10ms "+rows, exitUnwell, "done: 3 rows, 2 changed, 1 bad", "1 bad rows")
	if a := r.want("subscriber export", 0, "+31612345678,permanent"); strings.Count(a.out, "\n") != 3 {
		t.Errorf("%s", a.out)
	}
	out := filepath.Join(r.dir, "out.jsonl")
	r.want("subscriber export --format jsonl -o "+out, 0)
	data, err := os.ReadFile(out)
	if info, statErr := os.Stat(out); err != nil || statErr != nil || info.Mode().Perm() != 0o600 || strings.Count(string(data), "\n") != 2 {
		t.Errorf("%q %v %v", data, err, statErr)
	}
	// What was exported can be imported, also from standard input.
	r.want("subscriber delete 0612345678", 0)
	r.want("subscriber import "+out, 0, "1 changed, 0 bad")
	r.has("import -", r.feed("number,acr\n+31612345670,true\n", "subscriber", "import", "-"), 0, "1 rows, 1 changed")
	a := r.want("subscriber import --json "+out, 0)
	var job map[string]any
	if err := json.Unmarshal([]byte(a.out), &job); err != nil || job["state"] != "done" {
		t.Errorf("%s %v", a.out, err)
	}
	r.want("job list", 0, "JOB KIND STATE DONE ROWS", "dry run done 100 %", "import done 100 % 3 2 1", "noc:alice move")
	id, _ := job["id"].(string)
	r.want("job show "+id, 0, "state done", "rows 2 read, 0 changed, 0 skipped, 0 bad")
	r.want("job wait "+id, 0, "done: 2 rows, 0 changed, 0 bad")
	r.want("job cancel "+id, exitConflict, "The job has ended already")
	r.want("job resume "+id, exitConflict, "The job cannot go on")
	r.want("job show nothing", exitNotFound, "There is no such job on this node (GET /v1/jobs lists them)")
	r.want("job cancel nothing --reason x", exitNotFound)
	jobs := r.run("job list --json")
	var all struct{ Jobs []struct{ ID, Reason string } }
	if err := json.Unmarshal([]byte(jobs.out), &all); err != nil {
		t.Fatal(err)
	}
	for _, j := range all.Jobs {
		if j.Reason == "move" {
			r.want("job show "+j.ID, 0, "3 read, 2 changed", "line 3: number")
			r.want("job revert --poll 10ms --reason oops "+j.ID, 0, "done: ")
		}
	}
	r.want("subscriber get 0612345679", exitNotFound)
	r.want("subscriber import --poll 10ms --stop-bad "+rows, exitUnavailable, "line 3")
	jobs = r.run("job list --json")
	if err := json.Unmarshal([]byte(jobs.out), &all); err != nil {
		t.Fatal(err)
	}
	stopped := all.Jobs[0].ID
	r.want("job show "+stopped, 0, "goes on with clirctl job resume "+stopped)
	r.want("job resume --poll 10ms "+stopped, exitUnavailable, "line 3")
	r.want("job resume --poll 10ms --skip-bad --reason again "+stopped, exitUnwell, "done: 3 rows, 1 changed, 1 bad")
	r.want("subscriber import "+r.file("bad.csv", "nummer\n1\n"), exitUnavailable, "line 1")
	r.want("subscriber import /nonexistent.csv", exitWrong, "no such file")
}

func TestExplain(t *testing.T) {
	r := newRig(t)
	r.want("explain --peer phones --from +31612345678 --to *31*0201234567", 0, "class W by rule D3", "next hop next (interconnect, udp:127.0.0.2:5170)", "RULE FIRED WHY CLAUSE", "From anonymise", "sent: INVITE sip:")
	r.want("explain --peer phones --from +31612345678 --to 0201234567 --all", 0, "class N by rule D8", "D2 no")
	r.want("explain --peer phones --to 112", 0, "class E by rule D1")
	invite := "INVITE sip:0201234567@gw SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.9;branch=z9hG4bKx\nFrom: <sip:+31612345678@gw>;tag=a\nTo: <sip:0201234567@gw>\nCall-ID: a\nCSeq: 1 INVITE\nMax-Forwards: 70\nPrivacy: id\n\n"
	r.has("pasted", r.feed(invite, "explain", "--source", "udp:127.0.0.9:5060", "-m", "-"), 0, "class W by rule")
	r.want("explain call --peer phones -m "+r.file("invite", invite)+" --json", 0, `"class":"W"`)
	// What is no text goes as it is.
	raw := strings.ReplaceAll(strings.Replace(invite, "Max-Forwards", "Content-Type: application/x\nContent-Length: 2\nMax-Forwards", 1), "\n", "\r\n") + "\xff\xfe"
	r.want("explain --peer phones -m "+r.file("raw", raw), 0, "class W")
	r.want("explain --peer nobody --to 1", exitWrong, "peer: is not configured")
	r.want("explain --peer phones -m /nonexistent", exitWrong)
	r.want("explain change 0612345678 --clir permanent --peer phones --from +31612345678 --to 0201234567", 0, "class: N, then W", "rule: D8, then D2")
	r.want("explain change 0612345678 --clir permanent --peer phones --from +31612345678 --to 112", 0, "nothing would change: class E by rule D1")
	r.want("explain change 0612345678 --clir x --peer phones --to 112", exitWrong, "subscribers[0].clir")
	r.want("subscriber get 0612345678", exitNotFound)
}

func TestOperations(t *testing.T) {
	r := newRig(t)
	r.want("status", 0, "gw1 is serving.", "rules 0 subscribers, revision 0", "records kept: yes")
	r.want("status --json", 0, `"state":"serving"`)
	r.want("peers", 0, "PEER BOUNDARY STATE", "next interconnect up", "udp:127.0.0.2:5170")
	r.want("drain next --reason works", 0, "next interconnect drained")
	r.want("resume next", 0, "next interconnect up")
	r.want("drain nobody", exitNotFound, "There is no such peer (GET /v1/peers lists them)")
	r.want("nodes", 0, "NODE LIVE REVISION", "gw1 yes 0 0")
	r.want("whoami", 0, "name alice", "role noc", "expires never")
}

func TestAudit(t *testing.T) {
	r := newRig(t)
	r.want("subscriber set 0612345678 --clir permanent --reason ticket", 0)
	r.want("drain next", 0)
	r.want("audit list", exitForbidden, "use a token of role privacy")
	r.become(token.Privacy)
	r.want("audit list", 0, "SEQ TIME ACTOR", "noc:alice POST /v1/peers/{name}:drain peer:next done", "refused")
	r.want("audit list --limit 1 --since 24h --json", 0, `"action":"GET /v1/audit"`, `"outcome":"done"`) // the list before: reading is written down
	r.want("audit verify", 0, "the log is whole", "head")
	file := filepath.Join(r.dir, "audit.jsonl")
	r.want("audit export -o "+file, 0)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// From here on the gateway is not needed.
	t.Setenv("CLIRCTL_SERVER", "http://127.0.0.1:1")
	t.Setenv("CLIRCTL_TOKEN", "")
	a := r.want("audit verify "+file, 0, "the log is whole")
	head := regexp.MustCompile(`head (\d+:\w+)`).FindStringSubmatch(a.out)[1]
	r.want("audit verify --head "+head+" "+file, 0)
	r.want("audit verify --head 1:"+strings.Repeat("0", 64)+" "+file, exitUnwell, "the head kept earlier is not in the log")
	r.has("from standard input", r.feed(string(data), "audit", "verify", "-"), 0, "whole")
	lines := strings.SplitAfter(string(data), "\n")
	for name, text := range map[string]string{
		"changed": strings.Replace(string(data), "refused", "done", 1), "removed": lines[0] + strings.Join(lines[2:], ""),
		"moved": lines[0] + lines[2] + lines[1] + strings.Join(lines[3:], ""), "cut": strings.Join(lines[:len(lines)-2], ""), "nothing": "",
	} {
		r.want("audit verify "+r.file(name, text), exitUnwell, "the audit log is not whole")
	}
	if a := r.want("audit verify --json "+r.file("changed", strings.Replace(string(data), "refused", "done", 1)), exitUnwell); !strings.Contains(a.out, `"whole":false`) {
		t.Errorf("%s", a.out)
	}
}

func TestTokens(t *testing.T) {
	r := newRig(t)
	r.want("token list", exitForbidden, "use a token of role admin")
	r.become(token.Admin)
	a := r.want("token create --role noc --name bob --expires 2h --reason ticket", 0)
	bob := strings.TrimSpace(a.out)
	m := regexp.MustCompile(`(?m)^(\w+) +noc +bob +valid`).FindStringSubmatch(r.want("token list", 0, "ID ROLE NAME STATE").out)
	if !strings.HasPrefix(bob, "clirgate_") || m == nil {
		t.Fatalf("%q %q", a.out, m)
	}
	file := filepath.Join(r.dir, "scraper")
	if a := r.want("token create --role all --name scraper --json -o "+file, 0); a.out != "" {
		t.Errorf("%q", a.out)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	r.want("token create --role all --name scraper -o "+file, exitWrong, "exists")
	none := filepath.Join(r.dir, "none")
	r.want("token create --role investigator --name x -o "+none, exitForbidden, "role (run clirgate token create where the gateway runs)")
	if _, err := os.Stat(none); err == nil {
		t.Error("an empty file is left")
	}
	r.want("token create --role noc --name x --expires 99999h", exitWrong, "expires")
	chief := os.Getenv("CLIRCTL_TOKEN")

	// From a file, from standard input; not from a file that others may read.
	t.Setenv("CLIRCTL_TOKEN", "")
	r.want("whoami --token-file "+file, 0, "name scraper")
	r.has("standard input", r.feed(bob+"\n", "--token-file", "-", "whoami"), 0, "name bob")
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	r.want("whoami --token-file "+file, exitWrong, "others may read", "chmod 600")
	r.want("whoami", exitWrong, "no token: set CLIRCTL_TOKEN")
	r.want("whoami --token-file "+none, exitWrong, "no such file")
	if err := os.MkdirAll(filepath.Join(r.dir, "clirctl"), 0o700); err != nil {
		t.Fatal(err)
	}
	r.file("clirctl/token", bob+"\n")
	r.want("whoami", 0, "name bob")

	t.Setenv("CLIRCTL_TOKEN", chief)
	r.want("token revoke "+m[1]+" --reason left", 0, "revoked")
	r.want("token revoke nobody", exitNotFound)
	t.Setenv("CLIRCTL_TOKEN", bob)
	r.want("whoami", exitForbidden, "The token is unknown, expired or revoked")
	r.want("token list", exitForbidden)
}

func TestGatewayAway(t *testing.T) {
	r := newRig(t)
	t.Setenv("CLIRCTL_SERVER", "http://127.0.0.1:1")
	if a := r.want("subscriber get 0612345678", exitUnavailable, "does not answer"); strings.Contains(a.errs, "12345678") {
		t.Errorf("the number is repeated: %s", a.errs)
	}
	t.Setenv("CLIRCTL_SERVER", "::")
	r.want("status", exitWrong, "is no URL")
	t.Setenv("CLIRCTL_SERVER", "http://"+r.g.AdminAddr())
	r.want("status --ca /nonexistent", exitWrong, "--ca")
	r.want("status --ca "+r.file("ca.pem", "x"), exitWrong, "holds no certificate")
	r.want("nonsense", exitWrong)
	r.want("subscriber get", exitWrong)
	if a := r.run("--help"); a.code != 0 || !strings.Contains(a.out, "Exit codes: 0 done") {
		t.Errorf("%+v", a)
	}
}

// No flag takes a secret: what stands on a command line everybody on the machine sees.
func TestNoSecretOnTheCommandLine(t *testing.T) {
	r := newRig(t)
	r.want("--token clirgate_x status", exitWrong)
	if strings.Contains(r.run("--help").out, "--token=") {
		t.Error("there is a flag for the token")
	}
}

func TestCompletion(t *testing.T) {
	r := newRig(t)
	for _, shell := range []string{"bash", "zsh", "fish"} {
		r.want("completion "+shell, 0, "clirctl complete")
		path, err := exec.LookPath(shell)
		if err != nil {
			continue // what is not on this machine is only looked at
		}
		if out, err := exec.Command(path, "-n", r.file(shell, r.run("completion "+shell).out)).CombinedOutput(); err != nil {
			t.Errorf("%s: %v %s", shell, err, out)
		}
	}
	r.want("completion csh", exitWrong)
	r.want("complete --", 0, "subscriber", "explain", "--json", "token")
	r.want("complete -- subscriber", 0, "get", "import", "--server")
	r.want("complete -- sub set", 0, "--clir", "--reason")
	if a := r.run("complete --"); strings.Contains(a.out, "complete\n") {
		t.Errorf("%s", a.out)
	}
}

func TestMoment(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{"24h": "2026-11-24T12:00:00Z", "2026-12-31T23:00:00+01:00": "2026-12-31T22:00:00Z"} {
		if got, err := moment(text, now, 1); err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%s: %v %v", text, got, err)
		}
	}
	if got, _ := moment("24h", now, -1); got.Day() != 22 {
		t.Errorf("%v", got)
	}
	if _, err := moment("soon", now, 1); err == nil {
		t.Error("soon is a time")
	}
}
