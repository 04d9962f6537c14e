package e2e

import (
	"context"
	"crypto/tls"
	"strings"
	"testing"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"
)

// Functional calls: sipgo on both ends, over every transport.

var networks = []string{"udp", "tcp", "tls"}

// parties is a gateway with a caller and a callee over one transport.
type parties struct {
	r              *rig
	caller, callee *phone
	psap           *phone
	line           line
}

func newParties(t *testing.T, network string) *parties {
	t.Helper()
	var certs *certificates
	var conf *tls.Config
	if network == "tls" {
		certs = testCertificates(t)
		conf = certs.phones
	}
	p := &parties{
		caller: newPhone(t, network, "127.0.3.1:0", "jansen", conf),
		callee: newPhone(t, network, "127.0.3.2:0", "bakker", conf),
		psap:   newPhone(t, network, "127.0.3.3:0", "psap", conf),
	}
	p.r = newPhoneRig(t, network, certs, p.caller, p.callee, p.psap)
	p.line = line{number: "31205550101", words: []string{"jansen", p.caller.host}}
	return p
}

// invite places a call with the real number in From and gives it ringing on the callee.
func (p *parties) invite(t *testing.T, to *phone, uri string, headers ...string) (*sipgo.DialogClientSession, *incoming) {
	t.Helper()
	return p.inviteFrom(t, to, "sip:+31205550101@gw.example.net", uri, headers...)
}

func (p *parties) inviteFrom(t *testing.T, to *phone, from, uri string, headers ...string) (*sipgo.DialogClientSession, *incoming) {
	t.Helper()
	s, err := p.caller.call(context.Background(), p.r.gw, from, uri, headers...)
	if err != nil {
		t.Fatalf("call: %v", err)
	}
	return s, to.ring(t)
}

func (p *parties) establish(t *testing.T, to *phone, uri string, headers ...string) (*sipgo.DialogClientSession, *incoming) {
	t.Helper()
	s, in := p.invite(t, to, uri, headers...)
	must(t, in.sess.Respond(180, "Ringing", nil))
	answered := make(chan error, 1)
	go func() { answered <- in.sess.RespondSDP([]byte(sdp(to.host, 1))) }() // until the ACK comes
	must(t, s.WaitAnswer(context.Background(), sipgo.AnswerOptions{}))
	must(t, s.Ack(context.Background()))
	must(t, take(t, answered, "ACK"))
	to.got(t, sip.ACK)
	return s, in
}

func (p *parties) hidden(t *testing.T, req *sip.Request) {
	t.Helper()
	if w := p.line.leak(req.String()); w != "" {
		t.Errorf("leak (%s) in\n%s", w, req)
	}
	if f := req.From(); f.Address.Host != "anonymous.invalid" && req.To().Address.Host != "anonymous.invalid" {
		t.Errorf("From is %s", f.Value())
	}
}

func (p *parties) shown(t *testing.T, req *sip.Request) {
	t.Helper()
	if u := req.From().Address.User; u != "+31205550101" {
		t.Errorf("From user %q", u)
	}
	h := req.GetHeader("P-Asserted-Identity")
	if h == nil || !strings.Contains(h.Value(), "+31205550101") {
		t.Errorf("P-Asserted-Identity %v", h)
	}
}

// Every way to call, over every transport: who calls is shown, withheld or forced, and
// the call is answered and hung up by either side.
func TestCalls(t *testing.T) {
	cases := []struct {
		name, rule, uri string
		headers         []string
		emergency, show bool
	}{
		{name: "basic", uri: "sip:0705550199@gw.example.net", show: true},
		{name: "star31", uri: "sip:*31*0705550199@gw.example.net"},
		{name: "131", uri: "sip:1310705550199@gw.example.net"},
		{name: "privacy id", uri: "sip:0705550199@gw.example.net", headers: []string{"Privacy: id"}},
		{name: "permanent", rule: "permanent", uri: "sip:0705550199@gw.example.net"},
		{name: "restricted by default", rule: "temporary-restricted", uri: "sip:0705550199@gw.example.net"},
		{name: "112", uri: "sip:112@gw.example.net", emergency: true, show: true},
		{name: "112 from permanent", rule: "permanent", uri: "sip:112@gw.example.net", emergency: true, show: true},
		{name: "112 from restricted", rule: "temporary-restricted", uri: "sip:112@gw.example.net", emergency: true, show: true},
		{name: "112 with star31", uri: "sip:*31*112@gw.example.net", emergency: true, show: true},
		{name: "112 with Privacy", uri: "sip:112@gw.example.net", headers: []string{"Privacy: id;header;user"}, emergency: true, show: true},
	}
	for _, network := range networks {
		t.Run(network, func(t *testing.T) {
			p := newParties(t, network)
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) {
					p.r.setCLIR("+31205550101", c.rule)
					to := p.callee
					if c.emergency {
						to = p.psap
					}
					s, in := p.establish(t, to, c.uri, c.headers...)
					if c.show {
						p.shown(t, in.req)
					} else {
						p.hidden(t, in.req)
					}
					must(t, s.Bye(context.Background()))
					if bye := to.got(t, sip.BYE); !c.show {
						p.hidden(t, bye)
					}
				})
			}
		})
	}
}

func TestCalleeHangsUp(t *testing.T) {
	for _, network := range networks {
		for _, uri := range []string{"sip:0705550199@gw.example.net", "sip:*31*0705550199@gw.example.net"} {
			t.Run(network+" "+uri, func(t *testing.T) {
				p := newParties(t, network)
				_, in := p.establish(t, p.callee, uri)
				must(t, in.sess.Bye(context.Background()))
				bye := p.caller.got(t, sip.BYE)
				if got := bye.To().Address.User; got != "+31205550101" {
					t.Errorf("the caller's own To came back as %q", got)
				}
			})
		}
	}
}

// re-INVITE, UPDATE, INFO, and REFER with its NOTIFY, from either side of a withheld call.
func TestMidDialogRequests(t *testing.T) {
	for _, network := range networks {
		t.Run(network, func(t *testing.T) {
			p := newParties(t, network)
			s, in := p.establish(t, p.callee, "sip:*31*0705550199@gw.example.net")
			for _, m := range []sip.RequestMethod{sip.INVITE, sip.UPDATE, sip.INFO, sip.REFER, sip.NOTIFY, "FOO"} {
				t.Run("caller "+string(m), func(t *testing.T) {
					res, err := s.Do(context.Background(), midDialog(m, s.InviteResponse.Contact().Address, p.caller.host))
					if err != nil || res.StatusCode != 200 {
						t.Fatalf("%v %v", res, err)
					}
					p.hidden(t, p.callee.got(t, m))
					if m == sip.INVITE {
						must(t, s.WriteAck(context.Background(), sip.NewRequest(sip.ACK, res.Contact().Address)))
						p.hidden(t, p.callee.got(t, sip.ACK))
					}
				})
				t.Run("callee "+string(m), func(t *testing.T) {
					res, err := in.sess.Do(context.Background(), midDialog(m, in.req.Contact().Address, p.callee.host))
					if err != nil || res.StatusCode != 200 {
						t.Fatalf("%v %v", res, err)
					}
					if w := p.line.leak(res.String()); w != "" {
						t.Errorf("leak (%s) in the answer of the withheld caller:\n%s", w, res)
					}
					got := p.caller.got(t, m)
					if got.To().Address.User != "+31205550101" {
						t.Errorf("To at the caller: %s", got.To().Value())
					}
					if m == sip.INVITE {
						must(t, in.sess.WriteRequest(sip.NewRequest(sip.ACK, res.Contact().Address)))
						if ack := p.caller.got(t, sip.ACK); ack.CSeq().SeqNo != got.CSeq().SeqNo {
							t.Errorf("ACK at the caller: CSeq %d, the INVITE's is %d", ack.CSeq().SeqNo, got.CSeq().SeqNo)
						}
					}
				})
			}
			must(t, s.Bye(context.Background()))
			p.callee.got(t, sip.BYE)
		})
	}
}

func midDialog(m sip.RequestMethod, target sip.Uri, host string) *sip.Request {
	req := sip.NewRequest(m, target)
	switch m {
	case sip.INVITE, sip.UPDATE:
		req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
		req.SetBody([]byte(sdp(host, 2)))
	case sip.REFER:
		req.AppendHeader(sip.NewHeader("Refer-To", "<sip:0205550133@gw.example.net>"))
	case sip.NOTIFY:
		req.AppendHeader(sip.NewHeader("Event", "refer"))
		req.AppendHeader(sip.NewHeader("Subscription-State", "active"))
		req.AppendHeader(sip.NewHeader("Content-Type", "message/sipfrag"))
		req.SetBody([]byte("SIP/2.0 100 Trying\r\n"))
	}
	return req
}

func TestEarlyCancelAndBusy(t *testing.T) {
	for _, network := range networks {
		t.Run(network, func(t *testing.T) {
			p := newParties(t, network)
			ctx, cancel := context.WithCancel(context.Background())
			s, in := p.invite(t, p.callee, "sip:*31*0705550199@gw.example.net")
			must(t, in.sess.Respond(180, "Ringing", nil))
			answered := make(chan error, 1)
			go func() {
				answered <- s.WaitAnswer(ctx, sipgo.AnswerOptions{OnResponse: func(r *sip.Response) error {
					if r.StatusCode == 180 {
						cancel()
					}
					return nil
				}})
			}()
			if err := take(t, answered, "end of the call"); err == nil {
				t.Error("a cancelled call was answered")
			}
			<-in.tx.Done()

			s, in = p.invite(t, p.callee, "sip:*31*0705550199@gw.example.net")
			go in.sess.Respond(486, "Jan is in de vergadering", nil)
			if err := s.WaitAnswer(context.Background(), sipgo.AnswerOptions{}); err == nil {
				t.Error("a busy callee answered")
			}
			if s.InviteResponse == nil || s.InviteResponse.StatusCode != 486 {
				t.Errorf("got %v", s.InviteResponse)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
