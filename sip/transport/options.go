package transport

import (
	"cmp"
	"crypto/tls"
	"net/netip"
	"runtime"
	"time"
)

// Listener is one address to listen on.
type Listener struct {
	Net       Network
	Address   netip.AddrPort // port 0: any free one
	Advertise string         // host:port for Via, Contact, Record-Route; empty: the bound address
}

// Options of the layer; zero values mean the defaults in brackets.
type Options struct {
	Listeners []Listener
	Sockets   int // UDP sockets a listener, SO_REUSEPORT [half of GOMAXPROCS]
	// Readers: GOMAXPROCS has one more for every UDP socket, so that its reader may keep
	// its place with the scheduler while it rests, which spares all others the wake-ups.
	Readers     bool
	MaxMessage  int           // bytes [65535]
	MaxConns    int           // streams at once; at the limit an idle one goes, else the new one is refused [10000]
	Idle        time.Duration // stream without traffic is closed [10 min]
	Slow        time.Duration // longest time from the first to the last byte of a message, and to take ours [10 s]
	DialTimeout time.Duration // connecting, TLS handshake included [3 s]
	TLS         *tls.Config   // server side of TLS listeners
	TLSClient   *tls.Config   // [TLS 1.2 or later, system roots]

	// ServerName gives the name a TLS peer's certificate must bear (RFC 5922 4);
	// nil or empty answer: its address, unless TLSClient has a ServerName.
	ServerName func(remote netip.AddrPort) string

	// Waited, if any, is told how long the oldest datagram of every batch, and what was
	// read last of a stream, had waited in the system for us, on the reading goroutine.
	// UDP sockets are numbered through all listeners, each a queue; then come all streams
	// as one queue, and streams as some queues more. Where the system does not tell,
	// nobody is told.
	Waited func(queue int, wait time.Duration, now time.Time)
}

const (
	maxUDP     = 65507 // largest payload of a UDP datagram over IPv4
	maxSockets = 64    // UDP sockets a listener
)

// defaultSockets leaves half of the processors to the record's commits, the collector and
// the kernel. More readers find fewer messages at each beat: with two on two processors a
// call costs a sixth more.
func defaultSockets() int { return max(runtime.GOMAXPROCS(0)/2, 1) }

func (o Options) withDefaults() Options {
	o.Sockets = min(cmp.Or(max(o.Sockets, 0), defaultSockets()), maxSockets)
	o.MaxMessage = cmp.Or(max(o.MaxMessage, 0), 65535)
	o.MaxConns = cmp.Or(max(o.MaxConns, 0), 10000)
	o.Idle = cmp.Or(max(o.Idle, 0), 10*time.Minute)
	o.Slow = cmp.Or(max(o.Slow, 0), 10*time.Second)
	o.DialTimeout = cmp.Or(max(o.DialTimeout, 0), 3*time.Second)
	if o.TLSClient == nil {
		o.TLSClient = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return o
}
