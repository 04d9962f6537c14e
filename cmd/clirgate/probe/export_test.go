package probe

// HangUpPSAP takes the probe's own emergency service off the line.
func (p *Probe) HangUpPSAP() { _ = p.psap.close() }

// Shown is the search for a number.
func Shown(raw []byte, e164 string) bool { return shown(raw, e164) }

// Round makes one call of each kind.
func (p *Probe) Round() { p.round() }

// Nobody is whom the withheld call dials.
const Nobody = nobody
