package torture

import (
	"bytes"
	"slices"
	"testing"
)

func TestCasesMatchFiles(t *testing.T) {
	var rfc4475, rfc5118 []string
	for _, c := range Cases {
		switch c.RFC {
		case 4475:
			rfc4475 = append(rfc4475, c.Name+".sip")
		case 5118:
			rfc5118 = append(rfc5118, c.Name+".sip")
		}
		if !bytes.Contains(c.Data(), []byte("\r\n\r\n")) {
			t.Errorf("%s: no end of headers", c.Name)
		}
		if (c.Outcome == Reject) != (len(c.Status) > 0) && c.Outcome != Forward {
			t.Errorf("%s: outcome and status disagree", c.Name)
		}
	}
	slices.Sort(rfc4475)
	slices.Sort(rfc5118)
	if !slices.Equal(rfc4475, Names("rfc4475")) || len(rfc4475) != 49 {
		t.Errorf("RFC 4475: %d cases do not match the files", len(rfc4475))
	}
	if !slices.Equal(rfc5118, Names("rfc5118")) || len(rfc5118) != 12 {
		t.Errorf("RFC 5118: %d cases do not match the files", len(rfc5118))
	}
}
