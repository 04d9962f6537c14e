package numbering

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Plan is how numbers without a country code are read at home, and what is an
// emergency number there. It is immutable but for a cache that changes no
// answer, and safe for concurrent use.
type Plan struct {
	country   string // ISO 3166-1 alpha-2
	code      []byte // country calling code, digits
	dutch     bool
	countries *countryCodes

	emergency      []string // every dial string that is an emergency number
	emergencySet   []Number
	emergencyCodes *CodeSet
	lookups        *lookupCache // other countries: what phonenumbers answered
}

// NewPlan makes the plan of a country (ISO 3166-1 alpha-2). "NL" is the Dutch
// plan of STANDARDS 4.4; other countries are read by phonenumbers. emergency
// lists further emergency numbers as they are dialled ("112", or a test number
// "+31880000112"); 112 always is one.
func NewPlan(country string, emergency []string) (*Plan, error) {
	country = strings.ToUpper(country)
	code := phonenumbers.GetCountryCodeForRegion(country)
	if code == 0 {
		return nil, fmt.Errorf("home country %q: not an ISO 3166 code of a country with telephone numbers", country)
	}
	p := &Plan{
		country: country, code: strconv.AppendInt(nil, int64(code), 10), dutch: country == "NL",
		countries: loadCountryCodes(), emergencyCodes: DefaultCodes(),
	}
	if !p.dutch {
		p.lookups = new(lookupCache)
		emergency = append(emergencyNumbersOf(country), emergency...)
	}
	p.addEmergency("112")
	for i, text := range emergency {
		if err := p.addEmergencyText(text); err != nil {
			return nil, fmt.Errorf("emergency number %d of %d: %w", i+1, len(emergency), err)
		}
	}
	return p, nil
}

var errEmergencyText = errors.New("must be digits as dialled (112), or + and the digits of a full number")

func (p *Plan) addEmergencyText(text string) error {
	n := p.Parse([]byte(text), Phone)
	switch n.Kind() {
	case Short:
		p.addEmergency(string(n.Append(nil)))
	case International:
		if !p.isEmergency(n) {
			p.emergencySet = append(p.emergencySet, n)
		}
	default:
		return errEmergencyText
	}
	return nil
}

// AppendCode appends the home country's calling code, digits only.
func (p *Plan) AppendCode(dst []byte) []byte { return append(dst, p.code...) }

// Country is the ISO code of the home country.
func (p *Plan) Country() string { return p.country }

// number reads dial characters without codes. context holds the digits of a
// global phone-context; empty: local (STANDARDS 4.4 step 5).
func (p *Plan) number(dial, context []byte, form Form) Number {
	switch {
	case len(dial) == 0:
		return 0
	case dial[0] == '+':
		return p.international(dial[1:])
	case !allDigits(dial):
		return 0
	case p.isShort(dial):
		return New(Short, dial)
	case len(context) > 0 && !p.homeNational(dial, context):
		return p.inContext(dial, context)
	case p.dutch:
		return p.dutchNumber(dial, form)
	}
	return p.lookup(dial)
}

// homeNational: a number dialled in full, "00" or trunk prefix and number, to
// which a phone-context was added all the same.
func (p *Plan) homeNational(dial, context []byte) bool {
	if len(dial) < 2 || dial[0] != '0' {
		return false
	}
	return dial[1] == '0' || len(context) >= len(p.code) && string(context[:len(p.code)]) == string(p.code)
}

// inContext puts a global phone-context in front of a local number (RFC 3966
// section 5.1.5), without the trunk prefix where the country dials one.
func (p *Plan) inContext(dial, context []byte) Number {
	if dial[0] == '0' && p.countries.trunkZero(context) {
		dial = dial[1:]
	}
	return join(context, dial)
}

// international reads the digits behind a "+".
func (p *Plan) international(digits []byte) Number {
	// "+31 (0)70 ..." as people write it: a Dutch number never begins with 0.
	if p.dutch && len(digits) == len("31")+1+dutchNSN && string(digits[:3]) == "310" {
		return join(p.code, digits[3:])
	}
	return New(International, digits)
}

// join makes an international number of two parts; zero when it is too long.
func join(a, b []byte) Number {
	var buf [2 * maxDial]byte
	if len(b) == 0 || len(a)+len(b) > maxDigits {
		return 0
	}
	n := copy(buf[:], a)
	n += copy(buf[n:], b)
	return New(International, buf[:n])
}
