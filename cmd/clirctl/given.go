package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// What tells of people does not belong on a command line, where everybody on the machine
// sees it and the shell keeps it: it is read from a file, standard input or a prompt.

// maxGiven bounds what is read, in bytes.
const maxGiven = 1 << 20

// given reads JSON from a file, or from standard input for "-".
func (s *session) given(flag, path string, into any) error {
	var in io.Reader = s.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return failed(exitWrong, "%s: %v", flag, err)
		}
		defer f.Close() // it was read only
		in = f
	} else if s.TokenFile == "-" {
		return failed(exitWrong, "%s: standard input is the token's already: name a file", flag)
	}
	d := json.NewDecoder(io.LimitReader(in, maxGiven))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return failed(exitWrong, "%s: this is not the JSON that is wanted: %v", flag, wrongJSON(err))
	}
	return nil
}

// wrongJSON is an error without the text it stands on, which may be somebody's.
func wrongJSON(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("wrong at byte %d", syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Errorf("%q is no %s", kind.Field, kind.Type)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("it ends early")
	case strings.Contains(err.Error(), "unknown field"):
		return err // names the field only
	}
	return errors.New("one value of it cannot be read")
}

// terminal tells whether somebody sits there who can be asked.
func (s *session) terminal() bool {
	in, ok := s.in.(*os.File)
	return ok && s.TokenFile != "-" && term.IsTerminal(int(in.Fd()))
}

// question is one line to be asked for.
type question struct {
	text string
	into *string
}

// prompt asks for lines, one after the other.
func (s *session) prompt(questions []question) error {
	in := bufio.NewReader(s.in)
	for _, q := range questions {
		fmt.Fprint(s.errs, q.text+": ")
		line, err := in.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return failed(exitWrong, "%v", err)
		}
		*q.into = strings.TrimSpace(line)
	}
	return nil
}
