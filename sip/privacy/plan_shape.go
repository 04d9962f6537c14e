package privacy

import (
	"bytes"

	"clirgate/sip/message"
)

// What stays towards U on W must be what its header is for and nothing beside it: a device
// may write anything into a header of the list (STANDARDS 6.9), and what no grammar allows
// there tells of nobody but the device (0.5: what cannot be parsed is removed).

// shaped tells whether a header that may stay holds what its grammar, or the list of what is
// in use, allows. Headers with a grammar of their own have functions that rewrite them.
func shaped(m *message.Message, h *message.Header) bool {
	value := m.Get(h.Value)
	switch h.ID {
	case message.HExpires, message.HMinExpires, message.HRSeq, message.HMaxBreadth:
		return allDigits(value)
	case message.HMinSE:
		first, _, _ := bytes.Cut(value, []byte{';'})
		return allDigits(trimSpace(first)) && len(first) == len(value)
	case message.HSessionExpires:
		first, rest, more := bytes.Cut(value, []byte{';'})
		return allDigits(trimSpace(first)) && (!more || isRefresher(rest))
	case message.HRAck:
		f := bytes.Fields(value)
		return len(f) == 3 && allDigits(f[0]) && allDigits(f[1]) && isWord(f[2])
	case message.HMIMEVersion:
		return bytes.Equal(value, []byte("1.0"))
	case message.HPriority:
		return isOneOf(value, []string{"emergency", "urgent", "normal", "non-urgent", "psap-callback"})
	case message.HPEarlyMedia:
		return each(value, func(v []byte) bool {
			return isOneOf(v, []string{"supported", "sendrecv", "sendonly", "recvonly", "inactive", "gated"})
		})
	case message.HReferSub:
		return isOneOf(value, []string{"true", "false"})
	case message.HContentEncoding:
		return each(value, func(v []byte) bool { return isOneOf(v, []string{"gzip", "compress", "deflate", "identity"}) })
	case message.HRequire:
		return each(value, isWord)
	case message.HEvent:
		return isEvent(value)
	case message.HSubscriptionState:
		return isSubscriptionState(value)
	case message.HReason:
		return each(value, func(v []byte) bool {
			protocol, _, _ := bytes.Cut(v, []byte{';'})
			return isOneOf(trimSpace(protocol), []string{"SIP", "Q.850", "preemption", "EMM", "STIR", "RELEASE_CAUSE", "FAILURE_CAUSE"})
		})
	case message.HSIPETag, message.HSIPIfMatch:
		return isToken(value)
	}
	return true
}

func isRefresher(param []byte) bool {
	name, value, _ := bytes.Cut(param, []byte{'='})
	return message.EqualFold(trimSpace(name), "refresher") && isOneOf(trimSpace(value), []string{"uac", "uas"})
}

// each looks at every value of a list.
func each(list []byte, ok func([]byte) bool) bool {
	for v := range bytes.SplitSeq(list, []byte{','}) {
		if !ok(trimSpace(v)) {
			return false
		}
	}
	return true
}

// isWord: letters, digits and hyphens, as all registered option tags and methods are.
func isWord(b []byte) bool {
	for _, c := range b {
		if c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return len(b) > 0
}

// isEvent: a package, and perhaps the template for its watchers.
func isEvent(value []byte) bool {
	name, _, _ := bytes.Cut(value, []byte{';'})
	name = trimSpace(name)
	return isWord(bytes.TrimSuffix(name, []byte(".winfo")))
}

// isSubscriptionState: RFC 6665 8.2.3, with the reasons that are registered.
func isSubscriptionState(value []byte) bool {
	for i := 0; ; i++ {
		one, rest, more := bytes.Cut(value, []byte{';'})
		name, v, _ := bytes.Cut(trimSpace(one), []byte{'='})
		name, v = trimSpace(name), trimSpace(v)
		ok := false
		switch {
		case i == 0:
			ok = isOneOf(name, []string{"active", "pending", "terminated"}) && len(v) == 0
		case isOneOf(name, []string{"expires", "retry-after"}):
			ok = allDigits(v)
		case message.EqualFold(name, "reason"):
			ok = isOneOf(v, []string{"deactivated", "probation", "rejected", "timeout", "giveup", "noresource", "invariant"})
		}
		if !ok || !more {
			return ok
		}
		value = rest
	}
}

// isAlert: an alert URN of a category of RFC 7462 7, uri without its "urn:alert:".
func isAlert(name []byte) bool {
	category, rest, _ := bytes.Cut(name, []byte{':'})
	return isOneOf(category, []string{"service", "priority", "duration", "delay", "locale", "source"}) && isWord(bytes.ReplaceAll(rest, []byte{':'}, []byte{'-'}))
}

// obscure tells whether text is written in a way that people's or devices' eyes undo and a
// search does not: other scripts' digits and invisible separators, escaped characters of
// quoted strings, escapes of escapes. No header that may stay needs that.
func obscure(text []byte) bool {
	for i, c := range text {
		switch {
		case c >= 0x80, c == '\\':
			return true
		case c == '%' && i+2 < len(text):
			if c, ok := unescaped(text, i); ok && (c >= 0x80 || c == '%') {
				return true
			}
		}
	}
	return false
}
