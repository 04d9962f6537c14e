package config

import (
	"fmt"
	"strings"
)

func (k *checker) checkRoutes() {
	peers := map[string]*Peer{}
	for i := range k.Peers {
		peers[k.Peers[i].Name] = &k.Peers[i]
	}
	prefixes := map[string]bool{}
	emergency := false
	for i, r := range k.Routes {
		key := fmt.Sprintf("routes[%d]", i)
		k.checkRouteTo(key, r, peers[r.To])
		if r.Emergency {
			emergency = true
			if r.Prefix != "" {
				k.add(key+".prefix", "an emergency route has no prefix", "take it out, or make two routes")
			}
			if r.URI != "" && !strings.HasPrefix(r.URI, "sip:") && !strings.HasPrefix(r.URI, "sips:") &&
				!strings.HasPrefix(r.URI, "tel:") && !strings.HasPrefix(r.URI, "urn:service:") {
				k.add(key+".uri", "this is no URI to call", "write a sip:, sips:, tel: or urn:service: URI")
			}
			continue
		}
		if r.URI != "" {
			k.add(key+".uri", "only emergency routes replace the Request-URI", "take it out")
		}
		if strings.Trim(strings.TrimPrefix(r.Prefix, "+"), "0123456789") != "" {
			k.add(key+".prefix", "a prefix is digits, with + first for E.164 numbers", "write it like \"+31\", or \"\" for all")
		}
		if prefixes[r.Prefix] {
			k.add(key, "another route has this prefix", "take one out")
		}
		prefixes[r.Prefix] = true
	}
	if !emergency {
		k.warn("routes", "there is no emergency route, so 112 goes the way of ordinary calls", "add {emergency: true, to: NAME}")
	}
	if len(k.Routes) == 0 {
		k.warn("routes", "there are no routes, so every call gets 404", "add {prefix: \"\", to: NAME}")
	}
}

func (k *checker) checkRouteTo(key string, r Route, p *Peer) {
	switch {
	case r.To == "":
		k.add(key, "the route leads nowhere", "name a peer as to")
	case p == nil:
		k.add(key+".to", fmt.Sprintf("there is no peer %q", r.To), "name one of peers")
	case len(p.To) == 0:
		k.add(key+".to", fmt.Sprintf("peer %q has no address to send to", r.To), "give that peer to")
	case r.Emergency && p.Boundary != "emergency" && p.Boundary != "trusted":
		k.warn(key+".to", fmt.Sprintf("emergency calls go to peer %q, which is outside the trust domain", r.To),
			"make its boundary emergency")
	}
}
