package privacy

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"clirgate/numbering"
	"clirgate/sip/message"
)

// IdentityRequest is the body by which the called side's network asks the caller's network
// for a missing identity (TS 24.616 4.5.2.5).
const IdentityRequest = `<?xml version="1.0" encoding="UTF-8"?>` + "\r\n" +
	`<mcid xmlns="http://uri.etsi.org/ngn/params/xml/simservs/mcid"><request>` +
	`<McidRequestIndicator>1</McidRequestIndicator><HoldingIndicator>0</HoldingIndicator></request></mcid>` + "\r\n"

// CallerIdentity is what a network answers to that.
type CallerIdentity struct {
	Network numbering.Number // OrigPartyIdentity
	Generic numbering.Number // GenericNumber: as the caller showed itself
}

// Bounds of an answer: what has more is not read.
const (
	maxAnswer       = 4096 // bytes
	maxAnswerTokens = 128
	maxAnswerDepth  = 8
)

// ReadCallerIdentity reads the answer of the caller's network out of a message whose whole
// body it is. ok is false when it is none, or holds no identity: the indicator says that
// nothing is included, a number that cannot be read, more than an answer needs.
func ReadCallerIdentity(m *message.Message, plan *numbering.Plan) (id CallerIdentity, ok bool) {
	found, alone := MaliciousCall(m)
	body := m.Get(m.Body())
	if !found || !alone || len(body) > maxAnswer || m.Has(message.HContentEncoding) {
		return id, false
	}
	d := xml.NewDecoder(bytes.NewReader(body))
	d.CharsetReader = nil // UTF-8 alone
	var path []string
	given := true
	for range maxAnswerTokens {
		t, err := d.Token()
		if err != nil {
			// Only the end of the body makes it a whole one.
			return id, errors.Is(err, io.EOF) && given && id != CallerIdentity{}
		}
		switch t := t.(type) {
		case xml.StartElement:
			if path = append(path, t.Name.Local); len(path) > maxAnswerDepth {
				return CallerIdentity{}, false
			}
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.Directive: // a document type, and what it may define
			return CallerIdentity{}, false
		case xml.CharData:
			given = id.take(path, strings.TrimSpace(string(t)), plan) && given
		}
	}
	return CallerIdentity{}, false
}

// take notes the text of one element of a response. It answers false when it says that
// nothing is given.
func (id *CallerIdentity) take(path []string, text string, plan *numbering.Plan) (given bool) {
	if len(path) < 3 || text == "" || path[len(path)-2] != "response" {
		return true
	}
	switch path[len(path)-1] {
	case "McidResponseIndicator":
		return text != "0" && text != "false"
	case "OrigPartyIdentity":
		id.Network = numberOfText(text, plan)
	case "GenericNumber":
		id.Generic = numberOfText(text, plan)
	}
	return true
}

// numberOfText reads a number written as a URI or as it is.
func numberOfText(text string, plan *numbering.Plan) numbering.Number {
	if !strings.Contains(text, ":") {
		return plan.Parse([]byte(text), numbering.Phone)
	}
	u, ok := message.ReadURI([]byte(text))
	if !ok {
		return 0
	}
	switch u.Scheme {
	case message.Tel:
		return plan.Parse([]byte(text[u.User.Off:max(u.User.End, u.Params.End)]), numbering.Tel)
	case message.SIP, message.SIPS:
		return plan.Parse([]byte(text[u.User.Off:u.User.End]), numbering.Phone)
	}
	return 0
}
