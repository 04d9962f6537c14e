package rules

// The names below are those of the admin API, of records and of metrics.

// String is the letter of the class; "unknown" for the zero value.
func (c Class) String() string { return name(c, []string{"unknown", "N", "W", "E"}) }

// String is the row of STANDARDS 0.2, "D1" to "D9".
func (r Rule) String() string {
	return name(r, []string{"unknown", "D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8", "D9"})
}

var clirNames = []string{"none", "permanent", "temporary-restricted", "temporary-allowed"}

// String is the mode as the admin API spells it.
func (c CLIR) String() string { return name(c, clirNames) }

// ParseCLIR is the inverse of String.
func ParseCLIR(s string) (CLIR, bool) { return parseName[CLIR](s, clirNames) }

var tirNames = []string{"none", "permanent", "temporary"}

// String is the mode as the admin API spells it.
func (t TIR) String() string { return name(t, tirNames) }

// ParseTIR is the inverse of String.
func ParseTIR(s string) (TIR, bool) { return parseName[TIR](s, tirNames) }

var mcidNames = []string{"none", "temporary", "permanent", "unanswered"}

// String is the mode as the admin API spells it.
func (m MCID) String() string { return name(m, mcidNames) }

// ParseMCID is the inverse of String.
func ParseMCID(s string) (MCID, bool) { return parseName[MCID](s, mcidNames) }

func name[T ~uint8](v T, names []string) string {
	if int(v) < len(names) {
		return names[v]
	}
	return "invalid"
}

func parseName[T ~uint8](s string, names []string) (T, bool) {
	for i, n := range names {
		if n == s {
			return T(i), true
		}
	}
	return 0, false
}
