package admin

import (
	"strconv"
	"strings"

	"clirgate/rules"
	"github.com/valyala/fasthttp"
)

// etag is a revision as an entity tag (RFC 9110 section 8.8.3).
func etag(revision uint64) string { return `"` + strconv.FormatUint(revision, 10) + `"` }

// condition reads If-Match and If-None-Match (RFC 9110 section 13.1). The
// problem is not nil when they cannot be taken.
func condition(ctx *fasthttp.RequestCtx) (rules.Match, *problem) {
	match, some := header(ctx, "If-Match")
	none, absent := header(ctx, "If-None-Match")
	switch {
	case some && absent:
		p := badField("If-Match", "stands beside If-None-Match", "send one of them")
		return rules.Match{}, &p
	case absent && none == "*":
		return rules.Absent(), nil
	case absent:
		p := badField("If-None-Match", "is not *", "send If-None-Match: * to make a subscriber, If-Match with an ETag to change one")
		return rules.Match{}, &p
	case !some:
		return rules.Unsaid(), nil
	case match == "*":
		return rules.Any(), nil
	}
	tag, weak := strings.CutPrefix(match, "W/")
	if len(tag) < 2 || tag[0] != '"' || tag[len(tag)-1] != '"' || strings.Contains(tag[1:len(tag)-1], `"`) {
		p := badField("If-Match", "is not one entity tag", `send the ETag of the subscriber as it came, for example "17"`)
		return rules.Match{}, &p
	}
	revision, err := strconv.ParseUint(tag[1:len(tag)-1], 10, 64)
	if err != nil || weak {
		revision = 0 // a tag that is none of ours, or weak, matches nothing
	}
	return rules.At(revision), nil
}

// header answers all lines of a header as one.
func header(ctx *fasthttp.RequestCtx, name string) (value string, given bool) {
	lines := ctx.Request.Header.PeekAll(name)
	values := make([]string, len(lines))
	for i, l := range lines {
		values[i] = strings.TrimSpace(string(l))
	}
	return strings.Join(values, ", "), len(lines) > 0
}

// notModified tells whether the asker has this revision already (RFC 9110
// section 13.1.2, weak comparison).
func notModified(ctx *fasthttp.RequestCtx, revision uint64) bool {
	value, given := header(ctx, "If-None-Match")
	if !given {
		return false
	}
	for _, tag := range strings.Split(value, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == "*" || tag == etag(revision) {
			return true
		}
	}
	return false
}
