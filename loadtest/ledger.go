package loadtest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"clirgate/loadtest/oracle"
)

// seenCall is a call as the callee saw it arrive.
type seenCall struct {
	name   callName
	caller *Caller
	class  oracle.Class
}

// Unrecorded is how the element's records differ from what the callee saw.
type Unrecorded struct {
	Calls     int `json:"calls"`     // seen by the callee
	Records   int `json:"records"`   // read
	Missing   int `json:"missing"`   // calls without a record
	Caller    int `json:"caller"`    // records with another caller
	Treatment int `json:"treatment"` // records that say withheld where it was not, or the other way round
}

// OK tells whether every call has its record with the true caller.
func (u Unrecorded) OK() bool { return u.Missing == 0 && u.Caller == 0 && u.Treatment == 0 }

// String says it in a line, without numbers of anybody.
func (u Unrecorded) String() string {
	return fmt.Sprintf("%d calls seen, %d records: %d calls without a record, %d with another caller, %d with another treatment",
		u.Calls, u.Records, u.Missing, u.Caller, u.Treatment)
}

// written is what is read of the element's records, one JSON object a line.
type written struct {
	Calling  string `json:"calling"`
	Withheld bool   `json:"withheld"`
	CallID   string `json:"call_id_in"`
}

// maxLine bounds a record.
const maxLine = 1 << 20

// Compare holds the element's records against the calls the callee saw. It is for after
// the run; the run must have been told to keep a ledger.
func (r *Run) Compare(records io.Reader) (Unrecorded, error) {
	var u Unrecorded
	of := map[callName][]written{}
	lines := bufio.NewScanner(records)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var one written
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return u, fmt.Errorf("record %d: %w", u.Records+1, err)
		}
		u.Records++
		if name, _, ok := readName([]byte(one.CallID)); ok {
			of[name] = append(of[name], one)
		}
	}
	if err := lines.Err(); err != nil {
		return u, fmt.Errorf("after record %d: %w", u.Records, err)
	}
	for _, l := range r.loops {
		for _, s := range l.stats.ledger {
			u.compare(s, of[s.name])
		}
	}
	return u, nil
}

// compare looks at the records of one call. A call that was placed again, after the
// element had died, may have several; one of them must be right.
func (u *Unrecorded) compare(s seenCall, records []written) {
	u.Calls++
	if len(records) == 0 {
		u.Missing++
		return
	}
	caller := false
	for _, one := range records {
		if one.Calling != s.caller.E164 {
			continue
		}
		caller = true
		if s.class == oracle.Unsure || one.Withheld == (s.class == oracle.Withheld) {
			return
		}
	}
	if caller {
		u.Treatment++
	} else {
		u.Caller++
	}
}
