package proxy

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"clirgate/sip/transaction"
	"clirgate/sip/transport"
)

// BenchmarkMessages is what each message of a withheld call costs from the bytes received
// to the bytes handed to the sockets, without record and network: us of the quietest round
// of 64 calls each, since the machine may be busy with other things.
func BenchmarkMessages(b *testing.B) {
	t := newMessageBench(b)
	for b.Loop() {
		t.round()
	}
	total := 0.0
	for i, name := range messageNames {
		us := float64(t.best[i].Nanoseconds()) / 1e3 / roundCalls
		total += us
		b.ReportMetric(us, name+"-us")
	}
	b.ReportMetric(total, "call-us")
}

const roundCalls = 64

var messageNames = [...]string{"INVITE", "180", "200", "ACK", "BYE", "bye200"}

// tap keeps what would leave.
type tap struct{ sent [][]byte }

func (t *tap) Send(_ transport.Flow, b []byte) error {
	t.sent = append(t.sent, append([]byte(nil), b...))
	return nil
}

func (t *tap) Flush() {}

type messageBench struct {
	*rig
	layer          *transaction.Layer
	tap            *tap
	caller, callee transport.Flow
	n              int
	best           [len(messageNames)]time.Duration
}

func newMessageBench(b *testing.B) *messageBench {
	r := newRig(b)
	t := &messageBench{rig: r, tap: new(tap)}
	t.layer = transaction.New(transaction.Options{}, t.tap, r.gw.proxy)
	b.Cleanup(t.layer.Close)
	t.caller = transport.Flow{Net: transport.UDP, Remote: r.a.addrPort()}
	t.callee = transport.Flow{Net: transport.UDP, Remote: r.b.addrPort()}
	done := make(chan struct{})
	go func() { // ACKs leave beside the layer
		for {
			select {
			case <-r.b.in:
			case <-done:
				return
			}
		}
	}()
	b.Cleanup(func() { close(done) })
	return t
}

// send hands messages to the layer, timed, and answers what left.
func (t *messageBench) send(i int, from transport.Flow, messages [][]byte) [][]byte {
	t.tap.sent = t.tap.sent[:0]
	began := time.Now()
	for _, m := range messages {
		t.layer.Receive(m, from)
	}
	if d := time.Since(began); t.best[i] == 0 || d < t.best[i] {
		t.best[i] = d
	}
	return append([][]byte(nil), t.tap.sent...)
}

func (t *messageBench) round() {
	invites := make([][]byte, roundCalls)
	for i := range invites {
		t.n++
		invites[i] = t.invite(t.n)
	}
	sent := only(t.send(0, t.caller, invites), "INVITE ")
	ringing, answers, acks, byes, ends := make([][]byte, roundCalls), make([][]byte, roundCalls), make([][]byte, roundCalls), make([][]byte, roundCalls), make([][]byte, roundCalls)
	for i, m := range sent {
		ringing[i] = t.response(m, "180 Ringing", "")
		answers[i] = t.response(m, "200 OK", sdp)
	}
	t.send(1, t.callee, ringing)
	for i, m := range only(t.send(2, t.callee, answers), "SIP/2.0 200") {
		acks[i] = t.request(m, "ACK", 1)
		byes[i] = t.request(m, "BYE", 2)
	}
	t.send(3, t.caller, acks)
	for i, m := range only(t.send(4, t.caller, byes), "BYE ") {
		ends[i] = t.response(m, "200 OK", "")
	}
	if n := len(only(t.send(5, t.callee, ends), "SIP/2.0 200")); n != roundCalls {
		t.t.Fatalf("%d calls came to their end", n)
	}
}

func only(sent [][]byte, start string) (list [][]byte) {
	for _, m := range sent {
		if bytes.HasPrefix(m, []byte(start)) {
			list = append(list, m)
		}
	}
	return list
}

const sdp = "v=0\r\no=user1 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"

// invite is that of the peers' scenario (bench/elements/uac.xml).
func (t *messageBench) invite(n int) []byte {
	at := t.a.addr()
	return fmt.Appendf(nil, "INVITE sip:*31*0201234567@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK-%d-0\r\n"+
		"From: \"Jan Jansen\" <sip:+31205550101@carrier.example;user=phone>;tag=1T%d\r\nTo: <sip:*31*0201234567@carrier.example;user=phone>\r\n"+
		"Call-ID: %d-1234@127.0.0.1\r\nCSeq: 1 INVITE\r\nContact: <sip:+31205550101@%s>\r\nMax-Forwards: 70\r\n"+
		"P-Asserted-Identity: \"Jan Jansen\" <sip:+31205550101@carrier.example;user=phone>\r\nUser-Agent: test\r\n"+
		"Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, PRACK\r\nSupported: 100rel, timer\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
		t.gw.addr, at, n, n, n, at, len(sdp), sdp)
}

// headers are the lines of a message with any of those names, in order.
func headers(m []byte, names ...string) string {
	var b strings.Builder
	head, _, _ := strings.Cut(string(m), "\r\n\r\n")
	for line := range strings.SplitSeq(head, "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		for _, n := range names {
			if name == n {
				b.WriteString(line)
				if name == "To" && !strings.Contains(line, "tag=") {
					b.WriteString(";tag=1U")
				}
				b.WriteString("\r\n")
			}
		}
	}
	return b.String()
}

func (t *messageBench) response(m []byte, status, body string) []byte {
	kind := ""
	if body != "" {
		kind = "Content-Type: application/sdp\r\n"
	}
	return fmt.Appendf(nil, "SIP/2.0 %s\r\n%sContact: <sip:%s;transport=UDP>\r\n%sContent-Length: %d\r\n\r\n%s", status,
		headers(m, "Via", "Record-Route", "From", "To", "Call-ID", "CSeq"), t.b.addr(), kind, len(body), body)
}

// request is what the caller sends in the dialog that the 200 m begins.
func (t *messageBench) request(m []byte, method string, cseq int) []byte {
	target := inside(headers(m, "Contact"))
	route := strings.ReplaceAll(headers(m, "Record-Route"), "Record-Route:", "Route:")
	return fmt.Appendf(nil, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK-%d-%s\r\n%s%sCSeq: %d %s\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		method, target, t.a.addr(), t.n, strings.TrimSpace(headers(m, "Call-ID"))[9:14]+method, route, headers(m, "From", "To", "Call-ID"), cseq, method)
}

// inside is what stands in angle brackets.
func inside(value string) string {
	_, rest, _ := strings.Cut(value, "<")
	uri, _, _ := strings.Cut(rest, ">")
	return uri
}
