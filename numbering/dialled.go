package numbering

// DialErr says why what was dialled is no number.
type DialErr uint8

const (
	// DialOK: Number is set.
	DialOK DialErr = iota
	// DialEmpty: nothing stands behind the codes; answer 484.
	DialEmpty
	// DialTooManyCodes: more codes than anybody dials; answer 484.
	DialTooManyCodes
	// DialNotNumber: a name, or something else without a Number. No error of the
	// call: it is routed by its domain.
	DialNotNumber
)

// String names the error for logs and metrics.
func (e DialErr) String() string {
	return [...]string{"ok", "empty", "too many codes", "not a number"}[e]
}

// maxCodes bounds the codes in front of one number (STANDARDS 4.4 step 2).
const maxCodes = 4

// Dialled is what a user part comes to.
type Dialled struct {
	Number        Number // called number; zero with DialNotNumber, DialEmpty, DialTooManyCodes
	Withhold      bool   // a withhold code was dialled
	Present       bool   // a present code was dialled; with Withhold, withhold wins (rules D3)
	Mark          bool   // the code that marks the last call stands alone: with DialEmpty
	Codes         int    // how many codes
	CarrierSelect uint16 // 1600 to 1699; 0: none
	Emergency     bool   // an emergency number (STANDARDS 0.4); never with an Err
	Skip          int    // raw bytes in front that the codes took, with all that stands between them
	Err           DialErr

	carrierInSkip bool
}

// AppendUser appends the user part to send on: the raw one without its codes,
// with a carrier prefix that stood between codes put back. Without codes it is
// the user part as it came.
func (d *Dialled) AppendUser(dst, user []byte) []byte {
	if d.carrierInSkip {
		c := d.CarrierSelect
		dst = append(dst, byte('0'+c/1000), byte('0'+c/100%10), byte('0'+c/10%10), byte('0'+c%10))
	}
	return append(dst, user[d.Skip:]...)
}

// Dialled reads the raw user part of a sip or sips URI, or the subscriber of a
// tel URI, exactly as on the wire with its parameters: takes codes and carrier
// prefix off, tests for emergency, and normalises (STANDARDS 4.4). It allocates
// nothing.
func (p *Plan) Dialled(user []byte, codes *CodeSet, form Form) Dialled {
	var d dialString
	d.read(user, form)
	out := p.dialled(&d, codes, form)
	if codes == nil && !out.Emergency {
		// Codes do not count here, but a code in front of 112 must not stop it.
		if e := p.dialled(&d, p.emergencyCodes, form); e.Emergency {
			return e
		}
	}
	return out
}

func (p *Plan) dialled(d *dialString, codes *CodeSet, form Form) Dialled {
	var out Dialled
	rest := p.strip(d, codes, &out)
	// A malformed spelling that still names an emergency number is not refused:
	// codes beyond the limit do not stop a call to 112.
	if d.all && !d.long && p.emergencyDial(rest) {
		out.Emergency, out.Number, out.Mark = true, p.emergencyNumber(rest), false
		return out
	}
	// Alone: no other code, and nothing behind it.
	out.Mark = out.Mark && out.Codes == 1 && out.CarrierSelect == 0 && d.all && len(rest) == 0
	switch {
	case out.Codes > maxCodes:
		out.Err = DialTooManyCodes
	case d.all && len(rest) == 0 && out.Codes > 0:
		out.Err = DialEmpty
	case !d.all || d.long:
		out.Err = DialNotNumber
	default:
		out.Number = p.number(rest, d.context[:d.ctxLen], form)
		out.Emergency = p.isEmergency(out.Number)
		if out.Number == 0 {
			out.Err = DialNotNumber
		}
	}
	return out
}

// strip takes codes and carrier prefixes off the front and answers what is
// left (STANDARDS 4.4 steps 2 and 3).
func (p *Plan) strip(d *dialString, codes *CodeSet, out *Dialled) []byte {
	pos := 0
	for {
		rest := d.rest(pos)
		if len(rest) == 0 || rest[0] == '+' || p.emergencyDial(rest) {
			return rest
		}
		if c := codes.front(p, rest, d.all); c != nil {
			out.Withhold = out.Withhold || c.effect == effectWithhold
			out.Present = out.Present || c.effect == effectPresent
			out.Mark = c.effect == effectMark
			out.Codes++
			pos += len(c.text)
			out.Skip = d.offset(pos)
			out.carrierInSkip = out.CarrierSelect != 0
			continue
		}
		if d.all {
			if carrier := p.carrier(codes, rest); carrier != 0 {
				out.CarrierSelect = carrier // of several the last, so that no code hides between them
				pos += carrierLen
				continue
			}
		}
		return rest
	}
}

// Parse reads the user part of a caller's URI: the same as Dialled, but codes
// and carrier prefixes mean nothing there. Zero: no number.
func (p *Plan) Parse(user []byte, form Form) Number {
	var d dialString
	d.read(user, form)
	if !d.all || d.long {
		return 0
	}
	return p.number(d.rest(0), d.context[:d.ctxLen], form)
}
