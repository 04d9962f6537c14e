package numbering

import (
	"fmt"
	"slices"

	"github.com/nyaruka/phonenumbers"
)

// addEmergency adds a short emergency number in its three spellings
// (STANDARDS 0.4): as dialled, with "+" and with "00" and the country code.
func (p *Plan) addEmergency(short string) {
	if slices.Contains(p.emergency, short) {
		return
	}
	p.emergency = append(p.emergency, short, "+"+string(p.code)+short, "00"+string(p.code)+short)
	p.emergencySet = append(p.emergencySet,
		New(Short, []byte(short)), New(International, []byte(string(p.code)+short)))
}

// emergencyDial tells whether dial is exactly an emergency number, whatever
// phone-context stands beside it.
func (p *Plan) emergencyDial(dial []byte) bool {
	for _, e := range p.emergency {
		if string(dial) == e {
			return true
		}
	}
	return false
}

// emergencyNumber is the short Number behind a dial string of emergencyDial.
func (p *Plan) emergencyNumber(dial []byte) Number {
	for i := 0; i < len(p.emergency); i += 3 {
		for _, e := range p.emergency[i : i+3] {
			if string(dial) == e {
				return New(Short, []byte(p.emergency[i]))
			}
		}
	}
	return 0
}

func (p *Plan) isEmergency(n Number) bool { return n != 0 && slices.Contains(p.emergencySet, n) }

// IsEmergency tells whether a Number made by this plan is an emergency number.
func (p *Plan) IsEmergency(n Number) bool { return p.isEmergency(n) }

const sosURN = "urn:service:sos"

// EmergencyURN tells whether b is urn:service:sos or a service below it (RFC
// 5031 sections 3 and 4.2), in any case. Other service URNs are not: calls to
// urn:service:counseling are often anonymous and stay so.
func (p *Plan) EmergencyURN(b []byte) bool {
	if len(b) < len(sosURN) || !equalFold(b[:len(sosURN)], sosURN) {
		return false
	}
	if len(b) == len(sosURN) {
		return true
	}
	switch b[len(sosURN)] {
	case '.', ';', '?', '#': // a label below, or what is no part of the name (RFC 8141 section 2.3)
		return true
	}
	return false
}

// emergencyNumbersOf lists the three-digit emergency numbers of a country.
func emergencyNumbersOf(country string) []string {
	var list []string
	for i := range 1000 {
		if n := fmt.Sprintf("%03d", i); phonenumbers.IsEmergencyNumber(n, country) {
			list = append(list, n)
		}
	}
	return list
}
