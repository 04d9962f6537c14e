package wire

// ID names a header field that the load test knows.
type ID uint8

// Header fields the callers and callees use, then those only the oracle asks for.
const (
	Other ID = iota
	Via
	From
	To
	CallID
	CSeq
	Contact
	RecordRoute
	Route
	MaxForwards
	ContentLength
	ContentType
	Privacy
	PAssertedIdentity
	RSeq
	RAck
	Require
	ReferTo
	RetryAfter
	// Never to be seen by an untrusted called side on a withheld call.
	PPreferredIdentity
	RemotePartyID
	RPIDPrivacy
	Identity
	IdentityInfo
	Diversion
	CCDiversion
	PChargeInfo
	PServedUser
	PAccessNetworkInfo
	CellularNetworkInfo
	PChargingVector
	PChargingFunctionAddresses
	PVisitedNetworkID
	UserAgent
	Server
	Organization
	Subject
	ReplyTo
	InReplyTo
	CallInfo
	Geolocation
	Authorization
	ProxyAuthorization
	UserToUser
	IDs // how many there are
)

var idNames = [IDs]string{
	Other: "other header", Via: "Via", From: "From", To: "To", CallID: "Call-ID", CSeq: "CSeq", Contact: "Contact",
	RecordRoute: "Record-Route", Route: "Route", MaxForwards: "Max-Forwards", ContentLength: "Content-Length",
	ContentType: "Content-Type", Privacy: "Privacy", PAssertedIdentity: "P-Asserted-Identity", RSeq: "RSeq",
	RAck: "RAck", Require: "Require", ReferTo: "Refer-To", RetryAfter: "Retry-After",
	PPreferredIdentity: "P-Preferred-Identity", RemotePartyID: "Remote-Party-ID", RPIDPrivacy: "RPID-Privacy",
	Identity: "Identity", IdentityInfo: "Identity-Info", Diversion: "Diversion", CCDiversion: "CC-Diversion",
	PChargeInfo: "P-Charge-Info", PServedUser: "P-Served-User", PAccessNetworkInfo: "P-Access-Network-Info",
	CellularNetworkInfo: "Cellular-Network-Info", PChargingVector: "P-Charging-Vector",
	PChargingFunctionAddresses: "P-Charging-Function-Addresses", PVisitedNetworkID: "P-Visited-Network-ID",
	UserAgent: "User-Agent", Server: "Server", Organization: "Organization", Subject: "Subject", ReplyTo: "Reply-To",
	InReplyTo: "In-Reply-To", CallInfo: "Call-Info", Geolocation: "Geolocation", Authorization: "Authorization",
	ProxyAuthorization: "Proxy-Authorization", UserToUser: "User-to-User",
}

// String is the field's canonical name.
func (id ID) String() string { return idNames[id] }

// longest is the length of the longest name known.
const longest = 29

// identify finds the field called name, in any case and in its compact form.
func identify(name []byte) ID {
	var low [longest]byte
	if len(name) > longest {
		return Other
	}
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		low[i] = c
	}
	switch string(low[:len(name)]) {
	case "via", "v":
		return Via
	case "from", "f":
		return From
	case "to", "t":
		return To
	case "call-id", "i":
		return CallID
	case "cseq":
		return CSeq
	case "contact", "m":
		return Contact
	case "record-route":
		return RecordRoute
	case "route":
		return Route
	case "max-forwards":
		return MaxForwards
	case "content-length", "l":
		return ContentLength
	case "content-type", "c":
		return ContentType
	case "privacy":
		return Privacy
	case "p-asserted-identity":
		return PAssertedIdentity
	case "rseq":
		return RSeq
	case "rack":
		return RAck
	case "require":
		return Require
	case "refer-to", "r":
		return ReferTo
	case "retry-after":
		return RetryAfter
	}
	return identifyRare(string(low[:len(name)]))
}

func identifyRare(low string) ID {
	switch low {
	case "p-preferred-identity":
		return PPreferredIdentity
	case "remote-party-id":
		return RemotePartyID
	case "rpid-privacy":
		return RPIDPrivacy
	case "identity", "y":
		return Identity
	case "identity-info", "n":
		return IdentityInfo
	case "diversion":
		return Diversion
	case "cc-diversion":
		return CCDiversion
	case "p-charge-info":
		return PChargeInfo
	case "p-served-user":
		return PServedUser
	case "p-access-network-info":
		return PAccessNetworkInfo
	case "cellular-network-info":
		return CellularNetworkInfo
	case "p-charging-vector":
		return PChargingVector
	case "p-charging-function-addresses":
		return PChargingFunctionAddresses
	case "p-visited-network-id":
		return PVisitedNetworkID
	case "user-agent":
		return UserAgent
	case "server":
		return Server
	case "organization":
		return Organization
	case "subject", "s":
		return Subject
	case "reply-to":
		return ReplyTo
	case "in-reply-to":
		return InReplyTo
	case "call-info":
		return CallInfo
	case "geolocation":
		return Geolocation
	case "authorization":
		return Authorization
	case "proxy-authorization":
		return ProxyAuthorization
	case "user-to-user":
		return UserToUser
	}
	return Other
}
