package numbering

// The Dutch plan, "Nummerplan telefoon- en ISDN-diensten" (BWBR0010198), as far
// as phonenumbers does not read it (STANDARDS 4.4).

// dutchNSN is the length of an ordinary national significant number.
const dutchNSN = 9

// dutchShort lists the short numbers: they have no E.164 form and stay local.
var dutchShort = []struct {
	prefix   string
	min, max int
	what     string
}{
	{"112", 3, 3, "emergency"},
	{"113", 3, 3, "suicide prevention"},
	{"144", 3, 3, "animals in distress"},
	{"116", 6, 6, "numbers of social value"},
	{"12", 4, 4, "operator services"},
	{"140", 5, 6, "government, 14 and the area code"},
	{"18", 4, 4, "directory enquiries"},
}

// isShort tells whether dial is exactly a short number of the plan.
func (p *Plan) isShort(dial []byte) bool {
	if !p.dutch {
		return p.emergencyDial(dial)
	}
	if len(dial) < 3 || len(dial) > 6 || !allDigits(dial) {
		return false
	}
	for i := range dutchShort {
		s := &dutchShort[i]
		if len(dial) >= s.min && len(dial) <= s.max && string(dial[:len(s.prefix)]) == s.prefix {
			return true
		}
	}
	return false
}

// dutchNumber reads digits as dialled in the Netherlands.
func (p *Plan) dutchNumber(dial []byte, form Form) Number {
	switch {
	case len(dial) > 2 && dial[0] == '0' && dial[1] == '0':
		return New(International, dial[2:])
	case len(dial) >= minNational && dial[0] == '0':
		return join(p.code, dial[1:])
	case form&BareCountry != 0 && len(dial) == len(p.code)+dutchNSN && string(dial[:2]) == "31":
		return New(International, dial)
	}
	return New(Short, dial)
}

// minNational: below this many digits a leading 0 is no trunk prefix.
const minNational = 5

// dutchPossible tells whether a national significant number has the length of
// its class: 0800 and 090x are dialled with 8 or 11 digits, 097 with 12, all
// others with 10.
func dutchPossible(nsn []byte) bool {
	if len(nsn) < 3 || nsn[0] == '0' {
		return false
	}
	switch string(nsn[:3]) {
	case "800", "900", "906", "909":
		return len(nsn) == 7 || len(nsn) == 10
	}
	if string(nsn[:2]) == "97" {
		return len(nsn) == 11
	}
	return len(nsn) == dutchNSN
}

// carrierLen is the length of a carrier select prefix, 16xx.
const carrierLen = 4

// carrier answers the 16xx prefix in front of dial, zero when there is none.
// As with 131, digits are a prefix only in front of something dialable:
// 1 612 555 0100 is a number.
func (p *Plan) carrier(codes *CodeSet, dial []byte) uint16 {
	if !p.dutch || len(dial) <= carrierLen || dial[0] != '1' || dial[1] != '6' ||
		!allDigits(dial[:carrierLen]) || !p.dialable(codes, dial[carrierLen:]) {
		return 0
	}
	return 1600 + 10*uint16(dial[2]-'0') + uint16(dial[3]-'0')
}
