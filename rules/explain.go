package rules

// Step is one rule that was considered. It holds no number.
type Step struct {
	Rule   string // "D1" to "D9", or the service: "S", "H", "C", "ACR", "TIR" ...
	Clause string // where it is written
	Fired  bool
	Why    string // in words, what held or did not
}

// Explain is Decide with its steps kept: the same walk, so the treatment is the
// call's and the steps are what led to it. Every rule is listed; the ones
// behind the deciding one say that they were not reached.
func Explain(s *Snapshot, c *Call) (Treatment, []Step) {
	steps := make([]Step, 0, len(precedence)+len(services))
	t := walk(s, c, &steps)
	return t, steps
}

func step(rule, clause, yes, no string, fired bool, decided Rule) Step {
	why := no
	switch {
	case fired:
		why = yes
	case decided != RuleUnknown:
		why = "not reached: " + decided.String() + " decided"
	}
	return Step{Rule: rule, Clause: clause, Fired: fired, Why: why}
}
