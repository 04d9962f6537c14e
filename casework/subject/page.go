package subject

import (
	"embed"
	"html/template"
	"io"
	"strings"
	"time"

	"clirgate/casework"
)

// Print is how an export is printed.
type Print struct {
	Language string          // nl or en; empty: nl
	Zone     *time.Location  // of its times; nil: UTC
	Sender   casework.Sender // whose export it is
}

//go:embed export.html
var pages embed.FS

var page = template.Must(template.New("export.html").Funcs(functions(Print{})).ParseFS(pages, "export.html"))

// functions are what the template calls: they depend on language and zone.
func functions(p Print) template.FuncMap {
	zone := p.Zone
	if zone == nil {
		zone = time.UTC
	}
	say := func(text string) string { return in(p.Language, text) }
	v := values{say, zone}
	return template.FuncMap{
		"say":    say,
		"moment": func(t time.Time) string { return t.In(zone).Format("02-01-2006 15:04:05 MST") },
		"day":    func(t time.Time) string { return t.In(zone).Format("02-01-2006") },
		"all": func(list []string) string {
			if len(list) == 0 {
				return say("nobody")
			}
			said := make([]string, len(list))
			for i := range list {
				said[i] = say(list[i])
			}
			return strings.Join(said, "; ")
		},
		"service":   func(method string) string { return say(serviceName(method)) },
		"date":      printedDate,
		"rule":      v.rule,
		"corrected": v.corrected,
	}
}

// WriteHTML writes the export to be read and printed.
func (e *Export) WriteHTML(w io.Writer, p Print) error {
	if p.Language != "en" {
		p.Language = "nl"
	}
	t, err := page.Clone()
	if err != nil {
		return err
	}
	return t.Funcs(functions(p)).Execute(w, struct {
		*Export
		Print
	}{e, p})
}
