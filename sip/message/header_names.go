package message

// HeaderID names a header field; HOther is any field not listed here.
type HeaderID uint8

const (
	HOther HeaderID = iota
	HVia
	HMaxForwards
	HFrom
	HTo
	HCallID
	HCSeq
	HContact
	HContentLength
	HContentType
	HRoute
	HRecordRoute
	HPrivacy
	HPAssertedIdentity
	HPPreferredIdentity
	HSupported
	HAllow
	HUserAgent
	HRequire
	HProxyRequire
	HExpires
	HSessionExpires
	HMinSE
	HAccept
	HAcceptContact
	HAcceptEncoding
	HAcceptLanguage
	HAcceptResourcePriority
	HAdditionalIdentity
	HAlertInfo
	HAllowEvents
	HAnswerMode
	HAttestationInfo
	HAuthenticationInfo
	HAuthorization
	HCCDiversion
	HCallInfo
	HCellularNetworkInfo
	HContentDescription
	HContentDisposition
	HContentEncoding
	HContentID
	HContentLanguage
	HContentLocation
	HContributionID
	HConversationID
	HDate
	HDiversion
	HErrorInfo
	HEvent
	HFeatureCaps
	HFlowTimer
	HGeolocation
	HGeolocationError
	HGeolocationRouting
	HHistoryInfo
	HIdentity
	HIdentityInfo
	HInReplyTo
	HInfoPackage
	HJoin
	HMIMEVersion
	HMaxBreadth
	HMinExpires
	HOrganization
	HOriginationId
	HPAccessNetworkInfo
	HPAnswerState
	HPAssertedService
	HPAssociatedURI
	HPCalledPartyID
	HPChargeInfo
	HPChargingFunctionAddresses
	HPChargingVector
	HPDCSBillingInfo
	HPDCSLAES
	HPDCSOSPS
	HPDCSRedirect
	HPDCSTracePartyID
	HPEarlyMedia
	HPPreferredService
	HPPrivateNetworkIndication
	HPProfileKey
	HPServedUser
	HPUserDatabase
	HPVisitedNetworkID
	HPath
	HPriority
	HPriorityShare
	HPrivAnswerMode
	HProxyAuthenticate
	HProxyAuthorization
	HRAck
	HRPIDPrivacy
	HRSeq
	HReason
	HRecvInfo
	HReferSub
	HReferTo
	HReferredBy
	HRejectContact
	HRelayedCharge
	HRemotePartyID
	HReplaces
	HReplyTo
	HRequestDisposition
	HResourcePriority
	HResourceShare
	HResponseSource
	HRestorationInfo
	HRetryAfter
	HSIPETag
	HSIPIfMatch
	HSecurityClient
	HSecurityServer
	HSecurityVerify
	HServer
	HServiceInteractInfo
	HServiceRoute
	HSessionID
	HSubject
	HSubscriptionState
	HTargetDialog
	HTimestamp
	HUnsupported
	HUserToUser
	HWWWAuthenticate
	HWarning
	headerCount
)

// headerNames holds each field's canonical name and its compact form (0: none).
var headerNames = [headerCount]struct {
	long    string
	compact byte
}{
	HVia:                        {"Via", 'v'},
	HMaxForwards:                {"Max-Forwards", 0},
	HFrom:                       {"From", 'f'},
	HTo:                         {"To", 't'},
	HCallID:                     {"Call-ID", 'i'},
	HCSeq:                       {"CSeq", 0},
	HContact:                    {"Contact", 'm'},
	HContentLength:              {"Content-Length", 'l'},
	HContentType:                {"Content-Type", 'c'},
	HRoute:                      {"Route", 0},
	HRecordRoute:                {"Record-Route", 0},
	HPrivacy:                    {"Privacy", 0},
	HPAssertedIdentity:          {"P-Asserted-Identity", 0},
	HPPreferredIdentity:         {"P-Preferred-Identity", 0},
	HSupported:                  {"Supported", 'k'},
	HAllow:                      {"Allow", 0},
	HUserAgent:                  {"User-Agent", 0},
	HRequire:                    {"Require", 0},
	HProxyRequire:               {"Proxy-Require", 0},
	HExpires:                    {"Expires", 0},
	HSessionExpires:             {"Session-Expires", 'x'},
	HMinSE:                      {"Min-SE", 0},
	HAccept:                     {"Accept", 0},
	HAcceptContact:              {"Accept-Contact", 'a'},
	HAcceptEncoding:             {"Accept-Encoding", 0},
	HAcceptLanguage:             {"Accept-Language", 0},
	HAcceptResourcePriority:     {"Accept-Resource-Priority", 0},
	HAdditionalIdentity:         {"Additional-Identity", 0},
	HAlertInfo:                  {"Alert-Info", 0},
	HAllowEvents:                {"Allow-Events", 'u'},
	HAnswerMode:                 {"Answer-Mode", 0},
	HAttestationInfo:            {"Attestation-Info", 0},
	HAuthenticationInfo:         {"Authentication-Info", 0},
	HAuthorization:              {"Authorization", 0},
	HCCDiversion:                {"CC-Diversion", 0},
	HCallInfo:                   {"Call-Info", 0},
	HCellularNetworkInfo:        {"Cellular-Network-Info", 0},
	HContentDescription:         {"Content-Description", 0},
	HContentDisposition:         {"Content-Disposition", 0},
	HContentEncoding:            {"Content-Encoding", 'e'},
	HContentID:                  {"Content-ID", 0},
	HContentLanguage:            {"Content-Language", 0},
	HContentLocation:            {"Content-Location", 0},
	HContributionID:             {"Contribution-ID", 0},
	HConversationID:             {"Conversation-ID", 0},
	HDate:                       {"Date", 0},
	HDiversion:                  {"Diversion", 0},
	HErrorInfo:                  {"Error-Info", 0},
	HEvent:                      {"Event", 'o'},
	HFeatureCaps:                {"Feature-Caps", 0},
	HFlowTimer:                  {"Flow-Timer", 0},
	HGeolocation:                {"Geolocation", 0},
	HGeolocationError:           {"Geolocation-Error", 0},
	HGeolocationRouting:         {"Geolocation-Routing", 0},
	HHistoryInfo:                {"History-Info", 0},
	HIdentity:                   {"Identity", 'y'},
	HIdentityInfo:               {"Identity-Info", 'n'},
	HInReplyTo:                  {"In-Reply-To", 0},
	HInfoPackage:                {"Info-Package", 0},
	HJoin:                       {"Join", 0},
	HMIMEVersion:                {"MIME-Version", 0},
	HMaxBreadth:                 {"Max-Breadth", 0},
	HMinExpires:                 {"Min-Expires", 0},
	HOrganization:               {"Organization", 0},
	HOriginationId:              {"Origination-Id", 0},
	HPAccessNetworkInfo:         {"P-Access-Network-Info", 0},
	HPAnswerState:               {"P-Answer-State", 0},
	HPAssertedService:           {"P-Asserted-Service", 0},
	HPAssociatedURI:             {"P-Associated-URI", 0},
	HPCalledPartyID:             {"P-Called-Party-ID", 0},
	HPChargeInfo:                {"P-Charge-Info", 0},
	HPChargingFunctionAddresses: {"P-Charging-Function-Addresses", 0},
	HPChargingVector:            {"P-Charging-Vector", 0},
	HPDCSBillingInfo:            {"P-DCS-Billing-Info", 0},
	HPDCSLAES:                   {"P-DCS-LAES", 0},
	HPDCSOSPS:                   {"P-DCS-OSPS", 0},
	HPDCSRedirect:               {"P-DCS-Redirect", 0},
	HPDCSTracePartyID:           {"P-DCS-Trace-Party-ID", 0},
	HPEarlyMedia:                {"P-Early-Media", 0},
	HPPreferredService:          {"P-Preferred-Service", 0},
	HPPrivateNetworkIndication:  {"P-Private-Network-Indication", 0},
	HPProfileKey:                {"P-Profile-Key", 0},
	HPServedUser:                {"P-Served-User", 0},
	HPUserDatabase:              {"P-User-Database", 0},
	HPVisitedNetworkID:          {"P-Visited-Network-ID", 0},
	HPath:                       {"Path", 0},
	HPriority:                   {"Priority", 0},
	HPriorityShare:              {"Priority-Share", 0},
	HPrivAnswerMode:             {"Priv-Answer-Mode", 0},
	HProxyAuthenticate:          {"Proxy-Authenticate", 0},
	HProxyAuthorization:         {"Proxy-Authorization", 0},
	HRAck:                       {"RAck", 0},
	HRPIDPrivacy:                {"RPID-Privacy", 0},
	HRSeq:                       {"RSeq", 0},
	HReason:                     {"Reason", 0},
	HRecvInfo:                   {"Recv-Info", 0},
	HReferSub:                   {"Refer-Sub", 0},
	HReferTo:                    {"Refer-To", 'r'},
	HReferredBy:                 {"Referred-By", 'b'},
	HRejectContact:              {"Reject-Contact", 'j'},
	HRelayedCharge:              {"Relayed-Charge", 0},
	HRemotePartyID:              {"Remote-Party-ID", 0},
	HReplaces:                   {"Replaces", 0},
	HReplyTo:                    {"Reply-To", 0},
	HRequestDisposition:         {"Request-Disposition", 'd'},
	HResourcePriority:           {"Resource-Priority", 0},
	HResourceShare:              {"Resource-Share", 0},
	HResponseSource:             {"Response-Source", 0},
	HRestorationInfo:            {"Restoration-Info", 0},
	HRetryAfter:                 {"Retry-After", 0},
	HSIPETag:                    {"SIP-ETag", 0},
	HSIPIfMatch:                 {"SIP-If-Match", 0},
	HSecurityClient:             {"Security-Client", 0},
	HSecurityServer:             {"Security-Server", 0},
	HSecurityVerify:             {"Security-Verify", 0},
	HServer:                     {"Server", 0},
	HServiceInteractInfo:        {"Service-Interact-Info", 0},
	HServiceRoute:               {"Service-Route", 0},
	HSessionID:                  {"Session-ID", 0},
	HSubject:                    {"Subject", 's'},
	HSubscriptionState:          {"Subscription-State", 0},
	HTargetDialog:               {"Target-Dialog", 0},
	HTimestamp:                  {"Timestamp", 0},
	HUnsupported:                {"Unsupported", 0},
	HUserToUser:                 {"User-to-User", 0},
	HWWWAuthenticate:            {"WWW-Authenticate", 0},
	HWarning:                    {"Warning", 0},
}

// String is the canonical long name, empty for HOther.
func (id HeaderID) String() string {
	if id >= headerCount {
		return ""
	}
	return headerNames[id].long
}

// compactNames and longNames find a field by its name: by its only letter, or by a
// hash of its length and three letters (open addressing, 0: free).
var (
	compactNames [256]HeaderID = compactTable()
	longNames                  = longTable()
)

const longSlots = 1024

func compactTable() (t [256]HeaderID) {
	for id, n := range headerNames {
		if n.compact != 0 {
			t[n.compact] = HeaderID(id)
			t[n.compact-'a'+'A'] = HeaderID(id)
		}
	}
	return t
}

func longTable() (t [longSlots]HeaderID) {
	for id, n := range headerNames {
		if n.long == "" {
			continue
		}
		slot := nameSlot([]byte(n.long))
		for t[slot] != HOther {
			slot = (slot + 1) % longSlots
		}
		t[slot] = HeaderID(id)
	}
	return t
}

func nameSlot(name []byte) uint32 {
	n := len(name)
	first, middle, last := name[0]|0x20, name[n/2]|0x20, name[n-1]|0x20
	return (uint32(first)*31 + uint32(middle)*131 + uint32(last)*7 + uint32(n)*61) % longSlots
}

// LookupHeader finds a header by its long or compact name in any case; HOther when
// it is not listed.
func LookupHeader(name []byte) HeaderID {
	switch len(name) {
	case 0:
		return HOther
	case 1:
		return compactNames[name[0]]
	}
	for slot := nameSlot(name); ; slot = (slot + 1) % longSlots {
		id := longNames[slot]
		if id == HOther || string(name) == headerNames[id].long || EqualFold(name, headerNames[id].long) {
			return id
		}
	}
}
