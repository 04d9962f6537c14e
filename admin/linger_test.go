package admin_test

import (
	"io"
	"net"
	"strings"
	"testing"

	"clirgate/admin/token"
	"time"
)

// Whoever is refused while sending is not cut off: all can be written, and the answer is
// whole.
func TestRefusedSendersSeeTheirAnswer(t *testing.T) {
	a := newAPI(t)
	mine := "Authorization: Bearer " + a.token(token.NOC, "somebody", time.Time{}) + "\r\n"
	long := strings.Repeat("x", 1<<20)
	for name, c := range map[string]struct{ head, want string }{
		"long header":     {"GET /readyz HTTP/1.1\r\nHost: x\r\nX-Long: ", "431"},
		"long line":       {"GET /", "431"},
		"no HTTP":         {"\r\nx\r\n\r\n", "400"},
		"bad host":        {"PUT / HTTP/1.1\r\nHost: [x\r\nContent-Length: 1048576\r\n\r\n", "400"},
		"long body":       {"PUT " + one + " HTTP/1.1\r\nHost: x\r\n" + mine + "Content-Length: 1048576\r\n\r\n", "413"},
		"stranger's body": {"PUT " + one + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n", "401"},
		"bad chunks":      {"PUT " + one + " HTTP/1.1\r\nHost: x\r\n" + mine + "Transfer-Encoding: chunked\r\n\r\nx", "400"},
		"body of no use":  {"GET " + one + " HTTP/1.1\r\nHost: x\r\n" + mine + "Content-Length: 1048576\r\n\r\n", "413"},
	} {
		conn, err := net.Dial("tcp", a.addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, c.head+long); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		data, err := io.ReadAll(conn)
		if text := string(data); err != nil || !strings.HasPrefix(text, "HTTP/1.1 "+c.want) || !strings.HasSuffix(text, "}\n") {
			t.Errorf("%s: %v, %q", name, err, data)
		}
		conn.Close()
	}
}
