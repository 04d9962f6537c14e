package demo

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"

	"clirgate/cmd/clirgate/config"
	"clirgate/cmd/clirgate/gateway"
	"clirgate/sip/transport"
)

// The lines of the demonstration.
const (
	callerLine    = "+31612345678"
	permanentLine = "+31612345679"
	calleeLine    = "0201234567"
)

// setting is the gateway's configuration, with places for addresses.
const setting = `
node: demo
home: {country: NL}
emergency: {numbers: ["112"]}
sip: {listen: ["udp:GATEWAY", "tcp:GATEWAY"]}
peers:
  - name: phones
    boundary: access
    access: fixed
    from: ["CALLER"]
    to: ["sip:CALLER"]
    numbers: ["+3161234"]
    default: "+31612340000"
  - {name: callee, boundary: access, from: ["CALLEE"], to: ["sip:CALLEE"], numbers: ["+3120123"], default: "+31201234567"}
  - {name: psap, boundary: emergency, from: ["PSAP"], to: ["sip:PSAP"]}
routes:
  - {emergency: true, to: psap}
  - {prefix: "", to: callee}
data: DATA
admin: {listen: "ADMIN"}
`

// stage is the gateway and everybody around it.
type stage struct {
	o                    Options
	sip                  string // the gateway's address
	caller, callee, psap *phone
	gateway              *gateway.Gateway
}

func newStage(o Options) (*stage, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &stage{o: o}
	for _, p := range []struct {
		phone **phone
		name  string
		addr  string
	}{{&s.caller, "caller", "127.0.0.1:5180"}, {&s.callee, "callee", "127.0.0.1:5170"}, {&s.psap, "psap", "127.0.0.1:5190"}} {
		var err error
		if *p.phone, err = newPhone(p.name, p.addr); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	sip := s.free(o.Gateway, "udp", "tcp")
	api := s.free(o.Admin, "tcp")
	data, err := filepath.Abs(o.Data)
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	text := strings.NewReplacer("GATEWAY", sip, "ADMIN", api, "CALLER", s.caller.addr, "CALLEE", s.callee.addr,
		"PSAP", s.psap.addr, "DATA", fmt.Sprintf("%q", data)).Replace(setting)
	cfg, problems := config.Parse([]byte(text), "demo", data)
	if fatal := problems.Fatal(); len(fatal) > 0 {
		return nil, errors.Join(fatal, s.close())
	}
	if s.gateway, err = gateway.New(cfg, gateway.WithLog(o.Log)); err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.gateway.Start()
	s.sip = s.gateway.Addr(transport.UDP).String()
	return s, nil
}

func (s *stage) close() error {
	var errs []error
	for _, p := range []*phone{s.caller, s.callee, s.psap} {
		if p != nil {
			errs = append(errs, p.close())
		}
	}
	if s.gateway != nil {
		errs = append(errs, s.gateway.Close())
	}
	return errors.Join(errs...)
}

// free is addr when its port is free on the networks, else one with another port, and
// says so.
func (s *stage) free(addr string, networks ...string) string {
	if isFree(addr, networks...) {
		return addr
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr // the gateway will say what is wrong with it
	}
	for range 20 {
		l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
		if err != nil {
			return addr
		}
		other := l.Addr().String()
		_ = l.Close()
		if isFree(other, networks...) {
			if port != "0" {
				fmt.Fprintf(s.o.Out, "Port %s is taken (choose another with a flag, see --help): using %s instead.\n", addr, other)
			}
			return other
		}
	}
	return addr
}

func isFree(addr string, networks ...string) bool {
	if _, port, err := net.SplitHostPort(addr); err != nil || port == "0" {
		return false
	}
	for _, n := range networks {
		var c io.Closer
		var err error
		if n == "udp" {
			c, err = net.ListenPacket(n, addr)
		} else {
			c, err = net.Listen(n, addr)
		}
		if err != nil {
			return false
		}
		_ = c.Close()
	}
	return true
}
