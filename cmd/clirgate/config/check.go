package config

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"clirgate/numbering"
	"clirgate/sip/transport"
	"clirgate/store/postgres"
)

// checker finds what is wrong with a Config that could be read.
type checker struct {
	*Config
	*reader
	plan *numbering.Plan
}

func (k *checker) check() {
	k.checkNumbering()
	k.checkSIP()
	k.checkPeers()
	k.checkRoutes()
	k.checkRest()
}

func (k *checker) checkNumbering() {
	var err error
	if k.plan, err = numbering.NewPlan(k.Home.Country, nil); err != nil {
		k.add("home.country", "this is no country with telephone numbers", "write its ISO 3166 code in two letters, like NL")
		k.plan, _ = numbering.NewPlan("NL", nil)
	}
	if k.Home.Domain != "" && !isHost(k.Home.Domain) {
		k.add("home.domain", "this is no domain", "write a name like example.net")
	}
	for i, n := range k.Emergency.Numbers {
		if _, err := numbering.NewPlan(k.plan.Country(), []string{n}); err != nil {
			k.add(fmt.Sprintf("emergency.numbers[%d]", i), "this is no number that can be dialled", "write digits only, in quotes, like \"112\"")
		}
	}
	for name, set := range k.Codes {
		k.checkCodes("codes."+name, set)
	}
}

func (k *checker) checkCodes(key string, set Codes) {
	withhold := map[string]bool{}
	for i, code := range set.Withhold {
		withhold[code] = true
		k.checkCode(fmt.Sprintf("%s.withhold[%d]", key, i), code)
	}
	for i, code := range set.Present {
		at := fmt.Sprintf("%s.present[%d]", key, i)
		k.checkCode(at, code)
		if withhold[code] {
			k.add(at, "this code is among those that withhold as well", "take it out of one of the lists")
		}
		withhold[code] = true
	}
	for i, code := range set.Mark {
		at := fmt.Sprintf("%s.mark[%d]", key, i)
		if _, err := numbering.NewCodeSet(nil, nil, code); err != nil {
			k.add(at, "this cannot be a code that is dialled alone", "write digits with * or #, in quotes, like \"*39#\"")
		}
		if withhold[code] {
			k.add(at, "this code has another meaning already", "take it out of one of the lists")
		}
	}
}

func (k *checker) checkCode(key, code string) {
	if _, err := numbering.NewCodeSet([]string{code}, nil); err != nil {
		k.add(key, "this cannot be a dial code", "write digits, * and # as they are dialled, in quotes, like \"*31*\"")
	}
}

func (k *checker) checkSIP() {
	if len(k.SIP.Listen) == 0 {
		k.add("sip.listen", "there is nothing to listen on", "write addresses like udp:127.0.0.1:5060")
	}
	seen, needsTLS := map[transport.Listener]bool{}, false
	for i, text := range k.SIP.Listen {
		key := fmt.Sprintf("sip.listen[%d]", i)
		l, err := Listener(text)
		if err != nil {
			k.add(key, err.Error(), "write network:host:port, like udp:127.0.0.1:5060")
			continue
		}
		if seen[l] && l.Address.Port() != 0 {
			k.add(key, "this address is listed twice", "take one out")
		}
		seen[l] = true
		needsTLS = needsTLS || l.Net == transport.TLS
	}
	if k.SIP.Advertise != "" {
		k.checkHostPort("sip.advertise", k.SIP.Advertise, isHost)
	}
	k.checkTLS(needsTLS)
	k.checkOverload()
}

func (k *checker) checkOverload() {
	o := &k.SIP.Overload
	if o.Target < Duration(time.Millisecond) || o.Target > Duration(500*time.Millisecond) {
		k.add("sip.overload.target", "shorter, every burst is an overload; longer, phones send again before it is one", "write a time from 1ms to 500ms, like 20ms")
	}
	if o.Interval < Duration(10*time.Millisecond) || o.Interval > Duration(10*time.Second) {
		k.add("sip.overload.interval", "calls are refused too rashly, or too late", "write a time from 10ms to 10s, like 100ms")
	}
}

func (k *checker) checkHostPort(key, text string, valid func(string) bool) {
	host, port, err := net.SplitHostPort(text)
	if err != nil || !valid(host) {
		k.add(key, "this is not host:port", "write it like 192.0.2.1:5060, IPv6 addresses in brackets")
		return
	}
	if _, err := portOf(port); err != nil {
		k.add(key, err.Error(), "choose a port in that range")
	}
}

func (k *checker) checkTLS(needed bool) {
	t := k.SIP.TLS
	if t.Cert == "" && t.Key == "" && needed {
		k.add("sip.tls", "a tls listener needs a certificate", "name its PEM files as sip.tls.cert and sip.tls.key")
	}
	k.checkPair("sip.tls", t.Cert, t.Key)
	if t.CA == "" {
		return
	}
	pem, err := os.ReadFile(t.CA)
	if err != nil {
		k.add("sip.tls.ca", "this cannot be read: "+err.Error(), "name a PEM file")
	} else if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		k.add("sip.tls.ca", "the file holds no certificate", "name a PEM file with certificates of authorities")
	}
}

// checkPair looks at a certificate and its key, if there are any.
func (k *checker) checkPair(key, cert, private string) {
	switch {
	case cert == "" && private == "":
	case cert == "" || private == "":
		k.add(key, "certificate and key go together", "name both files")
	default:
		if _, err := tls.LoadX509KeyPair(cert, private); err != nil {
			k.add(key, "certificate and key cannot be used: "+err.Error(), "name PEM files that belong together")
		}
	}
}

func (k *checker) checkAdmin() {
	k.checkHostPort("admin.listen", k.Admin.Listen, isHost)
	k.checkPair("admin.tls", k.Admin.TLS.Cert, k.Admin.TLS.Key)
	if m := k.Admin.Metrics; m != "token" && m != "open" {
		k.add("admin.metrics", "this is unknown", "write token or open")
	}
	if k.Admin.Rate < 1 {
		k.add("admin.rate", "nobody could ask anything", "write how many requests a second one token may make, like 50")
	}
	k.checkOIDC()
	host, _, err := net.SplitHostPort(k.Admin.Listen)
	if addr, _ := netip.ParseAddr(host); err == nil && k.Admin.TLS.Cert == "" && host != "localhost" && !addr.IsLoopback() {
		k.warn("admin.listen", "tokens travel in clear to this address", "set admin.tls, or listen on 127.0.0.1")
	}
}

func (k *checker) checkShared() {
	if wrong, mend := postgres.CheckAddress(k.Store); wrong != "" {
		k.add("store", wrong, mend)
	}
	if k.Node == "" {
		k.add("node", "gateways that share a store need names", "give each one another, like gw1 and gw2")
	}
}

func (k *checker) checkRest() {
	k.checkTrace()
	k.checkCasework()
	switch {
	case k.Store == localStore:
	case k.Shared():
		k.checkShared()
	default:
		k.add("store", "this is no store", "write local, or postgres://user@host1,host2/db")
	}
	k.checkAdmin()
	k.checkProbe()
	if k.Node != "" && strings.Trim(k.Node, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" {
		k.add("node", "the name holds more than letters, digits, dots and dashes", "choose a name like gw1")
	}
}
