package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

// phone is a sipgo user agent that calls, and answers every call at once.
type phone struct {
	addr   string // host:port
	conn   net.PacketConn
	ua     *sipgo.UserAgent
	dialog *sipgo.DialogUA
	calls  *sipgo.DialogServerCache
	rang   chan *sip.Request // calls as they came in
	hungUp chan struct{}     // a BYE came
	served chan struct{}
}

// newPhone listens on addr, or on another port when that one is taken.
func newPhone(name, addr string) (*phone, error) {
	sip.SetDefaultLogger(slog.New(slog.DiscardHandler)) // it would log messages
	p := &phone{rang: make(chan *sip.Request, 16), hungUp: make(chan struct{}, 16), served: make(chan struct{})}
	var err error
	if p.conn, err = net.ListenPacket("udp", addr); err != nil {
		if p.conn, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	p.addr = p.conn.LocalAddr().String()
	if err := p.serve(name); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), p.conn.Close())
	}
	return p, nil
}

func (p *phone) serve(name string) error {
	quiet := slog.New(slog.DiscardHandler)
	host, port, err := net.SplitHostPort(p.addr)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	if p.ua, err = sipgo.NewUA(sipgo.WithUserAgent(name)); err != nil {
		return err
	}
	client, err := sipgo.NewClient(p.ua, sipgo.WithClientHostname(host), sipgo.WithClientPort(number),
		sipgo.WithClientConnectionAddr(p.addr), sipgo.WithClientLogger(quiet))
	if err != nil {
		return err
	}
	contact := sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: name, Host: host, Port: number}}
	p.dialog = &sipgo.DialogUA{Client: client, ContactHDR: contact}
	p.calls = sipgo.NewDialogServerCache(client, contact)
	server, err := sipgo.NewServer(p.ua, sipgo.WithServerLogger(quiet))
	if err != nil {
		return err
	}
	server.OnInvite(p.answer)
	server.OnAck(func(req *sip.Request, tx sip.ServerTransaction) { _ = p.calls.ReadAck(req, tx) })
	server.OnBye(func(req *sip.Request, tx sip.ServerTransaction) {
		_ = p.calls.ReadBye(req, tx)
		p.hungUp <- struct{}{}
	})
	go func() {
		defer close(p.served)
		_ = server.ServeUDP(p.conn)
	}()
	return nil
}

func (p *phone) answer(req *sip.Request, tx sip.ServerTransaction) {
	p.rang <- req
	call, err := p.calls.ReadInvite(req, tx)
	if err != nil {
		return
	}
	if call.Respond(sip.StatusRinging, "Ringing", nil) == nil && call.RespondSDP(p.sdp()) == nil {
		<-tx.Done() // sipgo ends the transaction when this returns
	}
}

func (p *phone) sdp() []byte {
	host, _, _ := net.SplitHostPort(p.addr)
	return fmt.Appendf(nil, "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n", host, host)
}

// call dials through the gateway, has the call answered and hangs up; it returns the
// INVITE as sent.
func (p *phone) call(ctx context.Context, gateway, from, dialled string) (*sip.Request, error) {
	req := sip.NewRequest(sip.INVITE, sip.Uri{Scheme: "sip", User: dialled, Host: "127.0.0.1"})
	req.SetDestination(gateway)
	self := &sip.FromHeader{
		DisplayName: "Jan Jansen", Address: sip.Uri{Scheme: "sip", User: from, Host: "127.0.0.1"}, Params: sip.NewParams(),
	}
	self.Params.Add("tag", sip.GenerateTagN(8))
	req.AppendHeader(self)
	req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	req.SetBody(p.sdp())
	call, err := p.dialog.WriteInvite(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("cannot call: %w", err)
	}
	if err := call.WaitAnswer(ctx, sipgo.AnswerOptions{}); err != nil {
		return nil, fmt.Errorf("not answered: %w", err)
	}
	if err := call.Ack(ctx); err != nil {
		return nil, fmt.Errorf("cannot acknowledge: %w", err)
	}
	if err := call.Bye(ctx); err != nil {
		return nil, fmt.Errorf("cannot hang up: %w", err)
	}
	return call.InviteRequest, nil
}

func (p *phone) close() error {
	err := errors.Join(p.ua.Close(), p.conn.Close())
	<-p.served
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
