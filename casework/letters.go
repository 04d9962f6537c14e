package casework

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"time"

	"clirgate/numbering"
)

// Kinds of letters; each is a template in every language.
const (
	LetterWarning    = "warning"    // to the caller: please stop
	LetterDisclosure = "disclosure" // to the claimant: who called
	LetterNotice     = "notice"     // to the caller: your data were given
	LetterOrder      = "order"      // to an authority: the answer to its order
)

var letterKinds = [...]string{LetterWarning, LetterDisclosure, LetterNotice, LetterOrder}

// Languages of letters; the first is the default.
var Languages = [...]string{"nl", "en"}

// Sender is whose letters these are.
type Sender struct {
	Party
	Department string `json:"department"`
	Contact    string `json:"contact"` // telephone, mail
}

// Letter is what a template may use. A field that a kind of letter may not tell is zero
// for it, so that no template can: a warning knows its recipient and nobody else.
type Letter struct {
	Kind      string
	Language  string
	Reference string // of the case or order
	Date      time.Time
	Sender    Sender
	Recipient Party
	Caller    *Party           // disclosure only
	Number    numbering.Number // the caller's: disclosure, notice
	Called    numbering.Number // disclosure only
	Calls     []time.Time      // disclosure only; like Date in the zone of the sender
	Order     *OrderAnswer     // order only; its times too
}

// Letters are parsed templates.
type Letters struct{ all map[string]*template.Template }

//go:embed templates/*.html
var embedded embed.FS

// EmbeddedLetters are the templates that come with the program.
func EmbeddedLetters() *Letters {
	l, err := LoadLetters("")
	if err != nil {
		panic(err) // the embedded ones are tested
	}
	return l
}

// LoadLetters takes templates from a directory where it has them (warning.nl.html,
// page.html ...) and the embedded ones otherwise. Each is tried once, so that a mistake
// is found at start and not when a letter is due.
func LoadLetters(dir string) (*Letters, error) {
	l := &Letters{all: make(map[string]*template.Template)}
	page, err := templateText(dir, "page.html")
	if err != nil {
		return nil, err
	}
	for _, kind := range letterKinds {
		for _, language := range Languages {
			name := kind + "." + language + ".html"
			text, err := templateText(dir, name)
			if err != nil {
				return nil, err
			}
			t, err := template.New("page").Funcs(letterFuncs).Parse(page)
			if err == nil {
				_, err = t.New("letter").Parse(text)
			}
			if err != nil {
				return nil, fmt.Errorf("letter template %s: %w", name, err)
			}
			l.all[kind+"."+language] = t
			if _, err := l.render(sampleLetter(kind, language)); err != nil {
				return nil, fmt.Errorf("letter template %s: %w", name, err)
			}
		}
	}
	return l, nil
}

func templateText(dir, name string) (string, error) {
	if dir != "" {
		b, err := fs.ReadFile(os.DirFS(dir), name)
		if err == nil {
			return string(b), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("letter template %s: %w", name, err)
		}
	}
	b, err := embedded.ReadFile("templates/" + name)
	return string(b), err
}

var letterFuncs = template.FuncMap{
	"number": func(n numbering.Number) string { return n.E164() },
	"date":   longDate,
	"moment": func(t time.Time) string { return t.Format("02-01-2006 15:04 MST") },
	"second": func(t time.Time) string { return t.Format("02-01-2006 15:04:05 MST") },
}

var dutchMonths = [...]string{"januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"}

func longDate(language string, t time.Time) string {
	if language == "nl" {
		return fmt.Sprintf("%d %s %d", t.Day(), dutchMonths[t.Month()-1], t.Year())
	}
	return t.Format("2 January 2006")
}

func (l *Letters) render(letter Letter) ([]byte, error) {
	t := l.all[letter.Kind+"."+letter.Language]
	if t == nil {
		return nil, fmt.Errorf("casework: no letter %q in language %q", letter.Kind, letter.Language)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, letter); err != nil {
		return nil, fmt.Errorf("casework: letter %s.%s: %w", letter.Kind, letter.Language, err)
	}
	return b.Bytes(), nil
}

func sampleLetter(kind, language string) Letter {
	l := Letter{Kind: kind, Language: language, Date: time.Unix(0, 0).UTC(), Recipient: Party{Name: "A"}}
	switch kind {
	case LetterDisclosure:
		l.Caller, l.Calls = &Party{Name: "B"}, []time.Time{l.Date}
	case LetterOrder:
		l.Order = &OrderAnswer{Records: 1, Calls: []OrderCall{{Record: "C", Start: l.Date, Answer: l.Date, End: l.Date}}, Notes: []Note{{At: l.Date}}}
	}
	return l
}

// letter renders and files a letter in the recipient's language.
func (d *draft) letter(kind string, l Letter) (n int, err error) {
	html, err := d.s.written(kind, d.ID, d.now, l)
	if err != nil {
		return 0, err
	}
	return d.document(kind, html)
}

// written is a letter of a case or order in the recipient's language and the sender's zone.
func (s *Service) written(kind, reference string, now time.Time, l Letter) ([]byte, error) {
	l.Kind, l.Reference, l.Date, l.Sender = kind, reference, now.In(s.o.Zone), s.o.Sender
	for i := range l.Calls {
		l.Calls[i] = l.Calls[i].In(s.o.Zone)
	}
	l.Language = s.o.Language
	for _, known := range Languages {
		if l.Recipient.Language == known {
			l.Language = known
		}
	}
	return s.o.Letters.render(l)
}
