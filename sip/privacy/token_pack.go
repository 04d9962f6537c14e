package privacy

import "encoding/binary"

// What passes several gateways carries the tokens and identifiers of all of them, one in
// the other. Spelled in letters again and again they would grow by 8/5 a gateway; packed
// into five bits a letter before they are sealed, they grow by what each one adds.

// packable is the least run of letters worth packing: shorter ones are words.
const packable = 24

// appendText writes text with its length: twice the length of what follows, and one more
// when that is packed.
func appendText(b, text []byte) []byte {
	at, n := letterRun(text)
	if n == 0 {
		return append(binary.AppendUvarint(b, uint64(len(text))<<1), text...)
	}
	b = binary.AppendUvarint(b, uint64(packedLen(text))<<1|1)
	for len(text) > 0 {
		b = append(binary.AppendUvarint(b, uint64(at)), text[:at]...)
		b = appendPacked(binary.AppendUvarint(b, uint64(n)), text[at:at+n])
		text = text[at+n:]
		at, n = letterRun(text)
	}
	return b
}

// packedLen is how many bytes text takes packed, without their count.
func packedLen(text []byte) (size int) {
	for len(text) > 0 {
		at, n := letterRun(text)
		size += varintLen(at) + at + varintLen(n) + (5*n+7)/8
		text = text[at+n:]
	}
	return size
}

func varintLen(n int) (size int) {
	for size = 1; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

// letterRun finds the first run of letters worth packing; none: all of text, and n is 0.
func letterRun(text []byte) (at, n int) {
	start := 0
	for i, c := range text {
		if letterValue[c] != noLetter {
			continue
		}
		if i-start >= packable {
			return start, i - start
		}
		start = i + 1
	}
	if len(text)-start >= packable {
		return start, len(text) - start
	}
	return len(text), 0
}

// appendPacked writes letters, five bits each.
func appendPacked(b, run []byte) []byte {
	var acc, bits uint
	for _, c := range run {
		acc = acc<<5 | uint(letterValue[c])
		if bits += 5; bits >= 8 {
			bits -= 8
			b = append(b, byte(acc>>bits))
		}
	}
	if bits > 0 {
		b = append(b, byte(acc<<(8-bits)))
	}
	return b
}

// unpack appends the n letters that appendPacked wrote to b.
func unpack(dst, b []byte, n int) []byte {
	var acc, bits uint
	for _, c := range b {
		acc = acc<<8 | uint(c)
		for bits += 8; bits >= 5 && n > 0; n-- {
			bits -= 5
			dst = append(dst, letters[acc>>bits&31])
		}
	}
	return dst
}

// text appends to dst what appendText wrote.
func (r *reader) text(dst []byte) []byte {
	size := r.uvarint()
	if size>>1 > uint64(len(r.b)) {
		r.ok = false
		return dst
	}
	part := reader{b: r.take(int(size >> 1)), ok: r.ok}
	if size&1 == 0 {
		return append(dst, part.b...)
	}
	for part.ok && len(part.b) > 0 {
		dst = append(dst, part.sized()...)
		n := part.uvarint()
		if n > 8*uint64(len(part.b))/5 {
			part.ok = false
			break
		}
		dst = unpack(dst, part.take(int(5*n+7)/8), int(n))
	}
	r.ok = r.ok && part.ok
	return dst
}
