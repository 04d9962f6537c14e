// Package lookup finds the name and address of a subscriber: in a CSV file, or by HTTP
// at the carrier's customer system.
package lookup

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"clirgate/casework"
	"clirgate/numbering"
)

// CSV is an address book in a file with a header: number (+31201234567), name, address,
// postcode, town, and if wanted language and provider. It is read again when it changes.
type CSV struct {
	path string

	mu       sync.Mutex
	parties  map[numbering.Number]casework.Party
	modified time.Time
	size     int64
}

var _ casework.AddressBook = (*CSV)(nil)

// OpenCSV reads the file. Errors name the line, never what is on it.
func OpenCSV(path string) (*CSV, error) {
	c := &CSV{path: path}
	return c, c.refresh()
}

// Lookup answers who has a number.
func (c *CSV) Lookup(_ context.Context, n numbering.Number) (casework.Party, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.refresh(); err != nil {
		return casework.Party{}, err
	}
	p, ok := c.parties[n]
	if !ok {
		return casework.Party{}, casework.ErrUnknownParty
	}
	return p, nil
}

// refresh reads the file when it is another one than before.
func (c *CSV) refresh() error {
	info, err := os.Stat(c.path)
	if err != nil {
		return fmt.Errorf("address book: %w", err)
	}
	if c.parties != nil && info.ModTime().Equal(c.modified) && info.Size() == c.size {
		return nil
	}
	b, err := os.ReadFile(c.path)
	if err != nil {
		return fmt.Errorf("address book: %w", err)
	}
	parties, err := readCSV(b)
	if err != nil {
		return fmt.Errorf("address book %s: %w", c.path, err)
	}
	c.parties, c.modified, c.size = parties, info.ModTime(), info.Size()
	return nil
}

var required = [...]string{"number", "name", "address", "postcode", "town"}

func readCSV(b []byte) (map[numbering.Number]casework.Party, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(b, []byte("\ufeff"))))
	header, err := r.Read()
	if err != nil {
		return nil, errors.New("line 1: there is no header")
	}
	at := make(map[string]int)
	for i, name := range header {
		at[strings.ToLower(strings.TrimSpace(name))] = i
	}
	for _, name := range required {
		if _, ok := at[name]; !ok {
			return nil, fmt.Errorf("line 1: there is no column %q", name)
		}
	}
	parties := make(map[numbering.Number]casework.Party)
	for {
		row, err := r.Read()
		line, _ := r.FieldPos(0)
		switch {
		case errors.Is(err, io.EOF):
			return parties, nil
		case err != nil:
			return nil, fmt.Errorf("line %d: %w", parseLine(err), errors.New("no CSV as of RFC 4180"))
		}
		field := func(name string) string {
			if i, ok := at[name]; ok {
				return strings.TrimSpace(row[i])
			}
			return ""
		}
		n := international(field("number"))
		if _, twice := parties[n]; n == 0 || twice {
			return nil, fmt.Errorf("line %d: the number must be + and its digits, and stand there once", line)
		}
		parties[n] = casework.Party{
			Name: field("name"), Address: field("address"), Postcode: field("postcode"), Town: field("town"),
			Language: field("language"), Provider: field("provider"),
		}
	}
}

func parseLine(err error) int {
	var pe *csv.ParseError
	if errors.As(err, &pe) {
		return pe.Line
	}
	return 0
}

func international(text string) numbering.Number {
	digits, ok := strings.CutPrefix(text, "+")
	if !ok {
		return 0
	}
	return numbering.New(numbering.International, []byte(digits))
}
