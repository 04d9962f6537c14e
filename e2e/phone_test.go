package e2e

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

// phone is a sipgo user agent: an independent SIP implementation on both ends of a call.
type phone struct {
	t       *testing.T
	network string
	host    string
	port    int
	ua      *sipgo.UserAgent
	client  *sipgo.Client
	dlg     *sipgo.DialogUA

	invites chan *incoming    // new calls
	others  chan *sip.Request // every other request, ACK included, answered 200 already

	mu     sync.Mutex
	server map[string]*sipgo.DialogServerSession // by Call-ID
	caller map[string]*sipgo.DialogClientSession
}

// incoming is a call that rings.
type incoming struct {
	req  *sip.Request
	tx   sip.ServerTransaction
	sess *sipgo.DialogServerSession
}

func newPhone(t *testing.T, network, addr, user string, tlsConf *tls.Config) *phone {
	t.Helper()
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	host, _, _ := net.SplitHostPort(addr)
	p := &phone{t: t, network: network, host: host, invites: make(chan *incoming, 16), others: make(chan *sip.Request, 64),
		server: map[string]*sipgo.DialogServerSession{}, caller: map[string]*sipgo.DialogClientSession{}}
	opts := []sipgo.UserAgentOption{sipgo.WithUserAgent(user)}
	if tlsConf != nil {
		opts = append(opts, sipgo.WithUserAgenTLSConfig(tlsConf))
	}
	ua, err := sipgo.NewUA(opts...)
	if err != nil {
		t.Fatal(err)
	}
	p.ua = ua
	srv, err := sipgo.NewServer(ua, sipgo.WithServerLogger(quiet))
	if err != nil {
		t.Fatal(err)
	}
	p.handle(srv)
	p.serve(srv, addr, tlsConf)
	copts := []sipgo.ClientOption{sipgo.WithClientHostname(host), sipgo.WithClientPort(p.port), sipgo.WithClientLogger(quiet)}
	if network == "udp" {
		copts = append(copts, sipgo.WithClientConnectionAddr(net.JoinHostPort(host, strconv.Itoa(p.port))))
	} else { // from the phone's host, any port
		copts = append(copts, sipgo.WithClientConnectionAddr(net.JoinHostPort(host, "0")))
	}
	if p.client, err = sipgo.NewClient(ua, copts...); err != nil {
		t.Fatal(err)
	}
	contact := sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: user, Host: host, Port: p.port}}
	if network != "udp" {
		contact.Address.UriParams = sip.NewParams()
		contact.Address.UriParams.Add("transport", network)
	}
	p.dlg = &sipgo.DialogUA{Client: p.client, ContactHDR: contact}
	return p
}

func (p *phone) serve(srv *sipgo.Server, addr string, tlsConf *tls.Config) {
	p.t.Helper()
	var closer io.Closer
	var run func() error
	switch p.network {
	case "udp":
		c, err := net.ListenPacket("udp", addr)
		if err != nil {
			p.t.Fatal(err)
		}
		p.port = c.LocalAddr().(*net.UDPAddr).Port
		closer, run = c, func() error { return srv.ServeUDP(c) }
	case "tcp", "tls":
		l, err := net.Listen("tcp", addr)
		if err != nil {
			p.t.Fatal(err)
		}
		p.port = l.Addr().(*net.TCPAddr).Port
		closer, run = l, func() error { return srv.ServeTCP(l) }
		if p.network == "tls" {
			tl := tls.NewListener(l, tlsConf)
			run = func() error { return srv.ServeTLS(tl) }
		}
	}
	done := make(chan struct{})
	go func() { defer close(done); run() }()
	p.t.Cleanup(func() { closer.Close(); p.ua.Close(); <-done })
}

func (p *phone) handle(srv *sipgo.Server) {
	srv.OnInvite(func(req *sip.Request, tx sip.ServerTransaction) {
		if hasToTag(req) {
			p.accept(req, tx)
			return
		}
		sess, err := p.dlg.ReadInvite(req, tx)
		if err != nil {
			p.t.Errorf("incoming call: %v", err)
			return
		}
		p.mu.Lock()
		p.server[req.CallID().Value()] = sess
		p.mu.Unlock()
		p.invites <- &incoming{req, tx, sess}
		<-tx.Done() // sipgo ends the transaction when the handler returns
	})
	srv.OnAck(func(req *sip.Request, tx sip.ServerTransaction) {
		if s := p.serverSession(req); s != nil {
			s.ReadAck(req, tx)
		}
		p.others <- req
	})
	srv.OnBye(func(req *sip.Request, tx sip.ServerTransaction) {
		p.mu.Lock()
		c := p.caller[req.CallID().Value()]
		p.mu.Unlock()
		if s := p.serverSession(req); s != nil {
			s.ReadBye(req, tx)
		} else if c != nil {
			c.ReadBye(req, tx)
		} else {
			p.t.Errorf("BYE for no call of this phone")
		}
		p.others <- req
	})
	srv.OnNoRoute(p.accept)
}

// accept answers 200 with this phone's Contact and keeps the request for the test.
func (p *phone) accept(req *sip.Request, tx sip.ServerTransaction) {
	p.others <- req
	res := sip.NewResponseFromRequest(req, 200, "OK", nil)
	res.AppendHeader(&p.dlg.ContactHDR)
	if req.Method == sip.INVITE || req.Method == sip.UPDATE {
		res.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
		res.SetBody([]byte(sdp(p.host, 2)))
	}
	if err := tx.Respond(res); err != nil {
		p.t.Errorf("answer to %s: %v", req.Method, err)
	}
	if req.Method == sip.INVITE {
		<-tx.Done()
	}
}

func (p *phone) serverSession(req *sip.Request) *sipgo.DialogServerSession {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.server[req.CallID().Value()]
}

func hasToTag(req *sip.Request) bool { return req.To().Params.Has("tag") }

// call places a call through the gateway and returns it ringing or answered or refused
// as the callee does; headers are "Name: value".
func (p *phone) call(ctx context.Context, gw, from, uri string, headers ...string) (*sipgo.DialogClientSession, error) {
	var to sip.Uri
	if err := sip.ParseUri(uri, &to); err != nil {
		p.t.Fatal(err)
	}
	req := sip.NewRequest(sip.INVITE, to)
	req.SetTransport(strings.ToUpper(p.network))
	req.SetDestination(gw)
	var fu sip.FromHeader
	if err := sip.ParseUri(from, &fu.Address); err != nil {
		p.t.Fatal(err)
	}
	fu.Params = sip.NewParams()
	fu.Params.Add("tag", sip.GenerateTagN(12))
	req.AppendHeader(&fu)
	req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.AppendHeader(sip.NewHeader(name, value))
	}
	req.SetBody([]byte(sdp(p.host, 1)))
	s, err := p.dlg.WriteInvite(ctx, req)
	if s != nil && s.InviteRequest.CallID() != nil {
		p.mu.Lock()
		p.caller[s.InviteRequest.CallID().Value()] = s
		p.mu.Unlock()
	}
	return s, err
}

func (p *phone) ring(t *testing.T) *incoming {
	t.Helper()
	return take(t, p.invites, p.network+" call")
}

func (p *phone) got(t *testing.T, method sip.RequestMethod) *sip.Request {
	t.Helper()
	for {
		if r := take(t, p.others, string(method)); r.Method == method {
			return r
		}
	}
}

func sdp(host string, version int) string {
	return "v=0\r\no=jansen 3890844526 " + strconv.Itoa(version) + " IN IP4 " + host + "\r\ns=-\r\nc=IN IP4 " + host +
		"\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
}
