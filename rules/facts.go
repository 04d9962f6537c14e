package rules

import "clirgate/numbering"

// fact is one thing known of a call. The decision is two tables over a set of
// them, so that it can be read, tested and explained row by row.
type fact uint32

const (
	always fact = 1 << iota
	emergency
	unreadable // no snapshot
	permanent  // services of the caller
	defaultRestricted
	callerOverride
	withholdCode
	presentCode
	privacyAsked // Privacy: id, header, user, something unknown, or something malformed
	privacyNone  // Privacy: none alone
	privacySession
	privacyHistory
	privacyCritical
	privacyUnknownToken
	anonymousFrom
	trusted
	restricted // arrived restricted
	callBack
	calleeACR // services of the called party
	calleeCLIPOff
	calleeTIR
	calleeOverride
	calleeMarksAll
	calleeMarksUnanswered

	withheld // outcomes that later rows look at
	overridden
	refused
)

// privacyWithholds are the values of D4.
const privacyWithholds = PrivacyID | PrivacyHeader | PrivacyUser | PrivacyUnknown | PrivacyMalformed

func factsOf(s *Snapshot, c *Call) fact {
	f := always | privacyFacts(c.Privacy)
	f |= when(c.Emergency, emergency) | when(c.Withhold, withholdCode) | when(c.Present, presentCode) |
		when(c.TrustedSource, trusted) | when(c.AnonymousFrom && c.TrustedSource, anonymousFrom) |
		when(c.Restricted, restricted) | when(c.CallBack, callBack)
	if s == nil {
		return f | unreadable
	}
	// A number that nobody vouches for is not looked up: a stranger must not
	// switch on, or profit from, somebody else's services.
	var callerNumber numbering.Number
	if c.TrustedSource {
		callerNumber = c.Caller
	}
	callerProbe, calleeProbe := s.locate(callerNumber), s.locate(c.Called)
	caller, callee := callerProbe.services(c.Now), calleeProbe.services(c.Now)
	return f | when(caller.clir() == CLIRPermanent, permanent) |
		when(caller.clir() == CLIRTemporaryRestricted, defaultRestricted) |
		when(caller&bitOverride != 0, callerOverride) |
		when(callee&bitACR != 0, calleeACR) | when(callee&bitCLIPOff != 0, calleeCLIPOff) |
		when(callee.tir() == TIRPermanent, calleeTIR) | when(callee&bitOverride != 0, calleeOverride) |
		when(callee.mcid() == MCIDPermanent, calleeMarksAll) | when(callee.mcid() == MCIDUnanswered, calleeMarksUnanswered)
}

func privacyFacts(p Privacy) fact {
	// RFC 3323 section 4.2: "none" stands alone.
	mixed := p&PrivacyNone != 0 && p != PrivacyNone
	return when(p&privacyWithholds != 0 || mixed, privacyAsked) | when(p == PrivacyNone, privacyNone) |
		when(p&PrivacySession != 0, privacySession) | when(p&PrivacyHistory != 0, privacyHistory) |
		when(p&PrivacyCritical != 0, privacyCritical) | when(p&PrivacyUnknown != 0, privacyUnknownToken)
}

func when(b bool, f fact) fact {
	if b {
		return f
	}
	return 0
}
