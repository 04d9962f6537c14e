package privacy

import "clirgate/sip/message"

// row is one header of the table. cells holds a letter for each of
//
//	T/N  T/W  U/N  U/W  E
//
// next hop trusted or not, sender's identity shown or withheld, emergency. Letters:
//
//	K keep   R remove   D keep in the own domain, else remove
//	L keep when the peer lists it (Hop.Headers), else remove
//	H hop by hop, the proxy's
//	A anonymise, M map, X rewrite: done by do, which may come to keep or remove
//
// back undoes what an earlier message had mapped: in a response what the gateway did to
// its request, in a request what the withheld receiver wrote otherwise. It comes first,
// in every column; when it answers false the cell decides.
type row struct {
	cells string
	do    func(*planner, *message.Header) Action
	back  func(*planner, *message.Header) (Action, bool)
	why   string
}

// table is STANDARDS 6.3 to 6.6. The same for requests and responses, at the start of a
// dialog and within it, both directions: the columns follow the sender.
var table = [...]row{
	// 6.3 Identity headers

	// From: N after number screening; E the network's number, with the received tag.
	message.HFrom: {"XAXAX", from, backFrom, "RFC 3323 4.1.1.3, 5.3"},
	// To: dial codes taken out on every class; on W what the W-party added to it too.
	message.HTo: {"XXXXX", to, backTo, "RFC 3323 5.3; STANDARDS 4.4"},
	// At most one sip and one tel value; U/N as the peer is configured.
	message.HPAssertedIdentity:  {"XXXRX", assertedIdentity, nil, "RFC 3325 5-7, RFC 5876 4.5"},
	message.HPPreferredIdentity: {"RRRRR", nil, nil, "RFC 3325 6"}, // a hint from the UA, read before
	message.HRemotePartyID:      {"XRRRR", remoteParty, nil, "draft-ietf-sip-privacy"},
	message.HRPIDPrivacy:        {"XRRRR", remoteParty, nil, "draft-ietf-sip-privacy"},
	message.HPrivacy:            {"XXXXR", privacyLine, nil, "RFC 3323 4.2, 5; STANDARDS 6.1"},
	message.HProxyRequire:       {"XXXXX", proxyRequire, nil, "RFC 3323 5"},
	message.HIdentity:           {"KKKRK", nil, nil, "RFC 8224 11"}, // orig.tn is readable in it
	message.HIdentityInfo:       {"KRKRK", nil, nil, "RFC 5379 5.3.1"},
	message.HDate:               {"KKKRK", nil, nil, "clock skew tells devices apart"},
	message.HPServedUser:        {"DDRRX", inDomainNotPSAP, nil, "RFC 5502 7.2"},
	message.HPUserDatabase:      {"DDRRX", inDomainNotPSAP, nil, "RFC 4457"},
	message.HPProfileKey:        {"DDRRX", inDomainNotPSAP, nil, "RFC 5002"},
	message.HRestorationInfo:    {"DDRRX", inDomainNotPSAP, nil, "TS 24.229: holds the IMSI"},
	message.HAdditionalIdentity: {"DDRRX", inDomainNotPSAP, nil, "TS 24.229"},
	message.HPAssociatedURI:     {"KKRRR", nil, nil, "RFC 7315 6"},
	message.HPCalledPartyID:     {"KKRRR", nil, nil, "RFC 7315 6"},
	message.HPChargeInfo:        {"KKRRR", nil, nil, "RFC 8496 8.2.2"},
	message.HPAssertedService:   {"KKRRK", nil, nil, "RFC 6050"},
	message.HPPreferredService:  {"RRRRR", nil, nil, "RFC 6050"},
	// P-DCS-*: by contract; they carry calling numbers.
	message.HPDCSTracePartyID: {"XXRRR", byContract, nil, "RFC 5503"},
	message.HPDCSBillingInfo:  {"XXRRR", byContract, nil, "RFC 5503"},
	message.HPDCSRedirect:     {"XXRRR", byContract, nil, "RFC 5503"},
	message.HPDCSLAES:         {"XXRRR", byContract, nil, "RFC 5503"},
	message.HPDCSOSPS:         {"XXRRR", byContract, nil, "RFC 5503"},
	message.HAttestationInfo:  {"KKRRR", nil, nil, "TS 24.229"},
	message.HOriginationId:    {"KKRRR", nil, nil, "TS 24.229"},

	// 6.4 Diversion and transfer headers

	// On N entries that ask for it themselves, or all of the own domain with "history".
	message.HHistoryInfo: {"XAXAX", historyInfo, nil, "RFC 7044 10.1.2"},
	message.HDiversion:   {"XAARX", diversion, nil, "RFC 5806 4, 7"}, // towards U none in 3xx
	message.HCCDiversion: {"XAARX", diversion, nil, "RFC 5806 4, 7"},
	// Names another in an INVITE that somebody's REFER triggered.
	message.HReferredBy:   {"KAKAK", referredBy, nil, "RFC 3892, RFC 5379 5.1.10"},
	message.HReferTo:      {"KMKMK", referTo, backReferTo, "RFC 5379 5.3.3"},
	message.HReplaces:     {"KMKMK", dialogRef, backDialogRef, "RFC 5379 5.1.1, 5.3"},
	message.HJoin:         {"KMKMK", dialogRef, backDialogRef, "RFC 5379 5.1.1, 5.3"},
	message.HTargetDialog: {"KMKMK", dialogRef, backDialogRef, "RFC 5379 5.1.1, 5.3"},
	message.HInReplyTo:    {"KRKRK", nil, backDialogRef, "RFC 3323 5.3, RFC 5379 5.1.6"},

	// 6.5 Routing and dialog headers

	// Contact: M a token of ours that opens the dialog; only media tags go with it.
	message.HContact: {"KMXMK", contact, nil, "RFC 3323 5.1, RFC 7254 8"},
	// Via: of a mapped dialog neither side sees the other's.
	message.HVia:          {"KMKMK", strip, backVia, "RFC 3323 5.1, RFC 5379 5.1.15"},
	message.HRecordRoute:  {"KMKMK", strip, nil, "RFC 3323 5.1"},
	message.HRoute:        {"HHHHH", nil, nil, "RFC 3261 16.4, 16.12"},
	message.HCallID:       {"KMKMK", callID, backCallID, "RFC 5379 5.1.1"},
	message.HCSeq:         {"KKKKK", nil, nil, "both sides count alike"},
	message.HRSeq:         {"KKKKK", nil, nil, "RFC 3262"},
	message.HRAck:         {"KKKKK", nil, nil, "RFC 3262"},
	message.HMaxForwards:  {"HHHHH", nil, nil, "RFC 3261 16.6 item 3"},
	message.HMaxBreadth:   {"KKKKK", nil, nil, "RFC 5393 5"},
	message.HPath:         {"KXKXK", onlyRegister, nil, "RFC 5379 5.3.2"},
	message.HServiceRoute: {"KXKXK", onlyRegister, nil, "RFC 5379 5.3.5"},
	// Session-ID: the W-party's half is new; extra parameters go.
	message.HSessionID:                  {"KKKMK", sessionID, backSessionID, "RFC 7989 12"},
	message.HSessionExpires:             {"KKKKK", nil, nil, "RFC 4028"},
	message.HMinSE:                      {"KKKKK", nil, nil, "RFC 4028"},
	message.HExpires:                    {"KKKKK", nil, nil, "RFC 3261 20.19"},
	message.HMinExpires:                 {"KKKKK", nil, nil, "RFC 3261 20.23"},
	message.HPChargingVector:            {"KKRRD", nil, nil, "RFC 7315 4.6"},
	message.HPChargingFunctionAddresses: {"DDRRD", nil, nil, "RFC 7315 4.5.2.2"},
	message.HPVisitedNetworkID:          {"DDRRR", nil, nil, "RFC 7315 4.3"},
	// Cell or line of the caller: own domain, and the PSAP when it asks for it.
	message.HPAccessNetworkInfo:        {"XXRRX", accessNetwork, nil, "RFC 7315 4.4"},
	message.HCellularNetworkInfo:       {"XXRRX", accessNetwork, nil, "TS 24.229 7.2.15"},
	message.HPPrivateNetworkIndication: {"KKRRK", nil, nil, "RFC 7316"},
	message.HPEarlyMedia:               {"KKKKK", nil, nil, "RFC 5009"},
	message.HRelayedCharge:             {"DDRRR", nil, nil, "TS 24.229"},
	message.HServiceInteractInfo:       {"DDRRR", nil, nil, "TS 24.229"},
	message.HResourceShare:             {"DDRRR", nil, nil, "TS 24.229"},
	message.HPriorityShare:             {"DDRRR", nil, nil, "TS 24.229"},
	message.HResponseSource:            {"DDRRR", nil, nil, "TS 24.229"},
	// Agreed with the hop before, no business of the next (RFC 3329 2.3).
	message.HSecurityClient: {"RRRRR", nil, nil, "RFC 3329"},
	message.HSecurityServer: {"RRRRR", nil, nil, "RFC 3329"},
	message.HSecurityVerify: {"RRRRR", nil, nil, "RFC 3329"},

	// 6.6 User and device headers

	message.HSubject:      {"KRKRK", nil, nil, "RFC 3323 5.3"},
	message.HOrganization: {"KRKRK", nil, nil, "RFC 3323 5.3"},
	message.HReplyTo:      {"KRKRK", nil, nil, "RFC 3323 5.3"},
	message.HUserAgent:    {"KRKRK", nil, nil, "RFC 3323 5.3"}, // often a MAC or serial number
	message.HServer:       {"KRKRK", nil, nil, "RFC 5379 5.1.12"},
	message.HCallInfo:     {"KRKRK", nil, nil, "RFC 3323 5.3, RFC 7852"},
	message.HAlertInfo:    {"KXKXK", alertInfo, nil, "RFC 7462"}, // only urn:alert
	message.HErrorInfo:    {"KRKRK", nil, nil, "URL of the W-party's side"},
	message.HWarning:      {"KAKAK", warning, nil, "RFC 5379 5.1.16"},
	message.HRetryAfter:   {"KXKXK", retryAfter, nil, "RFC 3261 20.33: free comment"},
	message.HTimestamp:    {"KRKRK", nil, nil, "clock of the device"},
	message.HReason:       {"KXKXK", reason, nil, "RFC 3326"}, // cause stays, text goes
	// Credentials for the own realm end here; on W all do.
	message.HAuthorization:      {"XRXRX", credentials, nil, "RFC 3261 22"},
	message.HProxyAuthorization: {"XRXRX", credentials, nil, "RFC 3261 22"},
	message.HWWWAuthenticate:    {"KXKXK", challenge, nil, "realm names the PBX"}, // response becomes 403
	message.HProxyAuthenticate:  {"KXKXK", challenge, nil, "realm names the PBX"},
	message.HAuthenticationInfo: {"KRKRK", nil, nil, "realm names the PBX"},
	message.HAcceptLanguage:     {"KRKRK", nil, nil, "fingerprint"},
	message.HContentLanguage:    {"KRKRK", nil, nil, "fingerprint"},
	// Lists of abilities: towards U only what every telephone says.
	message.HAccept:                 {"KKKXK", commonAccept, nil, "fingerprint"},
	message.HAllow:                  {"KKKXK", commonAllow, nil, "fingerprint"},
	message.HSupported:              {"KKKXK", commonTags, nil, "fingerprint; RFC 4916 from-change"},
	message.HUnsupported:            {"KKKXK", commonTags, nil, "fingerprint"},
	message.HRequire:                {"KKKKK", nil, nil, "RFC 3261 20.32"},
	message.HAllowEvents:            {"KKKXK", commonEvents, nil, "fingerprint"},
	message.HRecvInfo:               {"KKKXK", commonPackages, nil, "fingerprint"},
	message.HInfoPackage:            {"KKKXK", commonPackages, nil, "fingerprint"},
	message.HAcceptEncoding:         {"KKKXK", commonEncodings, nil, "fingerprint"},
	message.HAcceptContact:          {"KXKRK", noInstance, nil, "RFC 3841"},
	message.HRejectContact:          {"KXKRK", noInstance, nil, "RFC 3841"},
	message.HRequestDisposition:     {"KXKRK", noInstance, nil, "RFC 3841"},
	message.HFeatureCaps:            {"KKRRK", nil, nil, "RFC 6809"},
	message.HUserToUser:             {"KRKRK", nil, nil, "RFC 7433"}, // opaque
	message.HResourcePriority:       {"KKLLK", nil, nil, "RFC 4412: user class"},
	message.HAcceptResourcePriority: {"KKLLK", nil, nil, "RFC 4412: user class"},
	message.HPriority:               {"XXXXK", priority, nil, "RFC 7090 4-5"},
	message.HGeolocation:            {"KRKRK", nil, nil, "RFC 6442 4.1"}, // E always
	message.HGeolocationRouting:     {"KRKRK", nil, nil, "RFC 6442 4.2"},
	message.HGeolocationError:       {"KRKRK", nil, nil, "RFC 6442 4.3"},
	message.HAnswerMode:             {"KRKRK", nil, nil, "RFC 5373"},
	message.HPrivAnswerMode:         {"KRKRK", nil, nil, "RFC 5373"},
	message.HPAnswerState:           {"KRKRK", nil, nil, "RFC 4964"},
	message.HFlowTimer:              {"KRKRK", nil, nil, "RFC 5626"},
	message.HEvent:                  {"KMKMK", event, backEvent, "RFC 4235 3.2, RFC 6665"},
	message.HSubscriptionState:      {"KKKKK", nil, nil, "RFC 6665"},
	message.HSIPETag:                {"KKKKK", nil, nil, "RFC 3903"},
	message.HSIPIfMatch:             {"KKKKK", nil, nil, "RFC 3903"},
	// Mapped within the trust domain; towards U not on the list of STANDARDS 6.9.
	message.HContributionID:     {"KMKRK", opaqueID, backOpaqueID, "RCS"},
	message.HConversationID:     {"KMKRK", opaqueID, backOpaqueID, "RCS"},
	message.HContentID:          {"KXKXK", contentID, nil, "host of the device"},
	message.HContentLocation:    {"KRKRK", nil, nil, "host of the device"},
	message.HContentDescription: {"KRKRK", nil, nil, "free text"},
	message.HContentDisposition: {"KXKXK", disposition, nil, "RFC 2183: filename"},
	message.HReferSub:           {"KKKKK", nil, nil, "RFC 4488"},
	// Framing; the body's own rules are in planBody (STANDARDS 6.7, 6.8).
	message.HContentType:     {"KKKKK", nil, nil, "STANDARDS 6.8"},
	message.HContentEncoding: {"KKKKK", nil, nil, "STANDARDS 6.8"},
	message.HContentLength:   {"KKKKK", nil, nil, "RFC 3261 20.14"},
	message.HMIMEVersion:     {"KKKKK", nil, nil, "RFC 3261 20.24"},
}

// Headers nobody wrote a row for: fail closed (STANDARDS 0.5). Vendors' own go to U only
// as agreed with the peer, whatever the class.
var (
	unknown = row{"KRKRK", nil, nil, "not in the table (STANDARDS 0.5)"}
	vendor  = row{"KRLRL", nil, nil, "vendor header not listed for the peer"}
)

// rowOf finds the row by the header's ID; only headers without one are looked at by name.
func rowOf(m *message.Message, h *message.Header) *row {
	if int(h.ID) < len(table) && table[h.ID].cells != "" {
		return &table[h.ID]
	}
	if n := m.Get(h.Name); len(n) > 1 && n[1] == '-' && (n[0]|0x20 == 'x' || n[0]|0x20 == 'p') {
		return &vendor
	}
	return &unknown
}
