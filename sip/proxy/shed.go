package proxy

import (
	"sync/atomic"
	"time"

	"clirgate/sip/message"
	"clirgate/sip/privacy"
	"clirgate/sip/transaction"
	"clirgate/sip/transport"
)

// While the gateway is overloaded (Deps.Overload) it refuses a share of what is new, with
// 503 and before anything is kept of it: refusing must cost far less than serving. Never
// refused are emergency calls, what comes from an emergency service (call-backs above all),
// the gateway's own test calls (without the one that withholds there is none to 112),
// whatever is inside a dialog, registrations (who is not registered cannot be called back),
// and health checks (a neighbour that takes us for dead sends no emergency call either).
// Calls with Resource-Priority from those who may assert it are refused last (RFC 7339
// 5.10.1), and so are those of neighbours that keep calls back themselves.

// shed is what has been refused lately. A request that was refused is refused when it comes
// again, whatever the share is by then: its caller has given up, the callee must not ring.
type shed struct {
	until   atomic.Int64 // unix nanoseconds; 0: nothing to remember
	refused [1 << 14]atomic.Uint64
}

// shedFor is how long a request may be sent again (timer B, RFC 3261 17.1.1.2).
const shedFor = 32 * time.Second

func (s *shed) add(key uint64, now time.Time) {
	s.refused[key%uint64(len(s.refused))].Store(key)
	s.until.Store(now.Add(shedFor).UnixNano())
}

func (s *shed) has(key uint64, now time.Time) bool {
	until := s.until.Load()
	if until == 0 {
		return false
	}
	if left := until - now.UnixNano(); left <= 0 || left > 2*int64(shedFor) { // or the clock was set back
		if s.until.CompareAndSwap(until, 0) {
			for i := range s.refused {
				s.refused[i].Store(0)
			}
		}
		return false
	}
	return s.refused[key%uint64(len(s.refused))].Load() == key
}

var _ transaction.Gate = (*Proxy)(nil)

// Watching: nobody is refused, nor has been lately, almost all of the time.
func (p *Proxy) Watching() bool {
	o := p.d.Overload
	return o != nil && (o.Refusing() || p.shed.until.Load() != 0)
}

// Refuses decides on a new request while overloaded.
func (p *Proxy) Refuses(m *message.Message, f transport.Flow, key uint64) (bool, []byte) {
	now := p.d.Now()
	active := p.d.Overload.Active(now)
	again := p.shed.has(key, now)
	if !active && !again {
		return false, nil
	}
	t := p.table.Load()
	from := t.source(f.Remote)
	if from == nil {
		from = p.stranger
	}
	if p.spared(m, from) {
		return false, nil
	}
	via, _ := m.TopVia()
	asks := via.OC // the neighbour keeps calls back itself, as our reports tell it
	if !again {
		refuses := p.d.Overload.Refuses
		if asks && from != p.stranger || from.asserts() && m.Has(message.HResourcePriority) {
			refuses = p.d.Overload.RefusesLast
		}
		if !refuses(key, now) {
			return false, nil
		}
		p.shed.add(key, now)
	}
	from.tally.shed.Add(1)
	p.note(Shed)
	p.alarm.raise(now, Shed, "overload: new calls are refused")
	if asks {
		return true, nil
	}
	return true, retryLater[key%uint64(len(retryLater))]
}

// retryLater spreads those refused, so that they do not all come back at once.
var retryLater = [...][]byte{
	[]byte("Retry-After: 2\r\n"), []byte("Retry-After: 3\r\n"), []byte("Retry-After: 5\r\n"), []byte("Retry-After: 7\r\n"),
}

// spared tells whether a request without a transaction is never refused.
func (p *Proxy) spared(m *message.Message, from *peer) bool {
	switch m.Method() {
	case message.REGISTER, message.BYE, message.PRACK, message.UPDATE, message.NOTIFY:
		return true
	}
	if from.Boundary == Emergency || from.Only != nil || len(m.ToTag()) > 0 {
		return true
	}
	u, ok := m.ParseURI(m.RequestURI())
	if !ok {
		return false
	}
	if m.Method() == message.OPTIONS && len(m.Get(u.User)) == 0 {
		return true // a health check: refused, it keeps the neighbour's emergency calls away
	}
	switch u.Scheme {
	case message.URN:
		return p.d.Plan.EmergencyURN(m.Get(m.RequestURI()))
	case message.SIP, message.SIPS, message.Tel:
		user, form := subscriber(m, u)
		return privacy.LooksSealed(m.Get(u.User)) || p.d.Plan.Dialled(user, from.Codes, form).Emergency
	}
	return false
}

// AppendReport tells a neighbour of our load.
func (p *Proxy) AppendReport(dst []byte) []byte {
	if p.d.Overload == nil {
		return dst
	}
	return p.d.Overload.AppendReport(dst, p.d.Now())
}
