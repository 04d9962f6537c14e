package probe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

var silence = sync.OnceFunc(func() { sip.SetDefaultLogger(slog.New(slog.DiscardHandler)) }) // it would log messages

// tap is a socket that remembers what came in: a message as parsed may lack what its bytes
// hold.
type tap struct {
	net.PacketConn
	ready chan struct{} // closed with the first read: sipgo sends from this socket from then on
	once  sync.Once

	mu  sync.Mutex
	got []byte
}

// mostKept bounds what a tap remembers of one call.
const mostKept = 1 << 20

func (t *tap) ReadFrom(b []byte) (int, net.Addr, error) {
	t.once.Do(func() { close(t.ready) })
	n, from, err := t.PacketConn.ReadFrom(b)
	t.mu.Lock()
	defer t.mu.Unlock()
	if n > 0 && len(t.got)+n <= mostKept {
		t.got = append(append(t.got, b[:n]...), '\n')
	}
	return n, from, err
}

// take is what came in since it was called last.
func (t *tap) take() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	got := t.got
	t.got = nil
	return got
}

// phone is a sipgo user agent on a socket of its own. It answers every call at once.
type phone struct {
	conn   *tap
	addr   netip.AddrPort
	ua     *sipgo.UserAgent
	dialog *sipgo.DialogUA
	rang   chan *sip.Request // the last call that came in
	acked  chan struct{}     // an ACK came
	ended  chan struct{}     // a BYE came
	served chan struct{}
}

func newPhone(at netip.Addr) (*phone, error) {
	silence()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(at, 0)))
	if err != nil {
		return nil, err
	}
	local := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	p := &phone{
		conn: &tap{PacketConn: conn, ready: make(chan struct{})}, addr: netip.AddrPortFrom(local.Addr().Unmap(), local.Port()),
		rang: make(chan *sip.Request, 1), acked: make(chan struct{}, 1), ended: make(chan struct{}, 1), served: make(chan struct{}),
	}
	if err := p.serve(); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return p, nil
}

func (p *phone) serve() (err error) {
	quiet := slog.New(slog.DiscardHandler)
	p.ua, err = sipgo.NewUA(sipgo.WithUserAgent("clirgate"),
		sipgo.WithUserAgentTransportLayerOptions(sip.WithTransportLayerLogger(quiet)),
		sipgo.WithUserAgentTransactionLayerOptions(sip.WithTransactionLayerLogger(quiet)))
	if err != nil {
		return err
	}
	client, err := sipgo.NewClient(p.ua, sipgo.WithClientHostname(host(p.addr)), sipgo.WithClientPort(int(p.addr.Port())),
		sipgo.WithClientConnectionAddr(p.addr.String()), sipgo.WithClientLogger(quiet))
	if err != nil {
		return errors.Join(err, p.ua.Close())
	}
	p.dialog = &sipgo.DialogUA{Client: client, ContactHDR: *p.contact()}
	server, err := sipgo.NewServer(p.ua, sipgo.WithServerLogger(quiet))
	if err != nil {
		return errors.Join(err, p.ua.Close())
	}
	server.OnInvite(p.answer)
	server.OnAck(func(*sip.Request, sip.ServerTransaction) { put(p.acked, struct{}{}) })
	server.OnBye(func(req *sip.Request, tx sip.ServerTransaction) {
		_ = tx.Respond(sip.NewResponseFromRequest(req, 200, "OK", nil))
		put(p.ended, struct{}{})
	})
	go func() {
		defer close(p.served)
		_ = server.ServeUDP(p.conn)
	}()
	<-p.conn.ready
	return nil
}

func (p *phone) contact() *sip.ContactHeader {
	return &sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: "probe", Host: host(p.addr), Port: int(p.addr.Port())}}
}

func (p *phone) answer(req *sip.Request, tx sip.ServerTransaction) {
	put(p.rang, req)
	res := sip.NewResponseFromRequest(req, 200, "OK", p.sdp())
	res.AppendHeader(p.contact())
	res.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	if tx.Respond(res) == nil {
		<-tx.Done() // sipgo ends the transaction when this returns
	}
}

// put replaces what nobody has taken.
func put[T any](c chan T, v T) {
	drain(c)
	select {
	case c <- v:
	default:
	}
}

func drain[T any](c chan T) {
	select {
	case <-c:
	default:
	}
}

// forget makes it ready for another call.
func (p *phone) forget() {
	drain(p.rang)
	drain(p.acked)
	drain(p.ended)
	p.conn.take()
}

func (p *phone) sdp() []byte {
	at := "IP4 " + p.addr.Addr().String()
	if p.addr.Addr().Is6() {
		at = "IP6 " + p.addr.Addr().String()
	}
	return fmt.Appendf(nil, "v=0\r\no=- 1 1 IN %s\r\ns=-\r\nc=IN %s\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\n", at, at)
}

// host is an address as it stands in a URI (RFC 3261 25.1).
func host(a netip.AddrPort) string {
	if a.Addr().Is6() {
		return "[" + a.Addr().String() + "]"
	}
	return a.Addr().String()
}

// call dials through the gateway, anonymously, and hangs up when it is answered.
func (p *phone) call(ctx context.Context, gateway netip.AddrPort, dialled string) error {
	req := sip.NewRequest(sip.INVITE, sip.Uri{Scheme: "sip", User: dialled, Host: host(gateway), Port: int(gateway.Port())})
	req.SetDestination(gateway.String())
	from := &sip.FromHeader{
		DisplayName: "Anonymous", Address: sip.Uri{Scheme: "sip", User: "anonymous", Host: "anonymous.invalid"}, Params: sip.NewParams(),
	}
	from.Params.Add("tag", sip.GenerateTagN(8))
	req.AppendHeader(from)
	req.AppendHeader(sip.NewHeader("Privacy", "id"))
	req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	req.SetBody(p.sdp())
	call, err := p.dialog.WriteInvite(ctx, req)
	if err != nil {
		return lost("it could not be made")
	}
	defer call.Close()
	if err := call.WaitAnswer(ctx, sipgo.AnswerOptions{}); err != nil {
		return notAnswered(err)
	}
	if call.Ack(ctx) != nil || call.Bye(ctx) != nil {
		return lost("it could not be hung up")
	}
	return nil
}

// notAnswered tells why, and no word of sipgo's, which may hold numbers.
func notAnswered(err error) error {
	var refused *sipgo.ErrDialogResponse
	switch {
	case !errors.As(err, &refused):
		return lost("it was not answered in time")
	case refused.Res.StatusCode == 503 && refused.Res.GetHeader("Retry-After") != nil:
		return errBusy
	}
	return lost(fmt.Sprintf("it was refused with %d", refused.Res.StatusCode))
}

func (p *phone) close() error {
	err := errors.Join(p.ua.Close(), p.conn.Close())
	<-p.served
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
