// Package config is the gateway's configuration: a YAML file whose every key is
// described here, read strictly, checked whole, and explained where it is wrong.
package config

import (
	"strings"
	"time"
)

// Config is the file. Its zero values are not yet the defaults; Load and Parse fill
// those in.
type Config struct {
	// Node names this gateway among those that share a store. Default for a local store:
	// gw1.
	Node string `yaml:"node"`
	// Home says how numbers without a country code are read.
	Home Home `yaml:"home"`
	// Emergency lists emergency destinations.
	Emergency Emergency `yaml:"emergency"`
	// Codes are the dial codes by access type. Default, for fixed and mobile: *31*, 131
	// and #31# withhold, *31# presents, *39# marks; a type given here replaces the one of that name.
	Codes map[string]Codes `yaml:"codes"`
	// SIP is the signalling side.
	SIP SIP `yaml:"sip"`
	// Peers are the neighbours on the wire.
	Peers []Peer `yaml:"peers"`
	// Routes say which peer a call goes to: emergency first, then the longest prefix.
	Routes []Route `yaml:"routes"`
	// Data is the directory of all that is local: rules, records, key ring (mode 0700).
	// Default: data. Relative to the file.
	Data string `yaml:"data"`
	// Store is where rules, tokens, their history and the audit log are kept: "local", in
	// the data directory, or postgres://user@host1,host2/db, shared by several gateways. Its
	// password comes from PGPASSWORD or a password file, never from here. Default: local.
	Store string `yaml:"store"`
	// Trace is what is remembered of calls.
	Trace Trace `yaml:"trace"`
	// Casework is how complaints about withheld calls are dealt with.
	Casework Casework `yaml:"casework"`
	// Admin is the administration interface.
	Admin Admin `yaml:"admin"`
	// Probe is calls of the gateway's own that prove that 112 and withholding work.
	Probe Probe `yaml:"probe"`
}

// Probe is calls that the gateway makes through itself, over a udp listener (IPv4 where
// there is such a one, else IPv6), to itself: one to an emergency number that must show the
// caller though he withholds his number, one that must not. They never reach a peer, and
// their records are kept as all others are.
type Probe struct {
	// Every is from one pair of calls to the next, 5s or more. Default: there are none.
	Every Duration `yaml:"every"`
	// Number calls: E.164, one of ours that no subscriber has. Give it a rule with permanent
	// CLIR, so that its calls prove that this does not hide it from 112.
	Number string `yaml:"number"`
	// Emergency is what it dials after *31*. Default: 112.
	Emergency string `yaml:"emergency"`
}

// Home is the numbering plan at home.
type Home struct {
	// Country is an ISO 3166 code. Default: NL.
	Country string `yaml:"country"`
	// Domain is written into URIs made from numbers. Default: the first listener's
	// advertised host.
	Domain string `yaml:"domain"`
}

// Emergency lists emergency destinations besides urn:service:sos and below.
type Emergency struct {
	// Numbers are exact, after codes are taken off. Default: 112, which always counts.
	Numbers []string `yaml:"numbers"`
}

// Codes are the dial codes of one access type, of digits, "*" and "#".
type Codes struct {
	// Withhold hides the caller's number for one call.
	Withhold []string `yaml:"withhold"`
	// Present shows it for one call.
	Present []string `yaml:"present"`
	// Mark, dialled alone, marks the last withheld call as malicious.
	Mark []string `yaml:"mark"`
}

// SIP is the signalling side.
type SIP struct {
	// Listen is addresses as network:host:port, networks udp, tcp and tls.
	// Default: udp and tcp on 127.0.0.1:5060.
	Listen []string `yaml:"listen"`
	// Advertise is host:port for Via, Contact and Record-Route. Default: each
	// listener's own.
	Advertise string `yaml:"advertise"`
	// TLS is the certificate of tls listeners and of connections to tls targets.
	TLS TLS `yaml:"tls"`
	// MaxCall is how long a call may last: until then its token opens. Default: 24h.
	MaxCall Duration `yaml:"max_call"`
	// Overload says when new calls are refused.
	Overload Overload `yaml:"overload"`
	// Timers are those of RFC 3261; change them in tests only.
	Timers Timers `yaml:"timers"`
}

// Overload says when new calls are refused with 503: when messages wait too long before
// they are handled. Emergency calls, their call-backs and what belongs to a dialog never
// are.
type Overload struct {
	// Target is the longest wait that is still none; what has waited longer is refused while
	// there is an overload. Default: 20ms.
	Target Duration `yaml:"target"`
	// Interval is how long all waits must be above target before it is one. Default: 100ms.
	Interval Duration `yaml:"interval"`
}

// TLS names PEM files, relative to the configuration file.
type TLS struct {
	// Cert is the certificate with its chain.
	Cert string `yaml:"cert"`
	// Key is its private key.
	Key string `yaml:"key"`
	// CA is the authorities that peers' certificates are checked against. Default: the
	// system's.
	CA string `yaml:"ca"`
}

// Timers are those of RFC 3261, appendix A. Zero: the standard's values.
type Timers struct {
	// T1 is the round trip estimate. Default: 500ms.
	T1 Duration `yaml:"t1"`
	// T2 bounds the interval of retransmissions. Default: 4s.
	T2 Duration `yaml:"t2"`
	// T4 is how long a message may stay in the network. Default: 5s.
	T4 Duration `yaml:"t4"`
	// C bounds the time from a provisional response to a final one. Default: 3m10s.
	C Duration `yaml:"c"`
}

// Peer is a neighbour on the wire.
type Peer struct {
	// Name is unique.
	Name string `yaml:"name"`
	// Boundary is access, trusted, interconnect or emergency.
	Boundary string `yaml:"boundary"`
	// Access is the access type whose codes count here; access and trusted peers only.
	Access string `yaml:"access"`
	// From is source addresses or networks, port optional.
	From []string `yaml:"from"`
	// To is URIs to send to, tried in order; a domain goes through RFC 3263.
	To []string `yaml:"to"`
	// Numbers is number ranges this access peer may show as its own: E.164 prefixes.
	Numbers []string `yaml:"numbers"`
	// Default is this access peer's network number when it shows none of Numbers.
	Default string `yaml:"default"`
	// SendPAI: P-Asserted-Identity may be sent there. Default: true for access, trusted
	// and emergency, false for interconnect.
	SendPAI *bool `yaml:"send_pai"`
	// SupportsPrivacy: it honours Privacy. If not, it gets no identity of withheld
	// calls. Default: true.
	SupportsPrivacy *bool `yaml:"supports_privacy"`
	// PrivacyMarker is keep or strip: whether withheld calls carry Privacy: id towards
	// an untrusted peer. Default: keep.
	PrivacyMarker string `yaml:"privacy_marker"`
	// Asserts: the P-Asserted-Identity of this interconnect peer is believed.
	Asserts bool `yaml:"asserts"`
	// OwnDomain: this trusted peer is of the same administrative domain, and gets
	// headers that stay inside it.
	OwnDomain bool `yaml:"own_domain"`
	// Headers is fields without a rule of their own that this untrusted peer may get
	// on calls that show the caller.
	Headers []string `yaml:"headers"`
	// GiveUp is how long a target may stay silent before the next is tried. Default:
	// 2s while there is one.
	GiveUp Duration `yaml:"give_up"`
	// TCP is auto, never or always: whether requests above 1,300 bytes go over TCP.
	// Default: auto.
	TCP string `yaml:"tcp"`
	// OverloadControl: it speaks RFC 7339, so it is asked for its load and gets fewer
	// calls when it says so. Default: not asked. Neighbours that ask us are told anyway.
	OverloadControl bool `yaml:"overload_control"`
	// TellsIdentity: a trusted peer that answers when it is asked, by INFO, for a caller it
	// did not name and that somebody may have called malicious (TS 24.616 4.5.2.5).
	// Default: not asked.
	TellsIdentity bool `yaml:"tells_identity"`
	// Proxy: the names in To are proxies to send through, whatever the Request-URI says.
	Proxy bool `yaml:"proxy"`
	// Health asks the targets by OPTIONS whether they are there. Default: not asked.
	Health Health `yaml:"health"`
	// Service is telephony or internet: what calls from this peer count as for their
	// retention. Default: telephony.
	Service string `yaml:"service"`
	// KeepPANI: an emergency peer gets P-Access-Network-Info.
	KeepPANI bool `yaml:"keep_pani"`
	// WantsRPID: a trusted peer that reads Remote-Party-ID gets it.
	WantsRPID bool `yaml:"wants_rpid"`
}

// Health is how a peer's targets are asked.
type Health struct {
	// Every is the interval; zero: not asked.
	Every Duration `yaml:"every"`
	// Timeout is how long an answer may take. Default: 2s.
	Timeout Duration `yaml:"timeout"`
}

// Route sends calls to a peer.
type Route struct {
	// Emergency: this route takes emergency calls, and nothing else.
	Emergency bool `yaml:"emergency"`
	// Prefix of the E.164 number, "+" and digits, or digits of short numbers; "" takes
	// all calls, also those without a number.
	Prefix string `yaml:"prefix"`
	// To is the name of a peer.
	To string `yaml:"to"`
	// URI is the Request-URI of emergency calls. Default: as dialled, codes taken off.
	URI string `yaml:"uri"`
}

// Trace is what is remembered of calls.
type Trace struct {
	// RetentionMonths is how many calendar months records are kept, 1 to 12. Default: 12.
	RetentionMonths int `yaml:"retention_months"`
	// MarkWithin is how long after a call its mark by code is taken. Default: 1h.
	MarkWithin Duration `yaml:"mark_within"`
	// Retention is the same by service, where it differs.
	Retention Retention `yaml:"retention"`
	// MasterKey is the file (mode 0600) with the key that everything in records that
	// tells of somebody is sealed under; made at the first start. It belongs on another
	// disk and in another backup than data, and losing it loses the records. Default: the
	// data directory's name and ".master", beside that directory.
	MasterKey string `yaml:"master_key"`
	// MasterCommand prints that key instead: the client of an HSM or a vault, run by
	// /bin/sh. Default: there is none.
	MasterCommand string `yaml:"master_command"`
	// Durable is disk: a call waits until its record is on the local disk; or quorum: until
	// the shared store, whose server has a synchronous standby, has it too. Default: disk.
	Durable string `yaml:"durable"`
	// QuorumBudget is how long a call waits for the shared store at most; then the local
	// disk is enough. Default: 20ms.
	QuorumBudget Duration `yaml:"quorum_budget"`
	// LocalDays is how many days a node keeps records that it has shipped to a shared
	// store: one that is put back from a backup no older than that loses nothing. 2 to 60.
	// Default: 3.
	LocalDays int `yaml:"local_days"`
}

// Retention is calendar months by service, 1 to 12 each.
type Retention struct {
	// Telephony is calls over the fixed or mobile network. Default: retention_months.
	Telephony int `yaml:"telephony"`
	// Internet is calls from peers with service: internet. Default: retention_months,
	// at most 6.
	Internet int `yaml:"internet"`
	// Message is whatever is no call. Default: retention_months.
	Message int `yaml:"message"`
}

// Admin is the administration interface.
type Admin struct {
	// Listen is host:port. Default: 127.0.0.1:8080.
	Listen string `yaml:"listen"`
	// TLS makes it HTTPS. Default: HTTP, for an address that only this machine reaches.
	TLS Certificate `yaml:"tls"`
	// Metrics is token or open: whether /metrics wants a token. Default: token.
	Metrics string `yaml:"metrics"`
	// Rate is how many requests a second one token may make. Default: 50.
	Rate int `yaml:"rate"`
	// OIDC lets people in with tokens of an OpenID Connect issuer, beside the gateway's own
	// tokens. Default: nobody.
	OIDC OIDC `yaml:"oidc"`
}

// OIDC is an OpenID Connect issuer whose people may use the admin API.
type OIDC struct {
	// Issuer is its URL, as in its tokens to the byte; https, or http on this machine.
	Issuer string `yaml:"issuer"`
	// Audience is what the issuer calls this gateway: tokens must be made for it.
	Audience string `yaml:"audience"`
	// Groups is roles by group: all, noc, investigator, supervisor, privacy, billing or
	// admin. Who is in none may do nothing.
	Groups map[string]string `yaml:"groups"`
	// GroupsClaim is where a token has its groups. Default: groups.
	GroupsClaim string `yaml:"groups_claim"`
	// NameClaim is where it has the person's name for the history and the audit log; it
	// must be one that nobody can change for himself. Default: sub.
	NameClaim string `yaml:"name_claim"`
}

// Certificate names PEM files, relative to the configuration file. They are read again
// on reload.
type Certificate struct {
	// Cert is the certificate with its chain.
	Cert string `yaml:"cert"`
	// Key is its private key.
	Key string `yaml:"key"`
}

// Duration is a time like 500ms, 2s, 3m10s, 24h.
type Duration time.Duration

const localStore = "local"

// Shared tells whether the store is one for several gateways.
func (c *Config) Shared() bool {
	return strings.HasPrefix(c.Store, "postgres://") || strings.HasPrefix(c.Store, "postgresql://")
}
