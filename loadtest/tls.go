package loadtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"time"
)

// tlsConfigs are for listeners and for connections opened.
type tlsConfigs struct{ server, client *tls.Config }

// newTLS uses a certificate, or makes a self-signed one for 127.0.0.1 and ::1.
func newTLS(given *tls.Certificate) (tlsConfigs, error) {
	cert := given
	if cert == nil {
		made, err := SelfSigned()
		if err != nil {
			return tlsConfigs{}, err
		}
		cert = &made
	}
	return tlsConfigs{
		server: &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12},
		client: &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12, InsecureSkipVerify: true},
	}, nil
}

// loopback are the addresses a test may have.
func loopback() []net.IP {
	all := []net.IP{net.IPv6loopback}
	for i := range byte(32) {
		all = append(all, net.IPv4(127, 0, 0, i))
	}
	return all
}

// SelfSigned makes a certificate for loopback addresses, and more of them, valid for a
// day, that is its own authority.
func SelfSigned(more ...net.IP) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: append(loopback(), more...), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}
