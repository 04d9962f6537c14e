package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/term"

	"clirgate/cmd/clirgate/config"
	"clirgate/cmd/clirgate/gateway"
	"clirgate/store/pebble"
)

type recordsVerify struct {
	file
	Dir string `type:"path" help:"Another database than the one in the data directory: a backup, or one that was set aside." placeholder:"DIR"`
}

// Run reads all there is, tells on standard error how far it is, and the verdict on
// standard output.
func (c *recordsVerify) Run() error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second one ends it at once
	p := verifyProgress{w: os.Stderr, terminal: term.IsTerminal(int(os.Stderr.Fd())), now: time.Now}
	defer p.end()
	out := &afterProgress{os.Stdout, &p}
	return gateway.VerifyRecords(ctx, out, cfg, cmp.Or(c.Dir, filepath.Join(cfg.Data, gateway.RecordsFolder)), p.show)
}

// How often it is told how far it is: on a terminal in one line, elsewhere in lines.
const (
	verifyRedraw = 200 * time.Millisecond
	verifyLine   = 30 * time.Second
)

// verifyProgress tells how far it is.
type verifyProgress struct {
	w        io.Writer
	terminal bool
	now      func() time.Time
	at       string
	told     time.Time
	open     bool // a line on the terminal is not ended
}

func (p *verifyProgress) show(l pebble.Looked) {
	every := verifyLine
	if p.terminal {
		every = verifyRedraw
	}
	now := p.now()
	if l.At == p.at && now.Sub(p.told) < every {
		return
	}
	p.at, p.told = l.At, now
	text := fmt.Sprintf("%s: %d", l.At, l.Done)
	if l.Of > 0 {
		text = fmt.Sprintf("%s: %d of %d (%d%%)", l.At, l.Done, l.Of, min(l.Done*100/l.Of, 100))
	}
	if !p.terminal {
		fmt.Fprintln(p.w, text)
		return
	}
	p.open = true
	fmt.Fprint(p.w, "\r\x1b[K"+text)
}

// end takes the line away.
func (p *verifyProgress) end() {
	if p.open {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
	p.open = false
}

// afterProgress writes where the line that tells how far it is was.
type afterProgress struct {
	io.Writer
	p *verifyProgress
}

func (a *afterProgress) Write(b []byte) (int, error) {
	a.p.end()
	return a.Writer.Write(b)
}
