package gateway

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync/atomic"

	"clirgate/cmd/clirgate/config"
)

// certificates are the TLS files, read again on reload: connections made from then on
// use the new ones.
type certificates struct {
	now atomic.Pointer[loaded]
}

type loaded struct {
	cert  *tls.Certificate // nil: none
	roots *x509.CertPool   // nil: the system's
}

func loadCertificates(c config.TLS) (*certificates, error) {
	t := new(certificates)
	l, err := load(c)
	t.now.Store(l)
	return t, err
}

func load(c config.TLS) (*loaded, error) {
	l := new(loaded)
	if c.Cert != "" {
		cert, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return l, fmt.Errorf("sip.tls: %w", err)
		}
		l.cert = &cert
	}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return l, fmt.Errorf("sip.tls.ca: %w", err)
		}
		l.roots = x509.NewCertPool()
		if !l.roots.AppendCertsFromPEM(pem) {
			return l, fmt.Errorf("sip.tls.ca %s: no certificate in it", c.CA)
		}
	}
	return l, nil
}

// server is the configuration of listeners. A client's certificate is asked for and, if
// there is one, checked: it lets the connection be reused (RFC 5923).
func (t *certificates) server() *tls.Config {
	if t.now.Load().cert == nil {
		return nil
	}
	base := &tls.Config{MinVersion: tls.VersionTLS12}
	base.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		l := t.now.Load()
		return &tls.Config{
			MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*l.cert},
			ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: l.roots,
		}, nil
	}
	return base
}

// client is the configuration of connections we make. The authorities are those of the
// start; our own certificate is always the newest.
func (t *certificates) client() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		RootCAs:    t.now.Load().roots,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if cert := t.now.Load().cert; cert != nil {
				return cert, nil
			}
			return new(tls.Certificate), nil
		},
	}
}
