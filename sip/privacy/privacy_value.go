package privacy

import (
	"clirgate/rules"
	"clirgate/sip/message"
)

// ErrCritical: the sender insists (Privacy: critical) on a level that cannot be done.
// Answer 500 with a reason phrase that names the levels (RFC 3323 5).
type ErrCritical struct {
	// Names are the levels, separated by ", ". Of the sender's own words: for the answer
	// to it alone, never for a log.
	Names string
}

func (e *ErrCritical) Error() string { return "privacy: a critical privacy level is not supported" }

// tokens of Privacy (RFC 3323 4.2, RFC 3325 9.3, RFC 7044 10.1).
var privacyTokens = [...]struct {
	name string
	flag rules.Privacy
}{
	{"none", rules.PrivacyNone},
	{"id", rules.PrivacyID},
	{"header", rules.PrivacyHeader},
	{"user", rules.PrivacyUser},
	{"session", rules.PrivacySession},
	{"history", rules.PrivacyHistory},
	{"critical", rules.PrivacyCritical},
}

func privacyToken(b []byte) rules.Privacy {
	for i := range privacyTokens {
		if message.EqualFold(b, privacyTokens[i].name) {
			return privacyTokens[i].flag
		}
	}
	return rules.PrivacyUnknown
}

// PrivacyOf is the merged value of all Privacy lines; ";" and "," separate (PRV-01).
func PrivacyOf(m *message.Message) rules.Privacy {
	var p rules.Privacy
	for h := range m.All(message.HPrivacy) {
		p = mergePrivacy(p, m.Get(h.Value))
	}
	if p&rules.PrivacyNone != 0 && p != rules.PrivacyNone {
		p |= rules.PrivacyMalformed
	}
	return p
}

// mergePrivacy adds one line: an empty word or one that was there makes it malformed.
func mergePrivacy(p rules.Privacy, value []byte) rules.Privacy {
	for more := true; more; {
		var word []byte
		word, value, more = nextWord(value)
		if len(word) == 0 {
			p |= rules.PrivacyMalformed
			continue
		}
		flag := privacyToken(word)
		if flag != rules.PrivacyUnknown && p&flag != 0 {
			p |= rules.PrivacyMalformed
		}
		p |= flag
	}
	return p
}

// nextWord cuts at ";" or ","; more tells that there was one.
func nextWord(b []byte) (word, rest []byte, more bool) {
	i := 0
	for i < len(b) && b[i] != ';' && b[i] != ',' {
		i++
	}
	word = trimSpace(b[:i])
	if i == len(b) {
		return word, nil, false
	}
	return word, b[i+1:], true
}

// Raises tells whether m itself asks for its sender's identity to be withheld
// (Privacy with id, header, user, unknown or malformed), for raising N to W in a dialog
// and for TIR in responses.
func Raises(m *message.Message) bool { return raises(PrivacyOf(m)) }

func raises(p rules.Privacy) bool {
	return p&(rules.PrivacyID|rules.PrivacyHeader|rules.PrivacyUser|rules.PrivacyUnknown|rules.PrivacyMalformed) != 0
}

// AnonymousFrom: From host anonymous.invalid or user anonymous, any case.
func AnonymousFrom(m *message.Message) bool {
	h := m.First(message.HFrom)
	return h != nil && anonymousAddr(m, h.Value)
}

// anonymousAddr tells whether a name-addr shows nobody (RFC 3323 4.1.1.3).
func anonymousAddr(m *message.Message, s message.Span) bool {
	na, ok := m.NameAddr(s)
	if !ok {
		return false
	}
	u, ok := m.ParseURI(na.URI)
	if !ok {
		return false
	}
	var buf [32]byte
	user := m.Get(u.User)
	if len(user) > len(buf) {
		user = nil
	}
	return message.EqualHost(m.Get(u.Host), anonymousHost) ||
		message.EqualFold(message.AppendUnescaped(buf[:0], user), "anonymous")
}

var anonymousHost = []byte("anonymous.invalid")

// PeerHash and TagHash are the short hashes kept in a Dialog (FNV-1a; sealed, so that
// they need only tell apart).
func PeerHash(name string) uint32 { return hash32(name) }
func TagHash(tag []byte) uint32   { return hash32(tag) }

func hash32[T string | []byte](s T) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

// RemotePartyRestricts tells whether a Remote-Party-ID of the calling party asks for
// privacy; one that cannot be read does. Only a believed neighbour's counts, as Privacy: id
// (draft-ietf-sip-privacy-04 5.1; STANDARDS 6.3).
func RemotePartyRestricts(m *message.Message) bool {
	for na, ok := range m.NameAddrs(message.HRemotePartyID) {
		if !ok {
			return true
		}
		if party, _, ok := m.Param(na.Params, "party"); ok && !message.EqualFold(m.Get(party), "calling") {
			continue
		}
		if v, _, ok := m.Param(na.Params, "privacy"); ok && !message.EqualFold(m.Get(v), "off") {
			return true
		}
	}
	return false
}
