package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// certificates are a throw-away authority and one certificate for everybody.
type certificates struct {
	cert, key, ca string // PEM files, for the gateway
	phones        *tls.Config
}

func testCertificates(t *testing.T) *certificates {
	t.Helper()
	dir := t.TempDir()
	caKey, leafKey := newKey(t), newKey(t)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	must(t, err)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "gw.example.net"}, DNSNames: []string{"gw.example.net", "localhost"},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for host := byte(1); host < 10; host++ { // whoever the phones and gateways are
		for port := byte(0); port < 10; port++ {
			leaf.IPAddresses = append(leaf.IPAddresses, net.IPv4(127, 0, host-1, port+1))
		}
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, &leafKey.PublicKey, caKey)
	must(t, err)
	keyDER, err := x509.MarshalECPrivateKey(leafKey)
	must(t, err)
	c := &certificates{
		cert: writePEM(t, filepath.Join(dir, "cert.pem"), "CERTIFICATE", leafDER),
		key:  writePEM(t, filepath.Join(dir, "key.pem"), "EC PRIVATE KEY", keyDER),
		ca:   writePEM(t, filepath.Join(dir, "ca.pem"), "CERTIFICATE", caDER),
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	must(t, err)
	roots := x509.NewCertPool()
	pemBytes, err := os.ReadFile(c.ca)
	must(t, err)
	if !roots.AppendCertsFromPEM(pemBytes) {
		t.Fatal(fmt.Errorf("%s holds no certificate", c.ca))
	}
	c.phones = &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots, MinVersion: tls.VersionTLS12}
	return c
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return k
}

func writePEM(t *testing.T, path, kind string, der []byte) string {
	t.Helper()
	must(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return path
}
