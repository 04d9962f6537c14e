package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"clirgate/sip/resolve"
	"clirgate/sip/transport"
)

var (
	errNetwork = errors.New("the network is not udp, tcp or tls")
	errAddress = errors.New("the address is no IP address")
	errPort    = errors.New("the port is not a number from 0 to 65535")
	errSource  = errors.New("this is neither an IP address nor a network")
	errScheme  = errors.New("the URI is neither a sip: nor a sips: URI")
	errHost    = errors.New("the host is neither an address nor a name")
)

// Listener reads network:host:port.
func Listener(text string) (transport.Listener, error) {
	network, address, _ := strings.Cut(text, ":")
	var l transport.Listener
	switch network {
	case "udp":
		l.Net = transport.UDP
	case "tcp":
		l.Net = transport.TCP
	case "tls":
		l.Net = transport.TLS
	default:
		return l, errNetwork
	}
	var err error
	l.Address, err = addrPort(address)
	return l, err
}

func addrPort(text string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return netip.AddrPort{}, errAddress
	}
	p, err := portOf(port)
	if err != nil {
		return netip.AddrPort{}, err
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, errAddress
	}
	return netip.AddrPortFrom(addr, p), nil
}

func portOf(text string) (uint16, error) {
	p, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, errPort
	}
	return uint16(p), nil
}

// Source reads an address or network, with a port (0: any).
func Source(text string) (netip.Prefix, uint16, error) {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked(), 0, nil
	}
	if a, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return netip.PrefixFrom(a, a.BitLen()), 0, nil
	}
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return netip.Prefix{}, 0, errSource
	}
	p, err := portOf(port)
	if err != nil {
		return netip.Prefix{}, 0, err
	}
	prefix, _, err := Source(host)
	return prefix, p, err
}

// Target reads a URI to send to: sip: or sips:, host, port and transport.
func Target(text string) (resolve.Query, error) {
	var q resolve.Query
	scheme, rest, _ := strings.Cut(text, ":")
	switch strings.ToLower(scheme) {
	case "sip":
	case "sips":
		q.Secure = true
	default:
		return q, errScheme
	}
	rest, params, _ := strings.Cut(rest, ";")
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = rest[at+1:]
	}
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.ToLower(param), "=")
		switch {
		case name == "transport" && (value == "udp" || value == "tcp" || value == "tls"):
			q.Transport = value
		case name == "lr" || name == "":
		default:
			return q, fmt.Errorf("the parameter %q means nothing here", name)
		}
	}
	host, port, err := net.SplitHostPort(rest)
	if err != nil {
		host = rest
	} else if q.Port, err = portOf(port); err != nil || q.Port == 0 {
		return q, errPort
	}
	q.Host = strings.Trim(host, "[]")
	if !isHost(q.Host) {
		return q, errHost
	}
	return q, nil
}

func isHost(text string) bool {
	if _, err := netip.ParseAddr(text); err == nil {
		return true
	}
	if text == "" || len(text) > 253 || strings.Trim(text, ".0123456789") == "" {
		return false // nothing, too much, or an address gone wrong
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(text, "."), ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if !isAlphanumeric(c) && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
