// Package torture holds the SIP torture test messages of RFC 4475 section 3 and
// RFC 5118 section 4 as exact bytes, with what a proxy must do with each. It is
// for tests alone.
package torture

import (
	"embed"
	"slices"
)

//go:embed rfc4475/*.sip rfc5118/*.sip
var files embed.FS

// Outcome is what a proxy must do with a message.
type Outcome uint8

const (
	Forward Outcome = iota + 1 // as any other request
	Reject                     // answer with one of Status
	Discard                    // neither forward nor answer
)

// Case is one message.
type Case struct {
	Name    string
	RFC     int
	Section string
	Title   string
	Outcome Outcome
	// Status lists the response codes that are right, the best first. Of a message
	// to be forwarded: codes with which refusing it is acceptable too.
	Status []int
	Note   string
}

// Data is a copy of the message's bytes, one datagram. It panics for a Case that is
// none of Cases.
func (c Case) Data() []byte {
	dir := "rfc4475/"
	if c.RFC == 5118 {
		dir = "rfc5118/"
	}
	b, err := files.ReadFile(dir + c.Name + ".sip")
	if err != nil {
		panic(err)
	}
	return b
}

// Names lists the files there are, to hold against Cases.
func Names(rfc string) []string {
	entries, err := files.ReadDir(rfc)
	if err != nil {
		panic(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	return names
}
