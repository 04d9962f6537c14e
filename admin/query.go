package admin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/valyala/fasthttp"
)

// query reads the parameters behind "?". The first mistake is answered; what comes after
// it is zero.
type query struct {
	ctx *fasthttp.RequestCtx
	bad bool
}

func (q *query) wrong(name, what, mend string) {
	if !q.bad {
		badField(name, what, mend).write(q.ctx)
	}
	q.bad = true
}

const maxArgument = 200 // bytes

func (q *query) text(name string) string {
	text := string(q.ctx.QueryArgs().Peek(name))
	if len(text) > maxArgument || !utf8.ValidString(text) {
		q.wrong(name, "is too long, or no text", fmt.Sprintf("at most %d bytes", maxArgument))
		return ""
	}
	return text
}

// texts is every value of a parameter that may be there several times.
func (q *query) texts(name string, most int) (all []string) {
	for _, v := range q.ctx.QueryArgs().PeekMulti(name) {
		if len(v) > maxArgument || !utf8.Valid(v) || len(all) == most {
			q.wrong(name, "is too long, no text, or there too often", fmt.Sprintf("at most %d of %d bytes", most, maxArgument))
			return nil
		}
		all = append(all, string(v))
	}
	return all
}

func (q *query) time(name string) (t time.Time) {
	text := q.text(name)
	if text == "" {
		return t
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		q.wrong(name, "is no time", "write it as RFC 3339 says, like 2026-11-23T14:00:00Z")
	}
	return t
}

func (q *query) limit() int {
	text := q.text("limit")
	if text == "" {
		return defaultPage
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxPage {
		q.wrong("limit", "is out of range", fmt.Sprintf("give 1 to %d", maxPage))
	}
	return n
}

// cursor is where the page before ended; 0: the first page.
func (q *query) cursor() uint64 {
	text := q.text("cursor")
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 36, 64)
	if err != nil || n == 0 {
		q.wrong("cursor", "is none of ours", `give "next" of the page before as it came`)
	}
	return n
}

// choice is one of a few words, or "".
func (q *query) choice(name string, words ...string) string {
	text := q.text(name)
	if text != "" && !slices.Contains(words, text) {
		q.wrong(name, "is unknown", "give "+strings.Join(words, " or "))
	}
	return text
}

func (q *query) flag(name string) bool {
	switch q.text(name) {
	case "", "false":
		return false
	case "true":
		return true
	}
	q.wrong(name, "is neither true nor false", "give true, or leave it out")
	return false
}

// end tells whether all was well; parameters that nobody knows are mistakes too.
func (q *query) end(known ...string) bool {
	for name := range q.ctx.QueryArgs().All() {
		if !slices.Contains(known, string(name)) {
			q.wrong(plain(string(name)), "is unknown", "leave it out, or check its spelling")
		}
	}
	return !q.bad
}
