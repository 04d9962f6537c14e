package resolve

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/miekg/dns"
)

const udpSize = 1232 // bytes of an answer over UDP that pass everywhere unfragmented

// asker puts questions to servers.
type asker struct {
	servers []string
	try     time.Duration
	tries   int
}

// ask returns the first answer that settles the question (NOERROR or NXDOMAIN).
func (a *asker) ask(ctx context.Context, m *dns.Msg) (*dns.Msg, error) {
	failed := ErrTimeout
	for range a.tries {
		for _, server := range a.servers {
			if ctx.Err() != nil {
				return nil, failed
			}
			reply, err := a.exchange(ctx, m, server)
			switch {
			case err != nil && (isTimeout(err) || ctx.Err() != nil):
			case err != nil || !sameQuestion(m, reply):
				failed = ErrServer
			case reply.Rcode == dns.RcodeSuccess || reply.Rcode == dns.RcodeNameError:
				return reply, nil
			default:
				failed = ErrServer
			}
		}
	}
	return nil, failed
}

// exchange asks one server, over TCP if the answer does not fit.
func (a *asker) exchange(ctx context.Context, m *dns.Msg, server string) (*dns.Msg, error) {
	m.Id = dns.Id()
	c := dns.Client{Net: "udp", Timeout: a.try, UDPSize: udpSize}
	reply, err := exchangeOver(ctx, &c, m, server)
	if err == nil && reply.Truncated {
		c.Net = "tcp"
		reply, err = exchangeOver(ctx, &c, m, server)
	}
	return reply, err
}

// exchangeOver is Client.ExchangeContext that also ends when ctx is cancelled.
func exchangeOver(ctx context.Context, c *dns.Client, m *dns.Msg, server string) (*dns.Msg, error) {
	conn, err := c.DialContext(ctx, server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	reply, _, err := c.ExchangeWithConnContext(ctx, m, conn)
	return reply, err
}

func sameQuestion(m, reply *dns.Msg) bool {
	return len(reply.Question) == 1 &&
		reply.Question[0].Qtype == m.Question[0].Qtype &&
		dns.CanonicalName(reply.Question[0].Name) == m.Question[0].Name
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &ne) && ne.Timeout()
}
