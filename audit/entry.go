// Package audit is the log of who did and saw what: append-only, every entry
// chained by its hash to the one before, so that an entry that was changed,
// removed or put elsewhere is found and named, also offline, on an export.
//
// It knows neither SQL nor HTTP nor SIP. Stores fill Log.
//
// Numbers: the log outlives what it tells of and cannot be mended, so it holds
// a number in clear only where that is the point of the entry: the subscriber
// whose rule was changed (Subscriber). Every other number, above all one that a
// withheld caller called from, goes in as a keyed hash (Keyed) or not at all.
// Free text of subscribers (notes) is not copied into it.
package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"
	"unicode/utf8"

	"clirgate/numbering"
)

// Outcome is how it ended.
type Outcome string

const (
	Done    Outcome = "done"
	Refused Outcome = "refused" // not allowed, or not well asked
	Failed  Outcome = "failed"  // allowed, but could not be done
)

// Entry is one line of the log.
type Entry struct {
	Seq     uint64    `json:"seq"`  // 1, 2, 3 without gaps; given by the log
	Time    time.Time `json:"time"` // UTC, whole microseconds
	Actor   string    `json:"actor"`
	Role    string    `json:"role"`
	Action  string    `json:"action"`  // what was done: "subscriber.put"
	Object  string    `json:"object"`  // to what: see Subscriber and Keyed
	Purpose string    `json:"purpose"` // why, in the actor's words
	Case    string    `json:"case"`    // the nuisance case it was done for
	Outcome Outcome   `json:"outcome"`
	Detail  string    `json:"detail"`
	Prev    Hash      `json:"prev"` // Hash of the entry before; zero for the first
	Hash    Hash      `json:"hash"` // over all of the above
}

// Who splits "noc:alice", the actor of a change, into name and role. What has no
// role ("system") is its own.
func Who(actor string) (name, role string) {
	role, name, ok := strings.Cut(actor, ":")
	if !ok {
		return actor, actor
	}
	return name, role
}

// Subscriber is the object of an entry about a subscriber's own rule, the
// number in clear.
func Subscriber(n numbering.Number) string { return "subscriber:" + n.E164() }

// Keyed is the object of an entry about any other number: equal for equal
// numbers under one key, and nothing else can be learnt from it.
func Keyed(key []byte, n numbering.Number) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("clirgate audit number"))
	h.Write(n.AppendDial(nil))
	return "number:~" + strings.ToLower(base32.StdEncoding.EncodeToString(h.Sum(nil)[:15]))
}

// maxField bounds a text of an entry, in bytes.
const maxField = 4096

// After makes e the entry that follows head: numbered, cleaned, chained.
func (e Entry) After(head Head) Entry {
	e.Seq, e.Prev = head.Seq+1, head.Hash
	e.Time = e.Time.UTC().Truncate(time.Microsecond)
	for _, s := range []*string{&e.Actor, &e.Role, &e.Action, &e.Object, &e.Purpose, &e.Case, (*string)(&e.Outcome), &e.Detail} {
		*s = clean(*s)
	}
	e.Hash = e.sum()
	return e
}

// clean leaves what every store and JSON give back as it went in.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if len(s) <= maxField {
		return s
	}
	s = s[:maxField]
	for !utf8.ValidString(s) { // cut within a character
		s = s[:len(s)-1]
	}
	return s
}

// Head is the state of a log: its last entry. The zero Head is an empty log.
type Head struct {
	Seq  uint64 `json:"seq"`
	Hash Hash   `json:"hash"`
}

// Head is the state of the log whose last entry is e.
func (e *Entry) Head() Head { return Head{e.Seq, e.Hash} }

// Text is what one signs, prints or writes down to prove later that the log up
// to here is still the same.
func (h Head) Text() string { return "clirgate audit head " + utoa(h.Seq) + " " + h.Hash.String() }
