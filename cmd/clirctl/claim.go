package main

import (
	"strings"
	"time"

	"clirgate/casework"
)

// claimFlags are a claim with its parts a) to d).
type claimFlags struct {
	From     string   `help:"Read the claim from a JSON file, or standard input (-), in the form of the API; flags given beside it count more. Without any, a terminal is asked." placeholder:"FILE"`
	Name     string   `group:"Discouraged: others see a command line, and the shell keeps it" help:"a) Name of the claimant."`
	Address  string   `group:"Discouraged: others see a command line, and the shell keeps it" help:"a) Street and house number."`
	Postcode string   `group:"Discouraged: others see a command line, and the shell keeps it" help:"a) Postcode."`
	Town     string   `group:"Discouraged: others see a command line, and the shell keeps it" help:"a) Town."`
	Language string   `help:"Of letters: nl or en."`
	Called   string   `group:"Discouraged: others see a command line, and the shell keeps it" help:"b) The number that is called." placeholder:"NUMBER"`
	Nuisance string   `group:"Discouraged: others see a command line, and the shell keeps it" help:"c) Nature and seriousness." placeholder:"TEXT"`
	At       []string `help:"d) When: a time, or FROM/TO; several times." placeholder:"TIME" sep:"none"`
	Via      string   `help:"Provider that passed the claim on."`
}

// written is a claim in the form of the API.
type written struct {
	Claimant casework.Party    `json:"claimant"`
	Number   string            `json:"number"`
	Nuisance string            `json:"nuisance"`
	Periods  []casework.Period `json:"periods"`
	Via      string            `json:"via,omitempty"`
	Received *time.Time        `json:"received,omitempty"`
}

func (f *claimFlags) empty() bool {
	return f.From == "" && len(f.At) == 0 && f.Name+f.Address+f.Postcode+f.Town+f.Called+f.Nuisance == ""
}

// claim is what was given by file, prompt and flags.
func (f *claimFlags) claim(s *session) (c written, err error) {
	switch {
	case f.From != "":
		err = s.given("--from", f.From, &c)
	case f.empty() && s.terminal():
		err = f.ask(s)
	}
	if err != nil {
		return c, err
	}
	for _, field := range []struct {
		into *string
		flag string
	}{
		{&c.Claimant.Name, f.Name}, {&c.Claimant.Address, f.Address}, {&c.Claimant.Postcode, f.Postcode}, {&c.Claimant.Town, f.Town},
		{&c.Claimant.Language, f.Language}, {&c.Number, f.Called}, {&c.Nuisance, f.Nuisance}, {&c.Via, f.Via},
	} {
		if field.flag != "" {
			*field.into = field.flag
		}
	}
	for _, text := range f.At {
		p, err := period(text)
		if err != nil {
			return c, err
		}
		c.Periods = append(c.Periods, p)
	}
	return c, nil
}

// ask has whoever sits at the terminal say it.
func (f *claimFlags) ask(s *session) error {
	var at string
	err := s.prompt([]question{
		{"a) Name of the claimant", &f.Name}, {"   Street and house number", &f.Address}, {"   Postcode", &f.Postcode}, {"   Town", &f.Town},
		{"b) The number that is called", &f.Called}, {"c) Nature and seriousness", &f.Nuisance},
		{"d) Times, or FROM/TO, with commas between", &at},
	})
	for text := range strings.SplitSeq(at, ",") {
		if text = strings.TrimSpace(text); text != "" {
			f.At = append(f.At, text)
		}
	}
	return err
}

// period reads a time, or two with "/" between them.
func period(text string) (p casework.Period, err error) {
	from, to, both := strings.Cut(text, "/")
	if p.From, err = moment(from, time.Now(), -1); err == nil && both {
		p.To, err = moment(to, time.Now(), -1)
	}
	if err != nil {
		return p, failed(exitWrong, "--at: %v; or two of them as FROM/TO", err)
	}
	return p, nil
}
