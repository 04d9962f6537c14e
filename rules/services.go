package rules

import "clirgate/numbering"

// Services is a subscriber's services in ServiceBits bits. Stores keep it, so a bit
// never gets another meaning.
type Services uint16

// ServiceBits is how many of its bits may be used: a store puts number and services
// into one integer of 63, a snapshot services and one bit more into the place of the
// shardBits that a word need not hold.
const ServiceBits = 13

const (
	maskCLIR    Services = 3 // the CLIR modes in the order of their constants
	bitCLIPOff  Services = 1 << 2
	bitACR      Services = 1 << 3
	shiftTIR             = 4
	maskTIR     Services = 3 << shiftTIR
	bitOverride Services = 1 << 6
	bitShield   Services = 1 << 7
	shiftMCID            = 8
	maskMCID    Services = 3 << shiftMCID
)

// Services is what s has beside number, note and end.
func (s *Subscriber) Services() Services {
	bit := func(b bool, v Services) Services {
		if b {
			return v
		}
		return 0
	}
	return Services(s.CLIR)&maskCLIR | Services(s.TIR)<<shiftTIR&maskTIR | Services(s.MCID)<<shiftMCID&maskMCID |
		bit(s.CLIPOff, bitCLIPOff) | bit(s.ACR, bitACR) | bit(s.Override, bitOverride) | bit(s.ShieldOnBills, bitShield)
}

func (v Services) clir() CLIR { return CLIR(v & maskCLIR) }
func (v Services) tir() TIR   { return TIR(v & maskTIR >> shiftTIR) }
func (v Services) mcid() MCID { return MCID(v & maskMCID >> shiftMCID) }

// Subscriber is the inverse of Subscriber.Services, for a number.
func (v Services) Subscriber(n numbering.Number) Subscriber {
	return Subscriber{
		Number: n, CLIR: v.clir(), TIR: v.tir(), CLIPOff: v&bitCLIPOff != 0, ACR: v&bitACR != 0,
		Override: v&bitOverride != 0, ShieldOnBills: v&bitShield != 0, MCID: v.mcid(),
	}
}

// Standing is the rule that lies beneath one that ends, and is in force again
// when that one has ended: a line with permanent CLIR whose rule is replaced
// for a week is withheld again after it, not shown. The zero Standing is none.
type Standing struct {
	Exists   bool
	Services Services
	Note     string
}

// Over answers sub with the standing rule that it comes to lie over: the one of
// before, or what lies beneath that if it ends itself. A rule without an end is
// a standing one and lies over nothing. Stores call it on every Put.
func (sub Subscriber) Over(before *Subscriber) Subscriber {
	sub.Then = Standing{}
	switch {
	case sub.Until.IsZero() || before == nil:
	case before.Until.IsZero():
		sub.Then = Standing{Exists: true, Services: before.Services(), Note: before.Note}
	default:
		sub.Then = before.Then
	}
	return sub
}

// Ended is the subscriber after its rule has ended; nil for none.
func (s *Subscriber) Ended() *Subscriber {
	if !s.Then.Exists {
		return nil
	}
	then := s.Then.Services.Subscriber(s.Number)
	then.Note = s.Then.Note
	return &then
}
