package rules

import (
	"testing"
	"time"

	"clirgate/numbering"
	"pgregory.net/rapid"
)

func number(digits string) numbering.Number {
	return numbering.New(numbering.International, []byte(digits))
}

// The lines of the samples: A plain, P permanent, R default restricted, B plain
// callee, C with ACR, O with override, Z with TIR, Q without CLIP.
var (
	lineA = number("31205550101")
	lineP = number("31205550102")
	lineR = number("31205550103")
	lineT = number("31205550104")
	lineB = number("31705550199")
	lineC = number("31705550133")
	lineO = number("31705550110")
	lineZ = number("31705550188")
	lineQ = number("31705550177")
	lineM = number("31705550166")
	lineU = number("31705550155")
	lineS = number("31705550144")
)

func lines() *Snapshot {
	t := new(Table)
	_ = t.Load(func(put func(Subscriber)) (uint64, error) {
		put(Subscriber{Number: lineP, CLIR: CLIRPermanent})
		put(Subscriber{Number: lineR, CLIR: CLIRTemporaryRestricted})
		put(Subscriber{Number: lineT, CLIR: CLIRTemporaryAllowed})
		put(Subscriber{Number: lineC, ACR: true})
		put(Subscriber{Number: lineO, Override: true})
		put(Subscriber{Number: lineZ, TIR: TIRPermanent})
		put(Subscriber{Number: lineQ, CLIPOff: true})
		put(Subscriber{Number: lineM, MCID: MCIDPermanent, ACR: true})
		put(Subscriber{Number: lineU, MCID: MCIDUnanswered})
		put(Subscriber{Number: lineS, MCID: MCIDTemporary})
		return 7, nil
	})
	return t.Snapshot()
}

// STANDARDS 6.1: the class for every Privacy value and every mode, and the
// flags beside it.
func TestClassByPrivacyAndMode(t *testing.T) {
	s := lines()
	modes := []numbering.Number{lineA, lineT, lineR, lineP}
	for _, c := range []struct {
		privacy Privacy
		classes string // none, temporary allowed, temporary restricted, permanent
		rules   [4]Rule
		s, h, c bool
	}{
		{PrivacyAbsent, "NNWW", [4]Rule{D8, D8, D7, D2}, false, false, false},
		{PrivacyNone, "NNNW", [4]Rule{D6, D6, D6, D2}, false, false, false},
		{PrivacyID, "WWWW", [4]Rule{D4, D4, D4, D2}, false, false, false},
		{PrivacyHeader, "WWWW", [4]Rule{D4, D4, D4, D2}, false, false, false},
		{PrivacyUser, "WWWW", [4]Rule{D4, D4, D4, D2}, false, false, false},
		{PrivacySession, "NNWW", [4]Rule{D8, D8, D7, D2}, true, false, false},
		{PrivacyHistory, "NNWW", [4]Rule{D8, D8, D7, D2}, false, true, false},
		{PrivacySession | PrivacyHistory, "NNWW", [4]Rule{D8, D8, D7, D2}, true, true, false},
		{PrivacyCritical, "NNWW", [4]Rule{D8, D8, D7, D2}, false, false, true},
		{PrivacyID | PrivacyCritical, "WWWW", [4]Rule{D4, D4, D4, D2}, false, false, true},
		{PrivacySession | PrivacyCritical, "NNWW", [4]Rule{D8, D8, D7, D2}, true, false, true},
		{PrivacyUnknown, "WWWW", [4]Rule{D4, D4, D4, D2}, false, false, false},
		{PrivacyMalformed, "WWWW", [4]Rule{D4, D4, D4, D2}, false, false, false},
		{PrivacyNone | PrivacyID, "WWWW", [4]Rule{D4, D4, D4, D2}, false, false, false},
		{PrivacyNone | PrivacySession, "WWWW", [4]Rule{D4, D4, D4, D2}, true, false, false},
		{PrivacyNone | PrivacyCritical, "WWWW", [4]Rule{D4, D4, D4, D2}, false, false, true},
	} {
		for i, caller := range modes {
			call := Call{Caller: caller, Called: lineB, Privacy: c.privacy, TrustedSource: true}
			got := Decide(s, &call)
			if got.Class.String() != c.classes[i:i+1] || got.Rule != c.rules[i] || got.Revision != 7 ||
				got.ScrubMedia != c.s || got.ScrubHistory != c.h || got.Critical != c.c {
				t.Errorf("privacy %b, mode %d: %+v", c.privacy, i, got)
			}
			call.Emergency = true
			if got := Decide(s, &call); got != (Treatment{Class: E, Rule: D1, Revision: 7}) {
				t.Errorf("privacy %b, mode %d, emergency: %+v", c.privacy, i, got)
			}
		}
	}
}

// STANDARDS 0.2, row by row and against each other.
func TestPrecedence(t *testing.T) {
	s := lines()
	for name, c := range map[string]struct {
		call  Call
		class Class
		rule  Rule
	}{
		"plain":                                 {Call{Caller: lineA, TrustedSource: true}, N, D8},
		"caller unknown":                        {Call{}, N, D8},
		"emergency over everything":             {Call{Caller: lineP, Emergency: true, Withhold: true, Privacy: PrivacyID, AnonymousFrom: true, TrustedSource: true}, E, D1},
		"permanent":                             {Call{Caller: lineP, TrustedSource: true}, W, D2},
		"permanent over present code":           {Call{Caller: lineP, Present: true, TrustedSource: true}, W, D2},
		"permanent over none":                   {Call{Caller: lineP, Privacy: PrivacyNone, TrustedSource: true}, W, D2},
		"permanent, but nobody vouches":         {Call{Caller: lineP}, N, D8},
		"withhold code":                         {Call{Caller: lineA, Withhold: true, TrustedSource: true}, W, D3},
		"withhold code over none":               {Call{Caller: lineA, Withhold: true, Privacy: PrivacyNone, TrustedSource: true}, W, D3},
		"withhold code over present code":       {Call{Caller: lineR, Withhold: true, Present: true, TrustedSource: true}, W, D3},
		"privacy over present code":             {Call{Caller: lineA, Privacy: PrivacyID, Present: true, TrustedSource: true}, W, D4},
		"anonymous From":                        {Call{Caller: lineA, AnonymousFrom: true, TrustedSource: true}, W, D5},
		"anonymous From over present code":      {Call{Caller: lineA, AnonymousFrom: true, Present: true, TrustedSource: true}, W, D5},
		"anonymous From of a stranger":          {Call{AnonymousFrom: true}, N, D8},
		"present code lifts default restricted": {Call{Caller: lineR, Present: true, TrustedSource: true}, N, D6},
		"none lifts default restricted":         {Call{Caller: lineR, Privacy: PrivacyNone, TrustedSource: true}, N, D6},
		"default restricted":                    {Call{Caller: lineR, TrustedSource: true}, W, D7},
		"temporary allowed":                     {Call{Caller: lineT, TrustedSource: true}, N, D8},
	} {
		if got := Decide(s, &c.call); got.Class != c.class || got.Rule != c.rule {
			t.Errorf("%s: %s by %s", name, got.Class, got.Rule)
		}
	}
	for name, c := range map[string]struct {
		call  Call
		class Class
		rule  Rule
	}{
		"emergency":      {Call{Emergency: true}, E, D1},
		"plain":          {Call{Caller: lineA, TrustedSource: true}, W, D9},
		"present code":   {Call{Caller: lineA, Present: true, TrustedSource: true}, W, D9},
		"none":           {Call{Caller: lineA, Privacy: PrivacyNone, TrustedSource: true}, W, D9},
		"stranger":       {Call{}, W, D9},
		"withhold code":  {Call{Withhold: true}, W, D3},
		"Privacy header": {Call{Privacy: PrivacyID}, W, D4},
	} {
		if got := Decide(nil, &c.call); got.Class != c.class || got.Rule != c.rule {
			t.Errorf("rules unreadable, %s: %s by %s", name, got.Class, got.Rule)
		}
	}
}

func TestServicesOfTheCalledParty(t *testing.T) {
	s := lines()
	f := func(name string, c Call, want Treatment) {
		t.Helper()
		got := Decide(s, &c)
		got.Rule, got.Revision = 0, 0
		if got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
		}
	}
	f("ACR, withheld", Call{Caller: lineA, Called: lineC, Withhold: true, TrustedSource: true}, Treatment{Class: W, RefuseACR: true})
	f("ACR, permanent", Call{Caller: lineP, Called: lineC, TrustedSource: true}, Treatment{Class: W, RefuseACR: true})
	f("ACR, arrived restricted", Call{Called: lineC, Restricted: true}, Treatment{Class: N, RefuseACR: true})
	f("ACR, stranger with Privacy: id", Call{Called: lineC, Privacy: PrivacyID}, Treatment{Class: W, RefuseACR: true})
	f("ACR, identity missing", Call{Called: lineC}, Treatment{Class: N})
	f("ACR, identity shown", Call{Caller: lineA, Called: lineC, TrustedSource: true}, Treatment{Class: N})
	f("ACR, call-back", Call{Called: lineC, Privacy: PrivacyID, CallBack: true}, Treatment{Class: W})
	f("ACR, caller with override category", Call{Caller: lineO, Called: lineC, Withhold: true, TrustedSource: true}, Treatment{Class: W})
	f("ACR, emergency", Call{Caller: lineA, Called: lineC, Withhold: true, Emergency: true}, Treatment{Class: E})
	f("override", Call{Caller: lineP, Called: lineO, TrustedSource: true}, Treatment{Class: W, Override: true})
	f("override, not from outside", Call{Called: lineO, Privacy: PrivacyID}, Treatment{Class: W})
	f("TIR", Call{Caller: lineA, Called: lineZ, TrustedSource: true}, Treatment{Class: N, CalleeWithheld: true})
	f("TIR, emergency", Call{Caller: lineA, Called: lineZ, Emergency: true}, Treatment{Class: E})
	f("CLIP off", Call{Caller: lineA, Called: lineQ, TrustedSource: true}, Treatment{Class: N, HideFromCallee: true})
	f("CLIP off, withheld", Call{Caller: lineP, Called: lineQ, TrustedSource: true}, Treatment{Class: W, HideFromCallee: true})
	f("MCID permanent, shown", Call{Caller: lineA, Called: lineM, TrustedSource: true}, Treatment{Class: N})
	f("MCID permanent, withheld and refused", Call{Caller: lineP, Called: lineM, TrustedSource: true}, Treatment{Class: W, RefuseACR: true})
	f("MCID permanent, withheld, call-back", Call{Caller: lineP, Called: lineM, TrustedSource: true, CallBack: true}, Treatment{Class: W, MarkAlways: true})
	f("MCID permanent, emergency", Call{Caller: lineP, Called: lineM, Emergency: true}, Treatment{Class: E})
	f("MCID unanswered", Call{Caller: lineP, Called: lineU, TrustedSource: true}, Treatment{Class: W, MarkUnanswered: true})
	f("MCID unanswered, shown", Call{Caller: lineA, Called: lineU, TrustedSource: true}, Treatment{Class: N})
	f("MCID temporary", Call{Caller: lineP, Called: lineS, TrustedSource: true}, Treatment{Class: W})
	f("unknown token, critical", Call{Privacy: PrivacyUnknown | PrivacyCritical}, Treatment{Class: W, Critical: true, UnknownToken: true})

	both := new(Table)
	_ = both.Load(func(put func(Subscriber)) (uint64, error) {
		put(Subscriber{Number: lineO, Override: true, ACR: true, TIR: TIRTemporary})
		return 0, nil
	})
	c := Call{Caller: lineA, Called: lineO, Withhold: true, TrustedSource: true}
	if got := Decide(both.Snapshot(), &c); got.RefuseACR || !got.Override || got.CalleeWithheld {
		t.Errorf("who sees withheld numbers refuses none, and TIR temporary waits for the called party: %+v", got)
	}
}

// A rule past its end does not count, from the second of its end on.
func TestUntil(t *testing.T) {
	end := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	table := new(Table)
	_ = table.Load(func(put func(Subscriber)) (uint64, error) {
		put(Subscriber{Number: lineP, CLIR: CLIRPermanent, Until: end})
		put(Subscriber{Number: lineC, ACR: true, Until: end})
		return 0, nil
	})
	for at, want := range map[int64]Treatment{
		end.Unix() - 1: {Class: W, Rule: D2, RefuseACR: true},
		end.Unix():     {Class: N, Rule: D8},
		end.Unix() + 9: {Class: N, Rule: D8},
	} {
		call := Call{Caller: lineP, Called: lineC, TrustedSource: true, Now: at}
		if got := Decide(table.Snapshot(), &call); got != want {
			t.Errorf("%d s from the end: %+v", at-end.Unix(), got)
		}
	}
}

func anyCall(rt *rapid.T) Call {
	line := rapid.SampledFrom([]numbering.Number{0, lineA, lineP, lineR, lineT, lineB, lineC, lineO, lineZ, lineQ, lineM, lineU, lineS})
	flag := func(name string) bool { return rapid.Bool().Draw(rt, name) }
	return Call{
		Caller: line.Draw(rt, "caller"), Called: line.Draw(rt, "called"), Emergency: flag("emergency"), Withhold: flag("withhold"),
		Present: flag("present"), Privacy: Privacy(rapid.Uint16Range(0, 1<<9-1).Draw(rt, "privacy")), AnonymousFrom: flag("anonymous"),
		TrustedSource: flag("trusted"), Restricted: flag("restricted"), CallBack: flag("callback"), Now: rapid.Int64().Draw(rt, "now"),
	}
}

func TestDecideProperties(t *testing.T) {
	s := lines()
	rapid.Check(t, func(rt *rapid.T) {
		c := anyCall(rt)
		got := Decide(s, &c)
		none := Decide(nil, &c)
		switch {
		case c.Emergency && (got != Treatment{Class: E, Rule: D1, Revision: 7} || none != Treatment{Class: E, Rule: D1}):
			rt.Fatalf("emergency is not shown, or something is done beside: %+v %+v", got, none)
		case c.Emergency:
			return
		case none.Class != W:
			rt.Fatalf("shown although the rules cannot be read: %+v", none)
		case got.Class != W && got.Class != N:
			rt.Fatalf("no class: %+v", got)
		case c.TrustedSource && c.Caller == lineP && got.Rule != D2:
			rt.Fatalf("permanent lifted: %+v", got)
		case c.Withhold && got.Class != W:
			rt.Fatalf("a withhold code presents: %+v", got)
		case c.Privacy&privacyWithholds != 0 && got.Class != W:
			rt.Fatalf("Privacy %b presents: %+v", c.Privacy, got)
		case got.RefuseACR && (c.Called != lineC && c.Called != lineM || c.CallBack || got.Class == N && !c.Restricted):
			rt.Fatalf("refused without need: %+v", got)
		}
		// Asking for more privacy never gives less.
		c.Withhold = true
		if more := Decide(s, &c); more.Class != W {
			rt.Fatalf("withhold code added: %+v", more)
		}
	})
}

// The explanation is the decision: same treatment, one deciding row, and the
// row it names.
func TestExplainEqualsDecide(t *testing.T) {
	s := lines()
	rapid.Check(t, func(rt *rapid.T) {
		c := anyCall(rt)
		snapshot := s
		if rapid.Bool().Draw(rt, "unreadable") {
			snapshot = nil
		}
		got, steps := Explain(snapshot, &c)
		if want := Decide(snapshot, &c); got != want {
			rt.Fatalf("decided %+v, explained %+v", want, got)
		}
		if len(steps) != len(precedence)+len(services) {
			rt.Fatalf("%d steps", len(steps))
		}
		deciding := 0
		for i, step := range steps {
			if step.Why == "" || step.Clause == "" || step.Rule == "" {
				if step.Rule != "D8" {
					rt.Fatalf("step without words: %+v", step)
				}
			}
			if i < len(precedence) && step.Fired {
				deciding++
				if step.Rule != got.Rule.String() {
					rt.Fatalf("decided by %s, explained by %s", got.Rule, step.Rule)
				}
			}
		}
		if deciding != 1 {
			rt.Fatalf("%d rows decide", deciding)
		}
	})
}

func TestExplainSaysWhy(t *testing.T) {
	call := Call{Caller: lineP, Called: lineC, Present: true, TrustedSource: true}
	_, steps := Explain(lines(), &call)
	for rule, want := range map[string]string{
		"D1":  "the destination is no emergency destination",
		"D2":  "the caller's line has permanent CLIR, which nothing in the call lifts",
		"D6":  "not reached: D2 decided",
		"ACR": "the called party refuses calls whose identity is restricted: 433",
		"TIR": "the called party has no permanent TIR",
	} {
		found := false
		for _, s := range steps {
			found = found || s.Rule == rule && s.Why == want
		}
		if !found {
			t.Errorf("%s does not say %q: %+v", rule, want, steps)
		}
	}
}

func TestDecideDoesNotAllocate(t *testing.T) {
	s := lines()
	var sink Treatment
	if n := testing.AllocsPerRun(100, func() {
		c := Call{Caller: lineP, Called: lineC, Privacy: PrivacyID, TrustedSource: true}
		sink = Decide(s, &c)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	_ = sink
}

func TestNames(t *testing.T) {
	if N.String() != "N" || D9.String() != "D9" || Class(9).String() != "invalid" || TIRTemporary.String() != "temporary" {
		t.Error("names")
	}
	for c := CLIRNone; c <= CLIRTemporaryAllowed; c++ {
		if back, ok := ParseCLIR(c.String()); !ok || back != c {
			t.Errorf("%s reads back otherwise", c)
		}
	}
	for m := MCIDNone; m <= MCIDUnanswered; m++ {
		if back, ok := ParseMCID(m.String()); !ok || back != m {
			t.Errorf("%s reads back otherwise", m)
		}
	}
	if _, ok := ParseTIR("always"); ok {
		t.Error("a TIR mode nobody defined")
	}
}
