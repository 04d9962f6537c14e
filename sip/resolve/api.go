// Package resolve finds where to send a request: RFC 3263 over a cache.
package resolve

// Query is what is to be located: the parts of a SIP URI that matter for it.
type Query struct {
	Secure    bool   // sips:
	Host      string // name or address
	Port      uint16 // 0: none given
	Transport string // transport parameter, lower case; empty: none given
}
