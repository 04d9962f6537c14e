package resolve

import (
	"cmp"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"clirgate/sip/transport"
)

// plan is the answer to a query as the cache keeps it: everything but the draw.
type plan struct {
	services   []service // in order of preference
	expires    time.Time
	known      time.Time // until when a server has vouched for it
	refresh    time.Time // asked again from here on, while it serves on
	refreshing atomic.Bool
}

// service is one transport and the hosts that offer it, by rising priority, within a
// priority those of weight 0 first (RFC 2782).
type service struct {
	net   transport.Network
	hosts []host
}

type host struct {
	priority, weight uint16
	port             uint16
	addrs            []netip.Addr
}

const maxHosts = 64 // of one priority; the draw marks them in a word

func newPlan(services []service, now time.Time, ttl time.Duration) *plan {
	for _, s := range services {
		slices.SortStableFunc(s.hosts, func(a, b host) int {
			return cmp.Or(cmp.Compare(a.priority, b.priority), cmp.Compare(a.weight, b.weight))
		})
	}
	p := (&plan{services: services}).again(now, max(ttl, minTTL))
	p.known = p.expires
	return p
}

// again is p with a new time to live, though no server has vouched for it.
func (p *plan) again(now time.Time, ttl time.Duration) *plan {
	return &plan{services: p.services, known: p.known, expires: now.Add(ttl), refresh: now.Add(ttl - ttl/8)}
}

// appendTargets appends in the order to try.
func (p *plan) appendTargets(dst []Target, rand func(uint64) uint64) []Target {
	for i := range p.services {
		s := &p.services[i]
		for from := 0; from < len(s.hosts); {
			to := from + 1
			for to < len(s.hosts) && s.hosts[to].priority == s.hosts[from].priority {
				to++
			}
			dst = s.draw(dst, s.hosts[from:min(to, from+maxHosts)], rand)
			from = to
		}
	}
	return dst
}

// draw orders hosts of one priority at random by weight: each time a number up to and
// including the sum of what is left, and the first host whose running sum reaches it.
func (s *service) draw(dst []Target, hosts []host, rand func(uint64) uint64) []Target {
	sum := uint64(0)
	for _, h := range hosts {
		sum += uint64(h.weight)
	}
	var used uint64
	for range hosts {
		aim, running := rand(sum+1), uint64(0)
		for i, h := range hosts {
			if used>>i&1 == 1 {
				continue
			}
			if running += uint64(h.weight); running < aim {
				continue
			}
			used |= 1 << i
			sum -= uint64(h.weight)
			for _, a := range h.addrs {
				dst = append(dst, Target{s.net, netip.AddrPortFrom(a, h.port)})
			}
			break
		}
	}
	return dst
}
