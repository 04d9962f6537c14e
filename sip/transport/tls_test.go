package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/netip"
	"testing"
	"time"
)

// testCertificate is self-signed for the names and loopback addresses given.
func testCertificate(t testing.TB, names ...string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "test"},
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func tlsLayer(t *testing.T, o Options, server, client *tls.Config) (*Layer, *sink) {
	t.Helper()
	s := newSink()
	o.Listeners = []Listener{listen(TLS, local4)}
	o.TLS, o.TLSClient = server, client
	return start(t, o, s), s
}

func TestTLSBothWays(t *testing.T) {
	cert, pool := testCertificate(t, "127.0.0.1")
	server := &tls.Config{Certificates: []tls.Certificate{cert}}
	a, as := tlsLayer(t, Options{}, server, &tls.Config{RootCAs: pool})
	b, bs := tlsLayer(t, Options{}, server, &tls.Config{RootCAs: pool})
	if err := a.Send(Flow{Net: TLS, Remote: b.Local(0)}, []byte(message("request", 9000))); err != nil {
		t.Fatal(err)
	}
	f := bs.wantMessage(t, message("request", 9000))
	if err := b.Send(f, []byte(message("response", 1))); err != nil {
		t.Fatal(err)
	}
	as.wantMessage(t, message("response", 1))

	// A peer without certificate is answered, but gets no requests (RFC 5923).
	if b.Alias(f, a.Local(0)) {
		t.Fatal("alias for a peer without certificate")
	}
	if err := b.Send(Flow{Net: TLS, Remote: a.Local(0)}, []byte(message("other", 1))); err != nil {
		t.Fatal(err)
	}
	as.wantMessage(t, message("other", 1))
	if n := b.Stats().Conns; n != 2 {
		t.Fatalf("%d connections, want one each way", n)
	}
}

// With certificates on both ends the accepted connection serves requests: to where it
// came from, and to the address the peer advertises.
func TestTLSAlias(t *testing.T) {
	cert, pool := testCertificate(t, "127.0.0.1")
	server := &tls.Config{Certificates: []tls.Certificate{cert}, ClientCAs: pool, ClientAuth: tls.VerifyClientCertIfGiven}
	client := &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{cert}}
	a, as := tlsLayer(t, Options{}, server, client)
	b, bs := tlsLayer(t, Options{}, server, client)
	if err := a.Send(Flow{Net: TLS, Remote: b.Local(0)}, []byte(message("request", 1))); err != nil {
		t.Fatal(err)
	}
	f := bs.wantMessage(t, message("request", 1))
	if !b.Alias(f, a.Local(0)) {
		t.Fatal("no alias")
	}
	for _, to := range []netip.AddrPort{f.Remote, a.Local(0)} {
		if err := b.Send(Flow{Net: TLS, Remote: to}, []byte(message("back", 1))); err != nil {
			t.Fatal(err)
		}
		as.wantMessage(t, message("back", 1))
	}
	if n := b.Stats().Conns; n != 1 {
		t.Fatalf("%d connections, want 1", n)
	}
}

// The certificate must bear the address, or the name the resolver started from.
func TestTLSServerName(t *testing.T) {
	cert, pool := testCertificate(t, "sip.example.net")
	server := &tls.Config{Certificates: []tls.Certificate{cert}}
	b, bs := tlsLayer(t, Options{}, server, nil)
	named := func(name string) func(netip.AddrPort) string {
		return func(netip.AddrPort) string { return name }
	}
	for _, tc := range []struct {
		name string
		ok   bool
	}{{"sip.example.net", true}, {"", false}, {"other.example.net", false}} {
		a, as := tlsLayer(t, Options{ServerName: named(tc.name)}, server, &tls.Config{RootCAs: pool})
		if err := a.Send(Flow{Net: TLS, Remote: b.Local(0)}, []byte(message("x", 1))); err != nil {
			t.Fatal(err)
		}
		if tc.ok {
			bs.wantMessage(t, message("x", 1))
			continue
		}
		if f := next(t, as.failed); f.b != message("x", 1) {
			t.Fatalf("failed %q", f.b)
		}
		bs.wantDiscard(t, DiscardFraming)
	}
}

func TestTLSJunk(t *testing.T) {
	cert, pool := testCertificate(t, "127.0.0.1")
	l, s := tlsLayer(t, Options{}, &tls.Config{Certificates: []tls.Certificate{cert}}, nil)
	for _, junk := range []string{message("plain", 1), "\x16\x03\x01\xff\xff"} {
		c := dial(t, "tcp", l.Local(0))
		write(t, c, junk)
		s.wantDiscard(t, DiscardFraming)
		isClosed(t, c)
	}
	c, err := tls.Dial("tcp", l.Local(0).String(), &tls.Config{RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	write(t, c, message("a", 5)+message("b", 0))
	s.wantMessage(t, message("a", 5))
	s.wantMessage(t, message("b", 0))
}

func TestTLSSlowHandshake(t *testing.T) {
	cert, _ := testCertificate(t, "127.0.0.1")
	l, s := tlsLayer(t, Options{Slow: 50 * time.Millisecond}, &tls.Config{Certificates: []tls.Certificate{cert}}, nil)
	for _, begun := range []string{"", "\x16\x03\x01\x00\x20half"} {
		c := dial(t, "tcp", l.Local(0))
		write(t, c, begun)
		s.wantDiscard(t, DiscardSlow)
		isClosed(t, c)
	}
}

func TestTLSIdleAndHalfClosed(t *testing.T) {
	cert, pool := testCertificate(t, "127.0.0.1")
	l, err := New(Options{
		Listeners: []Listener{listen(TLS, local4)}, Idle: 300 * time.Millisecond,
		TLS: &tls.Config{Certificates: []tls.Certificate{cert}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := newSink()
	halfClosed := make(chan struct{})
	s.answer = func(b []byte, f Flow) {
		<-halfClosed
		if err := l.Send(f, []byte("response")); err != nil {
			t.Error(err)
		}
	}
	l.Start(s)
	defer closeLayer(t, l)
	c, err := tls.Dial("tcp", l.Local(0).String(), &tls.Config{RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	write(t, c, message("a", 5))
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	close(halfClosed)
	if got := isClosed(t, c); string(got) != "response" {
		t.Fatalf("got %q", got)
	}
}
