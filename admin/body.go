package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"
)

// decode reads a JSON body strictly into v, or writes which field is wrong. What was sent
// is not repeated.
func decode(ctx *fasthttp.RequestCtx, v any) bool {
	if !jsonBody(ctx) {
		return false
	}
	dec := json.NewDecoder(bytes.NewReader(ctx.PostBody()))
	dec.DisallowUnknownFields()
	err := dec.Decode(v)
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			return true
		}
		malformed("something stands behind the document").write(ctx)
		return false
	}
	var wrong *json.UnmarshalTypeError
	unknown, isUnknown := strings.CutPrefix(err.Error(), `json: unknown field "`)
	switch {
	case isUnknown:
		badField(plain(strings.TrimSuffix(unknown, `"`)), "is unknown", "leave it out, or check its spelling").write(ctx)
	case errors.As(err, &wrong) && wrong.Field != "":
		badField(plain(wrong.Field), "has the wrong type", "see /openapi.yaml").write(ctx)
	default:
		malformed(fmt.Sprintf("not one JSON object (byte %d)", dec.InputOffset())).write(ctx)
	}
	return false
}

func malformed(wrong string) problem {
	return problem{Status: fasthttp.StatusBadRequest, Type: "malformed-body", Title: "The body cannot be read", Detail: wrong, Mend: "send one JSON object"}
}

// plain bounds a field name that somebody else chose, and keeps digits out of it.
func plain(name string) string {
	const most = 40
	if len(name) > most {
		name = name[:most]
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r < ' ' {
			return '?'
		}
		return r
	}, name)
}

// absent answers for an endpoint whose part this gateway has not.
func absent(ctx *fasthttp.RequestCtx) {
	problem{Status: fasthttp.StatusNotImplemented, Type: "not-available", Title: "This gateway cannot do this"}.write(ctx)
}

// parameter is a path parameter as it was meant; false when its encoding is broken, which
// has been answered.
func parameter(ctx *fasthttp.RequestCtx, name string) (string, bool) {
	raw, _ := ctx.UserValue(name).(string)
	text, err := url.PathUnescape(raw)
	if err != nil || len(text) > maxArgument {
		badField(name, "is too long, or not well percent-encoded", "encode it as RFC 3986 says").write(ctx)
		return "", false
	}
	return text, true
}
