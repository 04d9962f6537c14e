package resolve

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"clirgate/sip/transport"
)

const (
	maxAliases  = 8  // CNAMEs followed
	maxServices = 8  // NAPTR records followed
	maxTargets  = 32 // SRV records followed, a service
)

// finder walks the procedure of RFC 3263 section 4 for one query.
type finder struct {
	r   *Resolver
	ctx context.Context
	ttl time.Duration // shortest of what was learned
}

// srvNames are the labels to ask SRV for; UDP first (RFC 3263 4.1 leaves the order to us).
var srvNames = []struct {
	net    transport.Network
	secure bool
	labels string
}{
	{transport.UDP, false, "_sip._udp."},
	{transport.TCP, false, "_sip._tcp."},
	{transport.TLS, true, "_sips._tcp."},
}

// services finds where q leads to.
func (f *finder) services(q Query) ([]service, error) {
	n, fixed := q.network(false)
	switch {
	case fixed && !f.r.supports(n) || !validHost(q.Host):
		return nil, nil
	case q.Port != 0: // 4.2: addresses only
		return f.addresses(q, n)
	case fixed:
		return f.named(q, n)
	}
	if services, err := f.naptr(q); err != nil || len(services) > 0 {
		return services, err
	}
	return f.named(q, 0)
}

// naptr asks which services the domain offers and follows those we can use.
func (f *finder) naptr(q Query) ([]service, error) {
	rrs, err := f.ask(q.Host, dns.TypeNAPTR)
	if errors.Is(err, ErrServer) { // many servers do not know the type
		f.learned(negativeTTL)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	offers := make([]*dns.NAPTR, 0, len(rrs))
	for _, rr := range rrs {
		if o := rr.(*dns.NAPTR); f.offered(o, q.Secure) != 0 {
			offers = append(offers, o)
		}
	}
	slices.SortStableFunc(offers, func(a, b *dns.NAPTR) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Preference, b.Preference))
	})
	var services []service
	for _, o := range offers[:min(len(offers), maxServices)] {
		s, err := f.srv(o.Replacement, f.offered(o, q.Secure))
		if err != nil {
			return nil, err
		}
		services = append(services, s...)
	}
	return services, nil
}

// offered is the transport of a NAPTR record, 0 if it is of no use for the query.
func (f *finder) offered(o *dns.NAPTR, secure bool) transport.Network {
	if !strings.EqualFold(o.Flags, "s") {
		return 0
	}
	var n transport.Network
	switch strings.ToUpper(o.Service) {
	case "SIP+D2U":
		n = transport.UDP
	case "SIP+D2T":
		n = transport.TCP
	case "SIPS+D2T":
		n = transport.TLS
	}
	if n == 0 || !f.r.supports(n) || secure && n != transport.TLS {
		return 0
	}
	return n
}

// named asks SRV under the names made from the domain, for one transport or (0) all
// that suit, and, when there is none, the addresses of the domain itself.
func (f *finder) named(q Query, only transport.Network) ([]service, error) {
	var services []service
	for _, s := range srvNames {
		if only != 0 && s.net != only || only == 0 && s.secure != q.Secure || !f.r.supports(s.net) {
			continue
		}
		found, err := f.srv(s.labels+q.Host, s.net)
		if err != nil {
			return nil, err
		}
		services = append(services, found...)
	}
	if len(services) > 0 {
		return services, nil
	}
	if only == 0 {
		only = transport.UDP
		if q.Secure {
			only = transport.TLS
		}
	}
	return f.addresses(q, only)
}

// srv gives the service that SRV records at name describe, at most one. A target of
// "." says that it is not offered.
func (f *finder) srv(name string, n transport.Network) ([]service, error) {
	rrs, err := f.ask(name, dns.TypeSRV)
	if err != nil {
		return nil, err
	}
	s := service{net: n}
	for _, rr := range rrs[:min(len(rrs), maxTargets)] {
		o := rr.(*dns.SRV)
		if o.Target == "." {
			continue
		}
		addrs, err := f.hostAddrs(o.Target)
		if err != nil {
			return nil, err
		}
		if len(addrs) > 0 {
			s.hosts = append(s.hosts, host{o.Priority, o.Weight, o.Port, addrs})
		}
	}
	if len(s.hosts) == 0 {
		return nil, nil
	}
	return []service{s}, nil
}

// addresses is q's host itself, by n.
func (f *finder) addresses(q Query, n transport.Network) ([]service, error) {
	if !f.r.supports(n) {
		return nil, nil
	}
	addrs, err := f.hostAddrs(q.Host)
	if err != nil || len(addrs) == 0 {
		return nil, err
	}
	return []service{{n, []host{{port: q.port(n), addrs: addrs}}}}, nil
}

// hostAddrs asks for A and AAAA; one of them is enough if the other fails.
func (f *finder) hostAddrs(name string) ([]netip.Addr, error) {
	types := []uint16{dns.TypeA, dns.TypeAAAA}
	if f.r.o.IPv6 {
		slices.Reverse(types)
	}
	var addrs []netip.Addr
	var failed error
	for _, t := range types {
		rrs, err := f.ask(name, t)
		if err != nil {
			failed = err
			continue
		}
		for _, rr := range rrs {
			if a, ok := addrOf(rr); ok {
				addrs = append(addrs, a)
			}
		}
	}
	if failed != nil && len(addrs) > 0 {
		f.learned(negativeTTL)
		failed = nil
	}
	return addrs, failed
}

func addrOf(rr dns.RR) (netip.Addr, bool) {
	var a netip.Addr
	var ok bool
	switch rr := rr.(type) {
	case *dns.A:
		a, ok = netip.AddrFromSlice(rr.A.To4())
	case *dns.AAAA:
		a, ok = netip.AddrFromSlice(rr.AAAA.To16())
	}
	return a, ok
}

func (f *finder) learned(ttl time.Duration) { f.ttl = min(f.ttl, ttl) }

// ask gives the records of a type at name, CNAMEs followed; none and no error when the
// name does not exist or has none.
func (f *finder) ask(name string, qtype uint16) ([]dns.RR, error) {
	name = dns.CanonicalName(name)
	for range maxAliases {
		m := new(dns.Msg).SetQuestion(name, qtype).SetEdns0(udpSize, false)
		reply, err := f.r.ask(f.ctx, m)
		if err != nil {
			return nil, err
		}
		final, rrs, ttl := answer(reply, name, qtype)
		f.learned(ttl)
		if len(rrs) > 0 || final == name || reply.Rcode == dns.RcodeNameError {
			return rrs, nil
		}
		name = final
	}
	return nil, nil
}

// answer follows name through the CNAMEs of a reply and collects the records at its
// end. ttl is the shortest seen, for an empty answer that of RFC 2308 5.
func answer(reply *dns.Msg, name string, qtype uint16) (final string, rrs []dns.RR, ttl time.Duration) {
	final, ttl = name, time.Duration(1<<63-1)
	for range maxAliases {
		alias := ""
		for _, rr := range reply.Answer {
			if dns.CanonicalName(rr.Header().Name) != final {
				continue
			}
			switch c, isAlias := rr.(*dns.CNAME); {
			case rr.Header().Rrtype == qtype:
				rrs = append(rrs, rr)
			case isAlias:
				alias = dns.CanonicalName(c.Target)
			default:
				continue
			}
			ttl = min(ttl, seconds(rr.Header().Ttl))
		}
		if len(rrs) > 0 || alias == "" {
			break
		}
		final = alias
	}
	if len(rrs) == 0 && (final == name || reply.Rcode == dns.RcodeNameError) {
		ttl = min(ttl, negative(reply))
	}
	return final, rrs, ttl
}

func negative(reply *dns.Msg) time.Duration {
	for _, rr := range reply.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			return min(seconds(soa.Hdr.Ttl), seconds(soa.Minttl), maxNegative)
		}
	}
	return negativeTTL
}

func seconds(n uint32) time.Duration { return time.Duration(n) * time.Second }
