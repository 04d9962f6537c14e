package trace

import "iter"

// Filed is where a store files an entry for searches: the record of one token.
type Filed struct {
	Service Service
	Day     Day
	Role    Role
	Token   Token
}

// Service is the service of a record's entry. Updates do not know theirs: they are
// filed under their day only.
func (e Entry) Service() Service {
	s := services
	switch {
	case len(e.Value) <= serviceAt:
	case e.Value[0] == sealedVersion:
		s = Service(e.Value[serviceAt])
	default:
		s = Service(e.Value[len(e.Value)-1])
	}
	if s >= services {
		return ServiceTelephony
	}
	return s
}

// Filed yields what a sealed record is to be found by; nothing for other entries.
func (e Entry) Filed() iter.Seq[Filed] {
	return func(yield func(Filed) bool) {
		if e.Kind() != kindRecord || len(e.Value) <= tokensAt || e.Value[0] != sealedVersion {
			return
		}
		f := Filed{Service: e.Service(), Day: e.ID.Day()}
		rest := e.Value[tokensAt+1:]
		for bit := hasCaller; bit <= hasDiverted; bit <<= 1 {
			if e.Value[tokensAt]&bit == 0 {
				continue
			}
			if len(rest) < len(f.Token) {
				return
			}
			f.Role = RoleCalled
			if bit == hasCaller {
				f.Role = RoleCaller
			}
			f.Token = Token(rest)
			rest = rest[len(f.Token):]
			if !yield(f) {
				return
			}
		}
	}
}
