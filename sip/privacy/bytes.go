package privacy

// trimSpace cuts LWS off both ends, folds included.
func trimSpace(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// isToken: RFC 3261 25.1 token, and not empty.
func isToken(b []byte) bool {
	for _, c := range b {
		switch c {
		case '-', '.', '!', '%', '*', '_', '+', '`', '\'', '~':
			continue
		}
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return len(b) > 0
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}

// appendUnfolded appends a header value with every fold as one space (RFC 3261 7.3.1).
func appendUnfolded(dst, b []byte) []byte {
	for i := 0; i < len(b); i++ {
		if b[i] != '\r' && b[i] != '\n' {
			dst = append(dst, b[i])
			continue
		}
		for i+1 < len(b) && isSpace(b[i+1]) {
			i++
		}
		dst = append(dst, ' ')
	}
	return dst
}
