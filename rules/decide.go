package rules

// precedence is STANDARDS 0.2, top-down, the first row that holds one of the
// call's facts decides. D9 stands before what could present: with the rules
// unreadable nobody knows that the line is not a permanent one.
var precedence = [...]struct {
	rule    Rule
	any     fact
	class   Class
	clause  string
	yes, no string
}{
	{D1, emergency, E, "STANDARDS 0.2 D1, 0.4; Telecommunicatiewet 11.10(1)(a)",
		"the destination is an emergency destination: the number is always shown",
		"the destination is no emergency destination"},
	{D2, permanent, W, "STANDARDS 0.2 D2; TS 24.607 4.5.2.4",
		"the caller's line has permanent CLIR, which nothing in the call lifts",
		"the caller's line has no permanent CLIR, or it cannot be looked up (nobody vouches for the number, or the rules cannot be read)"},
	{D3, withholdCode, W, "STANDARDS 0.2 D3, 0.3",
		"a code was dialled that withholds the number for this call",
		"no code that withholds was dialled"},
	{D4, privacyAsked, W, "STANDARDS 0.2 D4; RFC 3323 4.2, RFC 3325 9.3",
		"the Privacy header asks for it with id, header or user, or cannot be understood",
		"the Privacy header asks for no withholding"},
	{D5, anonymousFrom, W, "STANDARDS 0.2 D5; RFC 3323 4.1.1.3",
		"a trusted user agent sent an anonymous From",
		"From is not anonymous, or its sender is not trusted"},
	{D9, unreadable, W, "STANDARDS 0.2 D9, 0.5",
		"the rules cannot be read: in doubt the number is withheld",
		"the rules can be read"},
	{D6, presentCode | privacyNone, N, "STANDARDS 0.2 D6; RFC 3323 4.2",
		"a code that presents was dialled, or Privacy is none alone",
		"neither a code that presents nor Privacy: none"},
	{D7, defaultRestricted, W, "STANDARDS 0.2 D7; TS 24.607 4.5.2.4",
		"the caller's line has temporary CLIR, restricted by default",
		"the caller's line is not restricted by default"},
	{D8, always, N, "STANDARDS 0.2 D8",
		"nothing withholds the number: it is shown by default", ""},
}

// effect is one flag of a Treatment.
type effect uint16

const (
	scrubMedia effect = 1 << iota
	scrubHistory
	critical
	unknownToken
	override
	refuseACR
	hideFromCallee
	calleeWithheld
	markAlways
	markUnanswered
)

// services are what is done beside the class, in the order of the terminating
// side (GPP-14). A row fires when it has all of all, one of any (if any is
// given), and none of none. Never for E.
var services = [...]struct {
	name           string
	all, any, none fact
	effect         effect
	then           fact // known to the rows below once fired
	clause         string
	yes, no        string
}{
	{name: "S", all: privacySession, effect: scrubMedia, clause: "STANDARDS 6.1, 6.7; RFC 3323 5.2",
		yes: "Privacy: session: identity in SDP is scrubbed", no: "no Privacy: session"},
	{name: "H", all: privacyHistory, effect: scrubHistory, clause: "STANDARDS 6.1, 6.4; RFC 7044 10.1.2",
		yes: "Privacy: history: History-Info is anonymised", no: "no Privacy: history"},
	{name: "C", all: privacyCritical, effect: critical, clause: "STANDARDS 6.1; RFC 3323 5",
		yes: "Privacy: critical: the call is refused when a level cannot be done", no: "no Privacy: critical"},
	{name: "unknown token", all: privacyUnknownToken, effect: unknownToken, clause: "STANDARDS 0.2 D4; RFC 3323 5",
		yes: "Privacy holds a token that nobody defined", no: "no unknown token in Privacy"},
	{name: "override", all: calleeOverride | trusted, effect: override, then: overridden, clause: "STANDARDS 3 GPP-09; TS 23.081 2.1.2",
		yes: "the called party is entitled to see withheld numbers", no: "the called party has no override category, or the call comes from outside the trust domain"},
	{name: "ACR", all: calleeACR, any: withheld | restricted, none: callBack | callerOverride | overridden, effect: refuseACR, then: refused,
		clause: "STANDARDS 3 GPP-13; TS 24.611 4.2.1; RFC 5079",
		yes:    "the called party refuses calls whose identity is restricted: 433",
		no:     "the called party has no anonymous call rejection, or the identity is not restricted (missing is not restricted), or call-back or override category passes"},
	{name: "MCID", all: calleeMarksAll, any: withheld, none: refused, effect: markAlways,
		clause: "STANDARDS 3 GPP-14, GPP-16; TS 24.616 4.1",
		yes:    "the called party has every withheld call marked as malicious",
		no:     "the called party has no permanent malicious communication identification, or the call is not withheld"},
	{name: "MCID unanswered", all: calleeMarksUnanswered, any: withheld, none: refused, effect: markUnanswered,
		clause: "STANDARDS 3 GPP-14, GPP-16; TS 24.616 4.1",
		yes:    "the called party has withheld calls that nobody answers marked as malicious",
		no:     "the called party has no such arrangement, or the call is not withheld"},
	{name: "CLIP off", all: calleeCLIPOff, effect: hideFromCallee, clause: "STANDARDS 4.1 LAW-02; Telecommunicatiewet 11.9(1)(b)1",
		yes: "the called party wants no numbers delivered", no: "the called party takes numbers"},
	{name: "TIR", all: calleeTIR, effect: calleeWithheld, clause: "STANDARDS 3 GPP-12; TS 24.608 4.2.1",
		yes: "the called party's identity is withheld from the caller", no: "the called party has no permanent TIR"},
}

// serviceFacts are those without which no row of services fires.
var serviceFacts = func() (f fact) {
	for i := range services {
		f |= services[i].all
	}
	return f &^ trusted
}()

// Decide answers how a call's identity is treated. A nil snapshot means that
// the rules cannot be read. It is pure, takes no lock and allocates nothing.
func Decide(s *Snapshot, c *Call) Treatment { return walk(s, c, nil) }

// walk goes through both tables; Decide and Explain are this walk without and
// with its steps kept.
func walk(s *Snapshot, c *Call, steps *[]Step) Treatment {
	f := factsOf(s, c)
	t := Treatment{Revision: s.Revision()}
	for i := range precedence {
		row := &precedence[i]
		fired := t.Rule == RuleUnknown && f&row.any != 0
		if steps != nil {
			*steps = append(*steps, step(row.rule.String(), row.clause, row.yes, row.no, fired, t.Rule))
		}
		if fired {
			t.Rule, t.Class = row.rule, row.class
			if steps == nil {
				break
			}
		}
	}
	f |= when(t.Class == W, withheld)
	var done effect
	if steps == nil && f&serviceFacts == 0 {
		return t // most calls: nothing beside the class
	}
	for i := range services {
		row := &services[i]
		fired := t.Class != E && f&row.all == row.all && (row.any == 0 || f&row.any != 0) && f&row.none == 0
		if fired {
			done |= row.effect
			f |= row.then
		}
		if steps != nil {
			*steps = append(*steps, step(row.name, row.clause, row.yes, row.no, fired, onlyE(t)))
		}
	}
	t.set(done)
	return t
}

func onlyE(t Treatment) Rule {
	if t.Class == E {
		return t.Rule
	}
	return RuleUnknown
}

func (t *Treatment) set(done effect) {
	t.ScrubMedia = done&scrubMedia != 0
	t.ScrubHistory = done&scrubHistory != 0
	t.Critical = done&critical != 0
	t.UnknownToken = done&unknownToken != 0
	t.Override = done&override != 0
	t.RefuseACR = done&refuseACR != 0
	t.HideFromCallee = done&hideFromCallee != 0
	t.CalleeWithheld = done&calleeWithheld != 0
	t.MarkAlways = done&markAlways != 0
	t.MarkUnanswered = done&markUnanswered != 0
}
