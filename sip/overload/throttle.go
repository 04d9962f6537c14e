package overload

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// defaultValidity is how long a report counts that does not say so (RFC 7339 4.3).
const defaultValidity = 500 * time.Millisecond

// maxValidity bounds how long a neighbour can have calls kept away from it by one report.
const maxValidity = time.Minute

// Report is what a neighbour tells of its load in the Via it returns (RFC 7339 4): the zero
// Report tells nothing. Param fills it in.
type Report struct {
	told     bool
	other    bool // of an algorithm that was not offered
	percent  uint64
	validity time.Duration
	seconds  uint64 // oc-seq
	fraction uint64
	hasSeq   bool
	timed    bool
}

// Param reads one parameter of a Via value; others than those of RFC 7339 are passed over,
// and so is what cannot be read.
func (r *Report) Param(name, value []byte) {
	switch {
	case is(name, "oc"):
		r.percent, r.told = number(value, 3)
		r.told = r.told && r.percent <= 100
	case is(name, "oc-validity"):
		if n, ok := number(value, 9); ok {
			r.validity, r.timed = min(time.Duration(n)*time.Millisecond, maxValidity), true
		}
	case is(name, "oc-algo"):
		r.other = !is(unquoted(value), "loss")
	case is(name, "oc-seq"):
		r.readSeq(value)
	}
}

func (r *Report) readSeq(value []byte) {
	for i, c := range value {
		if c != '.' {
			continue
		}
		fraction := value[i+1:]
		var ok, ok2 bool
		r.seconds, ok = number(value[:i], 12)
		r.fraction, ok2 = number(fraction, 5)
		for range 5 - len(fraction) { // a fraction: .1 is later than .05
			r.fraction *= 10
		}
		r.hasSeq = ok && ok2
		return
	}
}

// number reads up to some digits.
func number(b []byte, most int) (n uint64, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, len(b) > 0 && len(b) <= most
}

func unquoted(b []byte) []byte {
	if len(b) > 1 && b[0] == '"' && b[len(b)-1] == '"' {
		return b[1 : len(b)-1]
	}
	return b
}

// is compares without regard to case; word is in lower case.
func is(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// IsParam tells whether a Via parameter is one of RFC 7339: they go one hop only.
func IsParam(name []byte) bool {
	return is(name, "oc") || is(name, "oc-algo") || is(name, "oc-validity") || is(name, "oc-seq")
}

// Throttle keeps the share that a neighbour wants new work reduced by. The zero Throttle
// drops nothing. Safe for concurrent use.
type Throttle struct {
	until atomic.Int64 // nanoseconds; 0: nothing is dropped
	share atomic.Uint32
	dealt atomic.Uint32 // shares handed out, of whole: what runs over is dropped

	mu       sync.Mutex
	seconds  uint64
	fraction uint64
}

// Learn takes a report in. One that is older than one known is passed over (4.4).
func (t *Throttle) Learn(r *Report, now time.Time) {
	if !r.told || r.other {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if r.hasSeq {
		if r.seconds < t.seconds || r.seconds == t.seconds && r.fraction < t.fraction {
			return
		}
		t.seconds, t.fraction = r.seconds, r.fraction
	}
	validity := r.validity
	if !r.timed {
		validity = defaultValidity
	}
	if r.percent == 0 || validity == 0 { // 4.3: it is over
		t.until.Store(0)
		return
	}
	t.share.Store(uint32(r.percent * whole / 100))
	t.until.Store(now.Add(validity).UnixNano())
}

// active tells whether a report counts now. One that would for longer than any may is of
// before the clock was set back.
func (t *Throttle) active(now time.Time) bool {
	until := t.until.Load()
	if until == 0 {
		return false
	}
	left := until - now.UnixNano()
	return left > 0 && left <= 2*int64(maxValidity)
}

// Drops tells whether the next new request is among those to be dropped (RFC 7339 5.10).
func (t *Throttle) Drops(now time.Time) bool {
	if !t.active(now) {
		return false
	}
	share := t.share.Load()
	dealt := t.dealt.Add(share)
	return dealt/whole != (dealt-share)/whole
}

// Share is what is dropped now, 0 to 1.
func (t *Throttle) Share(now time.Time) float64 {
	if !t.active(now) {
		return 0
	}
	return float64(t.share.Load()) / whole
}

// Offer is what the Via of a request says to a neighbour that may answer with a report
// (RFC 7339 4.1, 4.2).
const Offer = `;oc;oc-algo="loss"`

// AppendReport appends what c tells a neighbour that asked: the parameters of its Via, each
// with its semicolon. Without overload the report ends what an earlier one began.
func (c *Controller) AppendReport(dst []byte, now time.Time) []byte {
	percent := (uint64(c.share.held.Load())*100 + whole/2) / whole
	validity := defaultValidity
	if percent == 0 {
		validity = 0
	}
	dst = strconv.AppendUint(append(dst, ";oc="...), percent, 10)
	dst = append(dst, `;oc-algo="loss";oc-validity=`...)
	dst = strconv.AppendInt(dst, validity.Milliseconds(), 10)
	dst = strconv.AppendInt(append(dst, ";oc-seq="...), now.Unix(), 10)
	dst = append(dst, '.')
	millis := now.Nanosecond() / int(time.Millisecond)
	return append(dst, byte('0'+millis/100), byte('0'+millis/10%10), byte('0'+millis%10))
}
