package privacy

import (
	"bytes"
	"strconv"
)

// noteSDP remembers the o= version of a withheld caller's first request, from which the
// gateway counts its own (STANDARDS 6.7; sdpVersion).
func (p *planner) noteSDP() {
	first := p.t.Sender == Caller && p.t.Initial && p.m.IsRequest() // all tokens are sealed after it
	if !p.withheld || p.d.HasSDP || p.t.Dialog == nil || !first {
		return
	}
	if v, ok := originVersion(p.m.Get(p.m.Body())); ok {
		p.d.SDPVersion, p.d.HasSDP = v, true
	}
}

// originVersion finds the version in the first o= line: "o=user id version ...".
func originVersion(body []byte) (v uint64, ok bool) {
	for len(body) > 0 {
		line, rest, _ := bytes.Cut(body, []byte{'\n'})
		body = rest
		if !bytes.HasPrefix(line, []byte("o=")) {
			continue
		}
		for range 2 {
			_, line, ok = bytes.Cut(line, []byte{' '})
			if !ok {
				return 0, false
			}
		}
		word, _, _ := bytes.Cut(line, []byte{' '})
		if len(word) > 20 {
			return 0, false
		}
		v, err := strconv.ParseUint(string(word), 10, 64)
		return v, err == nil
	}
	return 0, false
}
