package numbering

import (
	"strconv"
	"sync"

	"github.com/nyaruka/phonenumbers"
)

// countryCodes says which calling codes are assigned (ITU-T E.164 annex) and
// where a national number is dialled behind a 0.
type countryCodes struct {
	assigned [1000]bool
	zero     [1000]bool
}

var loadCountryCodes = sync.OnceValue(func() *countryCodes {
	c := new(countryCodes)
	for code := range phonenumbers.GetSupportedCallingCodes() {
		c.assigned[code] = true
		region := phonenumbers.GetRegionCodeForCountryCode(code)
		c.zero[code] = phonenumbers.GetNddPrefixForRegion(region, true) == "0"
	}
	return c
})

// split answers the calling code that digits begin with and its length. Codes
// are prefix-free; an unassigned one counts three digits.
func (c *countryCodes) split(digits []byte) (code, length int) {
	for length < 3 && length < len(digits) {
		code = code*10 + int(digits[length]-'0')
		length++
		if c.assigned[code] && digits[0] != '0' {
			break
		}
	}
	return code, length
}

func (c *countryCodes) trunkZero(digits []byte) bool {
	code, length := c.split(digits)
	return length == len(digits) && c.zero[code]
}

// NSN appends the national significant number: the digits without the country
// code; of a short number all of them.
func (p *Plan) NSN(n Number, dst []byte) []byte {
	if n.Kind() != International {
		return n.Append(dst)
	}
	start := len(dst)
	dst = n.Append(dst)
	_, length := p.countries.split(dst[start:])
	return append(dst[:start], dst[start+length:]...)
}

// National appends the number as it is dialled at home: "0" and the national
// number, "00" and all digits of a foreign one, a short number as it is.
func (p *Plan) National(n Number, dst []byte) []byte {
	if n.Kind() != International {
		return n.Append(dst)
	}
	if !p.IsHome(n) {
		return n.Append(append(dst, "00"...))
	}
	if code, _ := strconv.Atoi(string(p.code)); p.countries.zero[code] {
		dst = append(dst, '0')
	}
	return p.NSN(n, dst)
}

// IsHome tells whether an international number has the home country's code.
func (p *Plan) IsHome(n Number) bool {
	if n.Kind() != International {
		return false
	}
	var buf [maxDigits]byte
	digits := n.Append(buf[:0])
	_, length := p.countries.split(digits)
	return string(digits[:length]) == string(p.code)
}
