package loadtest

import (
	"fmt"
	"strconv"

	"clirgate/loadtest/oracle"
	"clirgate/loadtest/wire"
)

// A called number tells the callee all it needs, so that it can stand anywhere:
// the prefix (+317), a digit for what may be seen, a digit for how to behave, and six
// digits that no other call in flight has.
const (
	slotDigits = 6
	maxSlots   = 1_000_000
	codeDigits = slotDigits + 2
)

// failing is added to the class digit of calls that are to be routed to a peer whose
// first target dies: their numbers have a prefix of their own (+3175 to +3177).
const failing = 5

// behaviour is what the callee does.
type behaviour uint8

const (
	answers       behaviour = iota // and the caller hangs up
	hangsUp                        // answers and hangs up itself
	isBusy                         // 486
	keepsRinging                   // until CANCEL or BYE
	keepsSilent                    // 100 and nothing more, until CANCEL
	redirects                      // 302
	reinvites                      // answers, then re-INVITE
	updates                        // answers, then UPDATE
	wantsPRACK                     // reliable 183, then answers
	doesNotAnswer                  // 180, then 480
)

// code is what a called number says.
type code struct {
	class     oracle.Class
	failing   bool
	behaviour behaviour
	slot      uint32
}

// appendDigits writes the last eight digits of the number.
func (c code) appendDigits(b []byte) []byte {
	class := byte('0') + byte(c.class)
	if c.failing {
		class += failing
	}
	b = append(b, class, '0'+byte(c.behaviour))
	return appendPadded(b, c.slot)
}

func appendPadded(b []byte, slot uint32) []byte {
	for p := uint32(maxSlots / 10); p > 0; p /= 10 {
		b = append(b, '0'+byte(slot/p%10))
	}
	return b
}

// readCode reads a called number from the user part of a Request-URI: its last eight
// digits, behind whatever codes and prefixes the element left there.
func readCode(user []byte) (code, bool) {
	var digits [codeDigits]byte
	n, i := codeDigits, len(user)
	for i > 0 && n > 0 && user[i-1] >= '0' && user[i-1] <= '9' {
		n, i = n-1, i-1
		digits[n] = user[i]
	}
	if n > 0 || digits[0] > '8' {
		return code{}, false
	}
	c := code{class: oracle.Class(digits[0] - '0'), behaviour: behaviour(digits[1] - '0')}
	if digits[0] >= '0'+failing {
		c.class, c.failing = c.class-failing, true
	}
	for _, d := range digits[2:] {
		c.slot = c.slot*10 + uint32(d-'0')
	}
	return c, c.class <= oracle.Withheld
}

// bandwidth is the SDP line by which a callee knows the call when the number does not
// say it: emergency calls. Every element leaves b= as it is.
const bandwidth = "\r\nb=AS:"

// readBandwidth reads behaviour and slot from a session description.
func readBandwidth(body []byte) (code, bool) {
	digits := lineAfter(body, bandwidth)
	if len(digits) == 0 || len(digits) > slotDigits+1 {
		return code{}, false
	}
	n, err := strconv.ParseUint(string(digits), 10, 32)
	if err != nil {
		return code{}, false
	}
	return code{class: oracle.Emergency, behaviour: behaviour(n / maxSlots), slot: uint32(n % maxSlots)}, true
}

// called reads which call a first request belongs to.
func called(m *wire.Message) (code, bool) {
	if c, ok := readCode(wire.User(m.URI)); ok {
		return c, true
	}
	return readBandwidth(m.Body)
}

// habit is what the network knows of a caller.
type habit uint8

const (
	plain      habit = iota
	permanent        // CLIR permanent
	restricted       // CLIR temporary, default restricted
	allowed          // CLIR temporary, default allowed
	toggled          // switched between none and permanent while calls run
	habits           // how many there are
)

// Caller is a line that calls are made from.
type Caller struct {
	*oracle.Line
	national []byte // 0612340017
	habit    habit
	toggle   *toggle // of toggled callers
}

// newCallers makes n callers of each habit: prefix, a digit for the habit, and what is
// left of nine national digits to count them.
func newCallers(prefix string, n int) (*[habits][]*Caller, error) {
	width := len("+31612345678") - len(prefix) - 1
	if width < 1 || width > 6 {
		return nil, fmt.Errorf("caller prefix of %d characters: want + and 5 to 10 digits, country code included", len(prefix))
	}
	limit := 1
	for range width {
		limit *= 10
	}
	n = min(max(n, 1), limit)
	var all [habits][]*Caller
	for h := range all {
		for i := range n {
			line, err := oracle.NewLine(fmt.Sprintf("%s%d%0*d", prefix, h, width, i))
			if err != nil {
				return nil, err
			}
			c := &Caller{Line: line, national: []byte("0" + line.NSN), habit: habit(h)}
			if c.habit == toggled {
				c.toggle = new(toggle)
			}
			all[h] = append(all[h], c)
		}
	}
	return &all, nil
}
