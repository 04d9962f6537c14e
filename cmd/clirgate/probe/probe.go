// Package probe calls through the gateway to itself, as a sipgo user agent, and says
// whether the two promises hold: 112 sees the number of a caller who withholds it, and
// nobody else does. Its three user agents have sockets of their own; the gateway is told
// their addresses and lets calls of this caller reach these callees only, and calls of
// nobody else.
package probe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

// Kind is what a call proves.
type Kind uint8

const (
	Emergency Kind = iota // 112 is reached and sees the number
	Withheld              // somebody else does not
)

// Kinds are all.
var Kinds = [...]Kind{Emergency, Withheld}

func (k Kind) String() string { return [...]string{"emergency", "withheld"}[k] }

// Options of a Probe.
type Options struct {
	Gateway   netip.AddrPort // where it listens, UDP
	Number    string         // of the caller, E.164
	Emergency string         // what is dialled to reach an emergency service
	Every     time.Duration
	Log       *slog.Logger
	Patience  time.Duration // for one call [5 s]
}

// Result is what the last calls of a kind said.
type Result struct {
	Ran      bool // some call has ended
	OK       bool
	Reason   string        // why not; never a number
	Since    time.Time     // when it became so
	LastOK   time.Time     // when one ended well last; zero: none has
	Took     time.Duration // the last call
	Failures uint64
}

// Probe makes the calls. Safe for concurrent use.
type Probe struct {
	o                    Options
	caller, psap, callee *phone
	ctx                  context.Context
	cancel               context.CancelCauseFunc
	work                 sync.WaitGroup
	stop                 chan struct{} // closed by Close: no further calls
	closing              sync.Once
	closed               error
	made                 time.Time

	mu      sync.Mutex
	results [len(Kinds)]Result
}

// failure is what a call failed of.
type failure string

func (f failure) Error() string { return string(f) }

// lost is what a call failed of that was not seen to come back.
type lost string

func (l lost) Error() string { return string(l) }

// errBusy is 503 with Retry-After: what a gateway that is overloaded or drained says.
var errBusy = errors.New("it was refused, as if there were too many calls")

// New opens the sockets, on the address that the gateway listens at.
func New(o Options) (*Probe, error) {
	if o.Patience <= 0 {
		o.Patience = 5 * time.Second
	}
	p := &Probe{o: o, made: time.Now(), stop: make(chan struct{})}
	for _, at := range []**phone{&p.caller, &p.psap, &p.callee} {
		var err error
		if *at, err = newPhone(o.Gateway.Addr()); err != nil {
			return nil, errors.Join(fmt.Errorf("probe: %w", err), p.closePhones())
		}
	}
	p.ctx, p.cancel = context.WithCancelCause(context.Background())
	return p, nil
}

// Caller, PSAP and Callee are where its user agents are.
func (p *Probe) Caller() netip.AddrPort { return p.caller.addr }
func (p *Probe) PSAP() netip.AddrPort   { return p.psap.addr }
func (p *Probe) Callee() netip.AddrPort { return p.callee.addr }

// Start begins to call, at once and then at every interval.
func (p *Probe) Start() {
	p.work.Go(func() {
		tick := time.NewTicker(p.o.Every)
		defer tick.Stop()
		for {
			p.round()
			select {
			case <-p.stop:
				return
			case <-tick.C:
			}
		}
	})
}

// Result is what is known of a kind.
func (p *Probe) Result(k Kind) Result {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.results[k]
}

// Age is how long ago a call of a kind last ended well; while none has, the probe's own age.
func (p *Probe) Age(k Kind) time.Duration {
	at := p.Result(k).LastOK
	if at.IsZero() {
		at = p.made
	}
	return time.Since(at)
}

// lastCall bounds how long Close waits for calls under way: what is sent to or from a
// closed socket makes sipgo open it again.
const lastCall = 2 * time.Second

// Close lets a call under way end, and closes the sockets. The gateway must still work.
func (p *Probe) Close() error {
	p.closing.Do(func() {
		close(p.stop)
		cut := time.AfterFunc(lastCall, func() { p.cancel(sipgo.WaitAnswerForceCancelErr) })
		p.work.Wait()
		cut.Stop()
		p.cancel(sipgo.WaitAnswerForceCancelErr)
		p.closed = p.closePhones()
	})
	return p.closed
}

func (p *Probe) closePhones() error {
	var errs []error
	for _, phone := range []*phone{p.caller, p.psap, p.callee} {
		if phone != nil {
			errs = append(errs, phone.close())
		}
	}
	return errors.Join(errs...)
}

// round makes a call of each kind. The one to 112 only follows when the other came to our
// own callee: then whoever listens at the gateway's address is this gateway, which knows
// this caller, and not another process that would take it to an emergency service.
func (p *Probe) round() {
	err := p.try(Withheld, p.withheld)
	var gone lost
	switch {
	case errors.Is(err, errBusy), p.ctx.Err() != nil:
	case errors.As(err, &gone):
		p.note(Emergency, failure("it was not made, for the other call did not come back to the gateway"), 0)
	default:
		_ = p.try(Emergency, p.emergency)
	}
}

// try makes one call and keeps what it said.
func (p *Probe) try(k Kind, call func(context.Context) error) error {
	began := time.Now()
	// sipgo waits for its timer B unless this is the cause.
	ctx, cancel := context.WithTimeoutCause(p.ctx, p.o.Patience, sipgo.WaitAnswerForceCancelErr)
	defer cancel()
	err := call(ctx)
	if p.ctx.Err() == nil && (k == Emergency || !errors.Is(err, errBusy)) { // 112 is never refused
		p.note(k, err, time.Since(began))
	}
	return err
}

// note keeps a result; what changes goes to the log.
func (p *Probe) note(k Kind, err error, took time.Duration) {
	reason := ""
	if err != nil {
		reason = err.Error()
	}
	p.mu.Lock()
	r := &p.results[k]
	changed := !r.Ran || r.OK != (err == nil) || r.Reason != reason
	if !r.Ran || r.OK != (err == nil) {
		r.Since = time.Now()
	}
	r.Ran, r.OK, r.Reason, r.Took = true, err == nil, reason, took
	if err != nil {
		r.Failures++
	} else {
		r.LastOK = time.Now()
	}
	p.mu.Unlock()
	switch {
	case !changed:
	case err == nil:
		p.o.Log.Info("probe call", "probe", k.String(), "ok", true)
	default:
		p.o.Log.Error("probe call", "probe", k.String(), "ok", false, "reason", reason)
	}
}

// emergency: the caller withholds in every way there is, and is shown.
func (p *Probe) emergency(ctx context.Context) error {
	seen, _, err := p.through(ctx, p.psap, "*31*"+p.o.Emergency)
	if err != nil {
		return err
	}
	from, asserted := seen.From(), seen.GetHeaders("P-Asserted-Identity")
	switch {
	case seen.Recipient.User != p.o.Emergency:
		return failure("it came for another destination than the emergency number")
	case len(asserted) == 0 || !strings.Contains(asserted[0].Value(), p.o.Number):
		return failure("P-Asserted-Identity does not show the caller's number")
	case from == nil || from.Address.User != p.o.Number:
		return failure("From does not show the caller's number")
	case seen.GetHeader("Privacy") != nil:
		return failure("it asks for privacy")
	}
	return nil
}

// nobody is a number of a country that does not exist (ITU-T E.164, 999): no subscriber's
// services bear upon a call to it.
const nobody = "+999000000000"

// withheld: the caller withholds, and nothing that is received tells who he is.
func (p *Probe) withheld(ctx context.Context) error {
	seen, raw, err := p.through(ctx, p.callee, "*31*"+nobody)
	if err != nil {
		return err
	}
	switch from := seen.From(); {
	case shown(raw, p.o.Number):
		return failure("the withheld number was shown")
	case from == nil || from.Address.User != "anonymous" || from.Address.Host != "anonymous.invalid":
		return failure("From is not anonymous")
	case seen.GetHeader("P-Asserted-Identity") != nil:
		return failure("it has P-Asserted-Identity")
	}
	return nil
}

// through makes a call and answers the INVITE as a callee got it, with every byte that came
// there.
func (p *Probe) through(ctx context.Context, to *phone, dialled string) (*sip.Request, []byte, error) {
	to.forget()
	if err := p.caller.call(ctx, p.o.Gateway, dialled); err != nil {
		return nil, nil, err
	}
	var seen *sip.Request
	select {
	case seen = <-to.rang:
	case <-ctx.Done():
		return nil, nil, lost("somebody else answered it")
	}
	for _, told := range []chan struct{}{to.acked, to.ended} {
		select {
		case <-told:
		case <-ctx.Done():
			return nil, nil, lost("the callee was not told of its answer's arrival, or of its end")
		}
	}
	return seen, to.conn.take(), nil
}
