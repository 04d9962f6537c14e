package gateway_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"clirgate/cmd/clirgate/gateway"
	"clirgate/trace"
	"clirgate/trace/keyring"
)

// within waits until something is so.
func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// kept counts the records there are, readable or not, and those that can be read.
func kept(g *gateway.Gateway) (all, readable int, err error) {
	from, to := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	_ = g.Records().ScanClosed(from, to, func(*trace.Record) bool { all++; return true })
	err = g.Records().Scan(from, to, func(r *trace.Record) bool {
		if r.Calling != 0 {
			readable++
		}
		return true
	})
	return all, readable, err
}

const message = "sip:0201234567@127.0.0.1"

// The master key is lost, wrong, and back again: no call stops, every record is kept,
// and all can be read in the end.
func TestMasterKeyAway(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "data.master")
	g, _ := start(t, literal, dir)
	ask(t, g, "MESSAGE", message)
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the master key beside the data directory: %v %v", info, err)
	}
	right, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	for i, wrong := range []string{"", strings.Repeat("ab", keyring.Size), "nonsense"} {
		if err := os.Remove(key); err != nil {
			t.Fatal(err)
		}
		if wrong != "" {
			if err := os.WriteFile(key, []byte(wrong), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		g, log := start(t, literal, dir)
		ask(t, g, "MESSAGE", message)
		within(t, "the record is kept", func() bool { all, _, _ := kept(g); return all == i+2 })
		if _, readable, err := kept(g); readable > 1 || !errors.Is(err, trace.ErrSealed) {
			t.Errorf("%q: %d records can be read, %v", wrong, readable, err)
		}
		code, text := read(t, g, "/readyz", newToken(t, g))
		if code != 503 || !strings.Contains(text, "master key") || !strings.Contains(log.String(), "key ring of records") {
			t.Errorf("%q: the alarm is not raised: %d %s", wrong, code, text)
		}
		if _, text := read(t, g, "/metrics", newToken(t, g)); !strings.Contains(text, "clirgate_master_key 0") {
			t.Errorf("%q: no metric says so", wrong)
		}
		if err := os.WriteFile(key, right, 0o600); err != nil {
			t.Fatal(err)
		}
		if i == 1 { // stopped while the key was away: the records' keys wait in escrow
			if err := g.Close(); err != nil {
				t.Fatal(err)
			}
			g, _ = start(t, literal, dir)
		} else if err := g.Reload(parse(t, literal, dir)); err != nil { // SIGHUP: asked again at once
			t.Fatal(err)
		}
		within(t, "all can be read", func() bool { _, readable, err := kept(g); return readable == i+2 && err == nil })
		if code := get(t, g, "/readyz", newToken(t, g)); code != 200 {
			t.Errorf("%q: ready with the key: %d", wrong, code)
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A master key that has never been there: calls go on without records, counted, until it
// comes.
func TestMasterKeyNeverThere(t *testing.T) {
	dir := t.TempDir()
	printed := filepath.Join(dir, "vault")
	text := literal + "trace: {master_command: \"cat '" + printed + "'\"}\n"
	g, log := start(t, text, dir)
	if got := ask(t, g, "MESSAGE", message); strings.HasPrefix(got, "SIP/2.0 403") {
		t.Errorf("%.40s", got)
	}
	within(t, "the call is counted", func() bool { return strings.Contains(log.String(), "calls went on without a record") })
	if all, _, _ := kept(g); all != 0 {
		t.Errorf("%d records kept that nobody could ever read", all)
	}
	if err := os.WriteFile(printed, []byte(strings.Repeat("01", keyring.Size)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := g.Reload(parse(t, text, dir)); err != nil {
		t.Fatal(err)
	}
	within(t, "the record comes down late", func() bool { _, readable, err := kept(g); return readable == 1 && err == nil })
}

// The master key is rotated, and moved from a file to a command, while the gateway runs.
func TestMasterKeyRotated(t *testing.T) {
	dir := t.TempDir()
	key := filepath.Join(dir, "data.master")
	g, _ := start(t, literal, dir)
	ask(t, g, "MESSAGE", message)
	before, _ := os.ReadFile(key)
	if err := gateway.RotateMaster(t.Context(), parse(t, literal, dir)); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(key); string(after) == string(before) {
		t.Error("still the old master key")
	}
	ask(t, g, "MESSAGE", message)
	text := literal + "trace: {master_command: \"echo " + strings.Repeat("02", keyring.Size) + "\"}\n"
	if err := g.Reload(parse(t, literal+"trace: {master_command: \"exit 1\"}\n", dir)); !errors.Is(err, keyring.ErrMaster) {
		t.Errorf("a command that fails: %v", err)
	}
	if err := g.Reload(parse(t, text, dir)); err != nil {
		t.Fatal(err)
	}
	ask(t, g, "MESSAGE", message)
	within(t, "all can be read", func() bool { _, readable, err := kept(g); return readable == 3 && err == nil })
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if err := gateway.RotateMaster(t.Context(), parse(t, text, dir)); !errors.Is(err, keyring.ErrMaster) {
		t.Errorf("without a gateway, a command that prints the same key: %v", err)
	}
	g, _ = start(t, text, dir)
	if _, readable, err := kept(g); readable != 3 || err != nil {
		t.Errorf("%d records can be read with the command's key, %v", readable, err)
	}
}

// A ring that cannot be read is set aside, and calls go on with a new one.
func TestDamagedRing(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	for _, name := range []string{gateway.RingFile, gateway.RingFile + ".copy"} {
		if err := errors.Join(os.MkdirAll(data, 0o700), os.WriteFile(filepath.Join(data, name), []byte("no ring"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	g, log := start(t, literal, dir)
	ask(t, g, "MESSAGE", message)
	within(t, "the record is kept", func() bool { _, readable, err := kept(g); return readable == 1 && err == nil })
	if aside, _ := filepath.Glob(filepath.Join(data, gateway.RingFile+".damaged-*")); len(aside) != 2 || !strings.Contains(log.String(), "a new ring begun") {
		t.Errorf("set aside: %v", aside)
	}
}

// A disk that cannot keep the ring is an alarm like any other.
func TestRingInTheWay(t *testing.T) {
	dir := t.TempDir()
	lock := filepath.Join(dir, "data", gateway.RingFile+".lock")
	if err := os.MkdirAll(lock, 0o700); err != nil {
		t.Fatal(err)
	}
	g, log := start(t, literal, dir)
	ask(t, g, "MESSAGE", message)
	within(t, "the call is counted", func() bool { return strings.Contains(log.String(), "calls went on without a record") })
	if err := os.Remove(lock); err != nil {
		t.Fatal(err)
	}
	if err := g.Reload(parse(t, literal, dir)); err != nil {
		t.Fatal(err)
	}
	within(t, "the record comes down late", func() bool { _, readable, err := kept(g); return readable == 1 && err == nil })
}
