// Package privacy is the header table of STANDARDS 6: which bytes of a message may
// reach the next hop. It plans edits (Plan), restores what an earlier message had
// mapped, keeps what later messages need in sealed tokens (KeyRing, Dialog), and
// searches finished bytes for the withheld number (Needles).
//
// Everything but the key ring's file is pure: no clock, lock or I/O.
package privacy

import (
	"net/netip"
	"time"

	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/sip/message"
)

// Side is a party of a dialog: the one who sent its first request, or the one who got it.
type Side uint8

const (
	Caller Side = iota + 1
	Callee
)

func (s Side) Other() Side { return Caller + Callee - s }

// Dialog is what the gateway must know later of a dialog it keeps no state of. It is
// sealed into the user part of our Record-Route URI (towards whoever sees the
// dialog as it is) or of our Contact URI (towards the other side of a withheld party).
type Dialog struct {
	ID             [16]byte // ULID of the call: its record, the salt of its identifiers, its age
	Class          rules.Class
	CallerWithheld bool   // class W, or raised to it
	CalleeWithheld bool   // TIR, or Privacy in a response
	ScrubMedia     bool   // S
	Holder         Side   // who was given the token
	CallerPeer     uint32 // PeerHash of the peer's name
	CalleePeer     uint32
	CallerTag      uint32 // TagHash of the caller's From tag as the holder of an N or E token sees it: tells who sends
	// Numbers that must not be seen, for the leak guard: network-provided and as shown.
	CallerNumbers, CalleeNumbers [2]numbering.Number
	SDPVersion                   uint64 // first o= version of the withheld party, if HasSDP
	HasSDP                       bool

	// In a token in our Contact (held by the other side of a withheld party); of one in our
	// Record-Route Self and Peer alone, as the caller wrote them, where it went out with
	// others though nobody is withheld:
	Self   []byte // how the withheld party writes itself: From value of its request (To value, for a callee), without tag parameter
	Peer   []byte // how it writes the other side: To value (From value), without tag parameter
	Target []byte // its Contact URI, to become the Request-URI
	Routes []byte // its route set, in the order the Route header of a request to it needs: Route header value, comma separated
}

// Hop is the next hop as the table sees it.
type Hop struct {
	Trusted         bool     // T; else U
	Emergency       bool     // PSAP route: T with profile E
	OwnDomain       bool     // same administrative domain (a trusted peer may be another carrier's)
	SendPAI         bool     // U/N: P-Asserted-Identity may be sent
	SupportsPrivacy bool     // false: cannot carry Privacy, so it is U and gets no identity on W
	StripMarker     bool     // privacy_marker=strip: no Privacy: id towards U on W
	WantsRPID       bool     // T: keep Remote-Party-ID
	KeepPANI        bool     // E: P-Access-Network-Info to the PSAP
	Headers         []string // U: unknown and X- headers this peer may get on N, lower case
	Contact         string   // host:port of ours on that side, for Contact and SDP o=
	Transport       string   // "", "tcp", "tls": transport parameter of our Contact URI
}

// Transit is one message on its way through the gateway.
type Transit struct {
	M       *message.Message // as received
	Request *message.Message // of a response: the request it answers, as received from the side the response goes to
	Source  netip.AddrPort   // of a response: where Request came from (received, rport)
	Dialog  *Dialog          // Plan notes in it what is first seen here: SDP version, an initial request that asks for privacy
	Sender  Side             // who sends M
	Initial bool             // M is a request outside a dialog, or a response to one
	Call    rules.Treatment  // of the initial request; in a dialog: class and flags as sealed
	From    Hop              // the peer M came from
	Next    Hop              // the peer it goes to
	Asserts bool             // the peer M came from is believed in its P-Asserted-Identity
	Network numbering.Number // network-provided identity of the sender; zero: not known
	Screen  bool             // the number shown in From is not the sender's: replace it by Network, else by none
	Domain  string           // our own domain, for URIs made from numbers
	Skip    int              // raw bytes of dial codes at the front of the Request-URI's user part
	ToSkip  int              // the same in To's
	Plan    *numbering.Plan
	Keys    *KeyRing
	Now     time.Time
	// Raised: a dialog that began as N and is withheld from this message on (RFC 3323
	// 4.2, STANDARDS 6.2). Its Call-ID and tags are the dialog's identity on the other
	// side already, so they stay; all else is withheld.
	Raised bool
	// Routes, when not nil, is the withheld sender's route set for the token in our
	// Contact (Dialog.Routes). nil: for a request its own Record-Route values as received
	// (RFC 3261 12.1.1), for a response Dialog.Routes. For a response of a withheld
	// callee the proxy gives the Record-Route values between us and the callee, last
	// first (RFC 3261 12.1.2).
	Routes []byte
	// Calls, when set, knows the Call-IDs of other dialogs that the withheld sender may
	// name in this one.
	Calls CallNames
	// Status is set by Plan when it changed the status of a response, else 0.
	Status int
	// Row, when set, is told of every header line: the action of the table and why
	// (explain). nil on the call path.
	Row func(h *message.Header, action Action, why string)
}

// CallNames knows Call-IDs as a withheld party writes them.
type CallNames interface {
	// Named tells whose call a Call-ID is; of the party's own, the ID that its
	// identifiers are mapped with.
	Named(callID []byte) (id [16]byte, known Known)
}

// Known says whose call a Call-ID is.
type Known uint8

const (
	KnownNot     Known = iota
	KnownOwn           // of the withheld party's own: the other side knows it mapped
	KnownForeign       // told to it by the other side: mapped for nobody
)

// Action is a letter of the header table.
type Action uint8

const (
	Keep      Action = iota + 1 // K
	Remove                      // R
	Anonymise                   // A
	Map                         // M
	Rewrite                     // X
)
