package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"clirgate/numbering"
)

// source is one entry of a peer's from, for finding those that overlap.
type source struct {
	key    string
	peer   string
	prefix netip.Prefix
	port   uint16
}

func (k *checker) checkPeers() {
	if len(k.Peers) == 0 {
		k.warn("peers", "there are no peers, so every request gets 403", "name the neighbours of this gateway")
	}
	names := map[string]bool{}
	var sources []source
	for i := range k.Peers {
		p, key := &k.Peers[i], fmt.Sprintf("peers[%d]", i)
		switch {
		case p.Name == "":
			k.add(key, "the peer has no name", "give it one")
		case strings.HasPrefix(p.Name, "("):
			k.add(key+".name", "names in parentheses are the gateway's own", "choose another")
		case names[p.Name]:
			k.add(key+".name", "another peer has this name", "choose another")
		}
		names[p.Name] = true
		k.checkBoundary(key, p)
		k.checkNumbers(key, p)
		k.checkPeerOptions(key, p)
		for j, text := range p.To {
			if _, err := Target(text); err != nil {
				k.add(fmt.Sprintf("%s.to[%d]", key, j), err.Error(), "write a URI like sip:192.0.2.1:5060 or sip:example.net;transport=tcp")
			}
		}
		for j, text := range p.From {
			at := fmt.Sprintf("%s.from[%d]", key, j)
			prefix, port, err := Source(text)
			if err != nil {
				k.add(at, err.Error(), "write an address, address:port or a network like 192.0.2.0/24")
				continue
			}
			sources = append(sources, source{at, p.Name, prefix, port})
		}
	}
	k.checkOverlaps(sources)
}

// checkOverlaps: the same source in two peers makes it a guess who is calling. A
// network that holds another one is fine: the narrower one counts.
func (k *checker) checkOverlaps(sources []source) {
	for i, s := range sources {
		for _, earlier := range sources[:i] {
			if s.prefix == earlier.prefix && s.port == earlier.port {
				k.add(s.key, fmt.Sprintf("peer %q has this source as well", earlier.peer), "leave it to one of them")
				break
			}
		}
	}
}

var boundaries = []string{"access", "trusted", "interconnect", "emergency"}

func (k *checker) checkBoundary(key string, p *Peer) {
	if !slices.Contains(boundaries, p.Boundary) {
		at, what := key+".boundary", "this boundary is unknown"
		if p.Boundary == "" {
			at, what = key, "the peer has no boundary"
		}
		k.add(at, what, "write one of "+strings.Join(boundaries, ", "))
		return
	}
	if p.Access != "" {
		if _, known := k.Codes[p.Access]; !known {
			k.add(key+".access", "this access type is unknown", "use fixed, mobile, or one of codes")
		}
		if p.Boundary != "access" && p.Boundary != "trusted" {
			k.add(key+".access", "codes do not count on this boundary", "take it out")
		}
	}
	if p.Boundary != "emergency" && len(p.From) == 0 && len(p.To) == 0 {
		k.add(key, "the peer neither sends nor receives", "give it from, to, or both")
	}
	if p.Boundary == "emergency" && len(p.To) == 0 {
		k.add(key, "an emergency peer without an address gets no calls", "give it to")
	}
}

func (k *checker) checkNumbers(key string, p *Peer) {
	for i, text := range p.Numbers {
		if _, err := numbering.NewRanges([]string{text}); err != nil {
			k.add(fmt.Sprintf("%s.numbers[%d]", key, i), "this is no range of E.164 numbers", "write + and digits, in quotes")
		}
	}
	if p.Default != "" {
		k.checkDefault(key+".default", p)
	}
	if p.Boundary != "access" && (len(p.Numbers) > 0 || p.Default != "") {
		k.warn(key, "numbers and default count on access peers only", "take them out, or make it access")
	}
	if p.Boundary == "access" && len(p.Numbers) == 0 && p.Default == "" {
		k.warn(key, "the peer has neither numbers nor default, so its callers' identity is never known", "name its number ranges")
	}
}

func (k *checker) checkDefault(key string, p *Peer) {
	n := k.plan.ParseText(p.Default)
	if !strings.HasPrefix(p.Default, "+") || n.Kind() != numbering.International || n.E164() != p.Default {
		k.add(key, "this is no E.164 number", "write + and digits, in quotes")
		return
	}
	if !k.plan.Possible(n) {
		k.warn(key, "no number of that country has this many digits", "look it up again")
	}
	ranges, err := numbering.NewRanges(p.Numbers)
	if err == nil && !ranges.Empty() && !ranges.Contains(n) {
		k.warn(key, "the default lies outside the peer's numbers", "widen numbers, or choose one of them")
	}
}

func (k *checker) checkPeerOptions(key string, p *Peer) {
	oneOf := func(field, value string, known ...string) {
		if !slices.Contains(known, value) {
			k.add(key+"."+field, "this is unknown", "write one of "+strings.Join(known, ", "))
		}
	}
	oneOf("privacy_marker", p.PrivacyMarker, "keep", "strip")
	oneOf("tcp", p.TCP, "auto", "never", "always")
	oneOf("service", p.Service, "telephony", "internet")
	if p.Asserts && p.Boundary != "interconnect" {
		k.warn(key+".asserts", "this counts on interconnect peers only; trusted ones always assert", "take it out")
	}
	if p.TellsIdentity && p.Boundary != "trusted" {
		k.add(key+".tells_identity", "identities are asked for inside the trust domain alone", "take it out, or make the peer trusted")
	}
	for i, h := range p.Headers {
		if h == "" || strings.Trim(strings.ToLower(h), "abcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~") != "" {
			k.add(fmt.Sprintf("%s.headers[%d]", key, i), "this is no name of a header field", "write a name like X-Account")
		}
	}
	if p.Health.Every > 0 && len(p.To) == 0 {
		k.warn(key+".health", "there is nothing to ask: the peer has no to", "take it out")
	}
}
