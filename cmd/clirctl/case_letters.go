package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"

	"clirgate/admin"
	"clirgate/casework"
)

type caseLetters struct {
	Case string `arg:"" help:"Id of the case."`
}

func (c *caseLetters) Run(s *session) error {
	var list struct{ Letters []admin.Letter }
	if err := s.ask("GET", casePath(c.Case)+"/letters", nil, &list); err != nil {
		return err
	}
	var rows [][]string
	for _, l := range list.Letters {
		rows = append(rows, []string{strconv.Itoa(l.N), l.Kind, clock(l.Created)})
	}
	s.table("N\tKIND\tMADE", rows...)
	return nil
}

type caseLetter struct {
	Case   string `arg:"" help:"Id of the case."`
	Letter int    `arg:"" help:"Its number."`
	Out    string `short:"o" type:"path" placeholder:"FILE" help:"Write here; default: standard output."`
}

func (c *caseLetter) Run(s *session) error {
	return s.download(fmt.Sprintf("%s/letters/%d", casePath(c.Case), c.Letter), c.Out)
}

type caseEvidence struct {
	Case     string `arg:"" help:"Id of the case."`
	Evidence int    `arg:"" help:"Its number."`
	Out      string `short:"o" type:"path" placeholder:"FILE" help:"Write here; default: standard output."`
}

func (c *caseEvidence) Run(s *session) error {
	return s.download(fmt.Sprintf("%s/evidence/%d", casePath(c.Case), c.Evidence), c.Out)
}

type caseKey struct{}

func (caseKey) Run(s *session) error {
	var k admin.EvidenceKey
	if err := s.ask("GET", "/v1/evidence-key", nil, &k); err != nil {
		return err
	}
	s.say("%s", k.Key)
	return nil
}

type caseVerify struct {
	File string `arg:"" help:"Evidence, or the answer to an order; - for standard input."`
	Key  string `help:"Public key of the gateway, from clirctl case key; without it the file's own is named, to be compared." placeholder:"BASE64"`
}

// Run needs neither gateway nor token.
func (c *caseVerify) Run(s *session) error {
	file, err := s.read(c.File)
	if err != nil {
		return failed(exitWrong, "%v", err)
	}
	var public ed25519.PublicKey
	if c.Key != "" {
		b, err := base64.StdEncoding.Strict().DecodeString(c.Key)
		if err != nil || len(b) != ed25519.PublicKeySize {
			return failed(exitWrong, "--key: not the %d bytes of a key in base64", ed25519.PublicKeySize)
		}
		public = b
	}
	e, by, err := casework.VerifyEvidence(file, public)
	if err != nil {
		return failed(exitUnwell, "%v", err)
	}
	if s.JSON {
		return json.NewEncoder(s.out).Encode(e)
	}
	s.say("the file is as it was signed")
	s.table("", []string{"case", e.Case}, []string{"frozen", clock(e.Frozen)}, []string{"by", e.By}, []string{"reason", e.Reason},
		[]string{"records", strconv.Itoa(len(e.Records))}, []string{"signed with", base64.StdEncoding.EncodeToString(by)})
	if public == nil {
		s.say("compare the key with the one the gateway names: clirctl case key")
	}
	return nil
}
