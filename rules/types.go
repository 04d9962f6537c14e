// Package rules decides who may be shown: Call -> Treatment, a pure function
// over an immutable snapshot of the subscribers' services.
//
// It knows neither SIP nor SQL nor HTTP. The precedence is STANDARDS 0.2 and is
// written once, in Decide; Explain is the same walk with its steps kept.
package rules

import (
	"time"

	"clirgate/numbering"
)

// Class is what a call's identity treatment comes down to.
type Class uint8

const (
	ClassUnknown Class = iota
	// N: identity may be presented.
	N
	// W: identity is withheld.
	W
	// E: emergency, identity is always shown.
	E
)

// Rule names the row of the precedence table that decided (D1 to D9).
type Rule uint8

const (
	RuleUnknown Rule = iota
	D1               // emergency destination
	D2               // permanent CLIR
	D3               // withhold code dialled
	D4               // Privacy asks for it, or is unknown, or is malformed
	D5               // anonymous From of a trusted or authenticated user agent
	D6               // present code dialled, or Privacy: none alone
	D7               // temporary mode, default restricted
	D8               // nothing of the above
	D9               // rules unreadable
)

// CLIR is the mode of calling line identification restriction (TS 24.607 4.3.1).
type CLIR uint8

const (
	CLIRNone CLIR = iota
	CLIRPermanent
	CLIRTemporaryRestricted
	CLIRTemporaryAllowed
)

// TIR is the mode of terminating identification restriction (TS 24.608).
type TIR uint8

const (
	TIRNone TIR = iota
	TIRPermanent
	TIRTemporary
)

// MCID is the mode of malicious communication identification (TS 24.616 4.1), in which a
// called party has calls noted as malicious. It is provided by arrangement.
type MCID uint8

const (
	MCIDNone       MCID = iota
	MCIDTemporary       // he marks a call himself, by code or message
	MCIDPermanent       // besides, every withheld call to him is marked
	MCIDUnanswered      // besides, every withheld call to him that is not answered
)

// Subscriber is one subscriber's services, the "subscriber" of the admin API.
type Subscriber struct {
	Number        numbering.Number
	CLIR          CLIR
	CLIPOff       bool // identity of callers is not delivered to him
	ACR           bool // withheld calls to him are refused with 433
	TIR           TIR
	Override      bool // he sees withheld identities (police, PSAP answering points)
	ShieldOnBills bool
	MCID          MCID // he may have calls marked as malicious
	Note          string
	Until         time.Time // zero: for good; else the rule undoes itself then
	Then          Standing  // what is in force again after Until; stores fill it in
}

// Privacy is the received Privacy header, all its lines merged (RFC 3323 4.2).
type Privacy uint16

const (
	PrivacyNone Privacy = 1 << iota // the token "none"
	PrivacyID
	PrivacyHeader
	PrivacyUser
	PrivacySession
	PrivacyHistory
	PrivacyCritical
	PrivacyUnknown   // a token nobody defined
	PrivacyMalformed // empty value, a token twice, "none" mixed with others
)

// PrivacyAbsent: no Privacy header at all.
const PrivacyAbsent Privacy = 0

// Call is the facts of one call that the decision needs, read by the proxy.
type Call struct {
	Caller        numbering.Number // network-provided identity; zero: not known
	Called        numbering.Number // after codes were taken off; zero: not a number
	Emergency     bool             // destination is an emergency destination (STANDARDS 0.4)
	Withhold      bool             // a withhold code was dialled
	Present       bool             // a present code was dialled
	Privacy       Privacy
	AnonymousFrom bool  // the user agent sent an anonymous From
	TrustedSource bool  // the source is authenticated or trusted: D5 may fire, Caller may be looked up
	Restricted    bool  // arrived with identity restricted (for ACR: GPP-13), class aside
	CallBack      bool  // emergency call-back from the PSAP (RFC 7090): bypasses ACR
	Now           int64 // unix seconds, for rules that end by themselves
}

// Treatment is the outcome of the decision. A small value; copied freely.
type Treatment struct {
	Class    Class
	Rule     Rule
	Revision uint64 // of the snapshot that decided

	ScrubMedia     bool // S: scrub SDP identity fields (Privacy: session)
	ScrubHistory   bool // H: anonymise History-Info (Privacy: history)
	Critical       bool // C: if S cannot be fully done, refuse with 500
	UnknownToken   bool // with Critical: refuse with 500 naming it
	RefuseACR      bool // 433 Anonymity Disallowed
	CalleeWithheld bool // TIR: the called party's identity is withheld from the caller
	Override       bool // called party is entitled to see a withheld identity
	HideFromCallee bool // CLIP off: no identity to the called party, no restriction either
	MarkAlways     bool // MCID: the call is marked as malicious
	MarkUnanswered bool // MCID: it is, if nobody answers
}
