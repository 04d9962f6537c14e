package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"
)

// Load reads the file at path. Its error is Problems, or says why there is no reading it.
func Load(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read configuration: %w", err)
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("cannot read configuration: %w", err)
	}
	c, problems := Parse(data, path, dir)
	if fatal := problems.Fatal(); len(fatal) > 0 {
		return nil, fatal
	}
	return c, nil
}

// Check finds everything that is wrong with the file at path.
func Check(path string) Problems {
	data, err := os.ReadFile(path)
	if err != nil {
		return Problems{{File: path, What: err.Error(), Mend: "name a file that can be read"}}
	}
	_, problems := Parse(data, path, filepath.Dir(path))
	return problems
}

// Parse reads data, which came from file; relative paths in it are relative to dir. The
// Config is as far as it could be read, defaults filled in.
func Parse(data []byte, file, dir string) (*Config, Problems) {
	c := new(Config)
	r := newReader(file)
	tree, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.syntax(err)
		return c, r.problems
	}
	if len(tree.Docs) > 1 {
		r.add("", "the file holds more than one YAML document", "keep one")
	}
	if len(tree.Docs) > 0 && tree.Docs[0].Body != nil {
		r.read("", tree.Docs[0].Body, c)
	}
	r.checkPeriods(&c.Trace)
	c.complete(dir)
	(&checker{Config: c, reader: r}).check()
	r.problems.sort()
	return c, r.problems
}

// syntax notes what is no YAML at all.
func (r *reader) syntax(err error) {
	p := Problem{File: r.file, Line: 1, Column: 1, What: "this is no YAML", Mend: "see the line named"}
	var at yaml.Error
	if errors.As(err, &at) {
		p.What = "this is no YAML: " + at.GetMessage()
		if t := at.GetToken(); t != nil && t.Position != nil {
			p.Line, p.Column = t.Position.Line, t.Position.Column
		}
	}
	r.problems = append(r.problems, p)
}
