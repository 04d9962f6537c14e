package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mainEnv makes the test binary the program itself.
const mainEnv = "CLIRGATE_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(mainEnv) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func program(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), mainEnv+"=1")
	return cmd
}

func run(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := program(args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

const right = `
sip: {listen: ["udp:127.0.0.1:0"]}
peers: [{name: core, boundary: trusted, from: [127.0.0.1], to: ["sip:127.0.0.1:9"]}]
routes: [{emergency: true, to: core}, {prefix: "", to: core}]
admin: {listen: "127.0.0.1:0"}
`

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The life of a served gateway: ready, reloaded, a bad file refused, drained.
func TestServe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clirgate.yaml")
	write(t, file, right)
	cmd := program("serve", "--config", file)
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	log := bufio.NewReader(pipe)
	until := func(what string) string {
		t.Helper()
		for {
			line, err := log.ReadString('\n')
			if err != nil {
				t.Fatalf("log ended before %q: %v", what, err)
			}
			if strings.Contains(line, what) {
				return line
			}
		}
	}
	m := regexp.MustCompile(`"admin":"([^"]+)"`).FindStringSubmatch(until(`"msg":"ready"`))
	if m == nil {
		t.Fatal("does not say where the admin API is")
	}
	client := http.Client{Timeout: 10 * time.Second}
	get := func(path, token string) int {
		t.Helper()
		req, _ := http.NewRequest("GET", "http://"+m[1]+path, nil)
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		return res.StatusCode
	}
	if code := get("/healthz", ""); code != 200 {
		t.Errorf("healthz: %d", code)
	}

	// The other commands work beside it.
	token, errs, err := run(t, "token", "create", "--config", file, "--role", "noc", "--name", "alice")
	if err != nil {
		t.Fatalf("token: %v %s", err, errs)
	}
	if code := get("/v1/whoami", strings.TrimSpace(token)); code != 200 {
		t.Errorf("whoami with a new token: %d", code)
	}
	list, errs, err := run(t, "token", "list", "--config", file)
	id := regexp.MustCompile(`(?m)^(\w+) +noc +alice +valid `).FindStringSubmatch(list)
	if err != nil || id == nil || strings.Contains(list, strings.TrimSpace(token)) {
		t.Fatalf("token list: %v %s%s", err, list, errs)
	}
	if out, errs, err := run(t, "token", "revoke", "--config", file, id[1]); err != nil || out != "" {
		t.Errorf("token revoke: %v %s%s", err, out, errs)
	}
	if code := get("/v1/whoami", strings.TrimSpace(token)); code != 401 {
		t.Errorf("whoami with a token that was taken back: %d", code)
	}
	if out, errs, err := run(t, "records", "--config", file); err != nil || out != "" {
		t.Errorf("records: %v %s%s", err, out, errs)
	}
	if out, errs, err := run(t, "keys", "rotate", "--master", "--config", file); err != nil || !strings.Contains(out, "a new master key") {
		t.Errorf("keys rotate --master: %v %s%s", err, out, errs)
	}
	if out, errs, err := run(t, "keys", "rotate", "--config", file); err != nil || strings.Count(out, "\n") != 4 {
		t.Errorf("keys rotate: %v %s%s", err, out, errs)
	}

	signal := func(s syscall.Signal) {
		t.Helper()
		if err := cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	signal(syscall.SIGHUP)
	until("configuration reloaded")
	write(t, file, right+"nonsense: 1\n")
	signal(syscall.SIGHUP)
	if line := until("configuration refused"); !strings.Contains(line, ":6:1: nonsense: unknown key") {
		t.Errorf("refused with %s", line)
	}
	write(t, file, strings.Replace(right, "udp:127.0.0.1:0", "udp:127.0.0.1:1", 1))
	signal(syscall.SIGHUP)
	if line := until("the old one stays"); !strings.Contains(line, "sip.listen can only change with a restart") {
		t.Errorf("refused with %s", line)
	}
	if code := get("/healthz", ""); code != 200 {
		t.Errorf("healthz: %d", code)
	}
	signal(syscall.SIGTERM)
	until(`"msg":"stopped"`)
	if err := cmd.Wait(); err != nil {
		t.Errorf("exit: %v", err)
	}
}

func TestCheckCommand(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clirgate.yaml")
	write(t, file, right)
	if out, _, err := run(t, "check", "--config", file); err != nil || !strings.Contains(out, "is right") {
		t.Errorf("%v: %s", err, out)
	}
	write(t, file, "peers: [{name: a, boundary: b}]\nroutes: [{to: c}]")
	out, errs, err := run(t, "check", "--config", file)
	if err == nil || !strings.Contains(out, "clirgate.yaml:1:19: peers[0].boundary: this boundary is unknown") ||
		!strings.Contains(out, ":2:11: routes[0].to: there is no peer") || !strings.Contains(errs, "2 errors") {
		t.Errorf("%v\n%s%s", err, out, errs)
	}
	if _, errs, err := run(t, "serve", "--config", file); err == nil || !strings.Contains(errs, "boundary is unknown") {
		t.Errorf("served: %v %s", err, errs)
	}
}

func TestCommands(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clirgate.yaml")
	write(t, file, right)
	for _, c := range []struct {
		args string
		want string // "" or what stdout holds; "!" and what stderr holds when it fails
	}{
		{"version", "clirgate"},
		{"keys list --config " + file, "current"},
		{"token create --role king --name a --config " + file, "!role"},
		{"token revoke nobody --config " + file, "!there is no token nobody"},
		{"token list --config " + file, "ID"},
		{"records --from yesterday --config " + file, "!is no time"},
		{"records --config " + file, "!cannot open"},
		{"records --open --config " + file, "!--reason"},
		{"records verify --config " + file, "!cannot open"},
		{"records salvage --config " + file, "there is no damaged database"},
		{"records verify --config " + file, "0 records"},
		{"records verify --config " + file, "verdict: whole"},
		{"keys rotate --master --config " + file, "a new master key"},
		{"keys list --config " + file, "wrapped with master key"},
		{"serve --config " + file + ".none", "!cannot read configuration"},
		{"serve", "!--config"},
	} {
		out, errs, err := run(t, strings.Fields(c.args)...)
		want, fails := strings.CutPrefix(c.want, "!")
		if fails != (err != nil) || !strings.Contains(out+errs, want) {
			t.Errorf("%s: %v\n%s%s", c.args, err, out, errs)
		}
	}
}

func TestDemoCommand(t *testing.T) {
	out, errs, err := run(t, "demo", "--once", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
	if err != nil || !strings.Contains(out, "112 saw") {
		t.Errorf("%v\n%s%s", err, out, errs)
	}
}
