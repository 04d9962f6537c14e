package transport

import (
	"bytes"
	"strings"
	"testing"
)

func TestFramer(t *testing.T) {
	const start = "INVITE sip:a SIP/2.0\r\n"
	for _, tc := range []struct {
		in   string
		want frame
		n    int // bytes of it that are the message
	}{
		{start + "Content-Length: 0\r\n\r\n", frameWhole, -1},
		{start + "Content-Length: 4\r\n\r\nbody", frameWhole, -1},
		{start + "Content-Length: 4\r\n\r\nbodyINVITE", frameWhole, len(start) + 25},
		{start + "content-length:4\r\n\r\nbody", frameWhole, -1},
		{start + "CONTENT-LENGTH \t : \t4 \t\r\n\r\nbody", frameWhole, -1},
		{start + "l: 4\r\n\r\nbody", frameWhole, -1},
		{start + "L : 4\r\n\r\nbody", frameWhole, -1},
		{start + "l:\r\n 4\r\n\r\nbody", frameWhole, -1},
		{start + "l\r\n :\r\n\t4\r\n \r\n\r\nbody", frameWhole, -1},
		{start + "l: 0004\r\n\r\nbody", frameWhole, -1},
		{start + "l: 4\r\nContent-Length: 4\r\n\r\nbody", frameWhole, -1},
		{start + "Subject: x\r\n l: 9\r\nl: 4\r\n\r\nbody", frameWhole, -1},
		{start + "Via: x\r\nX-Content-Length: 9\r\nl: 4\r\nTo: y\r\n\r\nbody", frameWhole, -1},
		{"l: 9\r\nl: 4\r\n\r\nbody", frameWhole, -1},
		{start + "Content-Length: 4\r\n\r\nbod", frameMore, 0},
		{start + "Content-Length: 4\r\n\r", frameMore, 0},
		{start + "Content-Length: 4\r\n", frameMore, 0},
		{start + "Content-Length: 4\n\nbody", frameMore, 0},
		{"I", frameMore, 0},
		{start + "\r\n", frameNoLength, -1},
		{start + "Via: x\r\n\r\nbody", frameNoLength, len(start) + 10},
		{start + "Via: x\nl: 4\r\n\r\nbody", frameNoLength, len(start) + 15},
		{start + "l: -1\r\n\r\n", frameBad, 0},
		{start + "l: +1\r\n\r\n", frameBad, 0},
		{start + "l: 0x1\r\n\r\n", frameBad, 0},
		{start + "l:\r\n\r\n", frameBad, 0},
		{start + "l\r\n\r\n", frameBad, 0},
		{start + "l: 1 2\r\n\r\n", frameBad, 0},
		{start + "l: 1\r\n 2\r\n\r\n", frameBad, 0},
		{start + "l: 4, 4\r\n\r\nbody", frameBad, 0},
		{start + "l: 4\r\nl: 5\r\n\r\nbody!", frameBad, 0},
		{start + "l: 5\r\nl: 0\r\n\r\nbody!", frameBad, 0},
		{start + "l: 1000\r\n\r\n", frameTooLarge, 0},
		{start + "l: 99999999999999999999999999\r\n\r\n", frameTooLarge, 0},
		{start + "l: 18446744073709551616\r\n\r\n", frameTooLarge, 0},
		{start + strings.Repeat("x", 1000), frameTooLarge, 0},
		{start + strings.Repeat("x: y\r\n", 200), frameTooLarge, 0},
	} {
		want := tc.n
		if want < 0 {
			want = len(tc.in)
		}
		f := framer{max: 1000}
		if n, what := f.next([]byte(tc.in)); what != tc.want || n != want {
			t.Errorf("%q: %d, %d; want %d, %d", tc.in, n, what, want, tc.want)
		}
		for split := range len(tc.in) {
			f := framer{max: 1000}
			if n, what := f.next([]byte(tc.in[:split])); what != frameMore {
				if what != tc.want || n != want {
					t.Errorf("%q cut at %d: %d, %d; want %d, %d", tc.in, split, n, what, want, tc.want)
				}
				continue
			}
			if n, what := f.next([]byte(tc.in)); what != tc.want || n != want {
				t.Errorf("%q in two at %d: %d, %d; want %d, %d", tc.in, split, n, what, want, tc.want)
			}
		}
	}
}

// FuzzFrame: however the bytes are cut, the framer says the same, and what it says
// agrees with a plain reading of the whole.
func FuzzFrame(f *testing.F) {
	for _, s := range []string{
		message("a", 5) + message("b", 0),
		"\r\n\r\nA\r\nl: 3\r\n\r\nabc",
		"A\r\nl:\r\n 3\r\n\r\nabc",
		"A\r\n\r\n",
		"A\r\nl: -1\r\n\r\n",
		"A\r\nContent-Length: 99999999999999999999\r\n\r\n",
	} {
		f.Add([]byte(s), uint8(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, step uint8) {
		const limit = 2000
		whole := framer{max: limit}
		n, what := whole.next(b)
		if n < 0 || n > len(b) || n > limit || (n > 0) != (what == frameWhole || what == frameNoLength) {
			t.Fatalf("%d of %d bytes, %d", n, len(b), what)
		}
		if what == frameWhole || what == frameNoLength {
			end := bytes.Index(b, []byte("\r\n\r\n"))
			if bytes.HasPrefix(b, crlf) {
				end = -2
			}
			if want := end + 4 + max(whole.length-1, 0); n != want {
				t.Fatalf("%d bytes, want %d", n, want)
			}
		}
		pieces := framer{max: limit}
		for i := 0; ; i = min(i+1+int(step), len(b)) {
			m, got := pieces.next(b[:i])
			if got != frameMore || i == len(b) {
				// More input can turn "incomplete" into "too large" only.
				if (m != n || got != what) && !(got == frameTooLarge && what != frameMore) {
					t.Fatalf("in pieces of %d: %d, %d; whole: %d, %d", int(step)+1, m, got, n, what)
				}
				return
			}
		}
	})
}

// The framer's work does not grow with the number of pieces.
func TestFramerLinear(t *testing.T) {
	in := []byte("A\r\n" + strings.Repeat("X-Header: something\r\n", 3000) + "l: 0\r\n\r\n")
	f := framer{max: len(in)}
	for i := range in {
		if n, what := f.next(in[:i]); what != frameMore || n != 0 {
			t.Fatalf("at %d: %d, %d", i, n, what)
		}
		if f.pos < i-2 {
			t.Fatalf("at %d only %d bytes are done with", i, f.pos)
		}
	}
	if n, what := f.next(in); what != frameWhole || n != len(in) {
		t.Fatalf("%d, %d", n, what)
	}
}
