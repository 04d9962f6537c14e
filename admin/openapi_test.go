package admin_test

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"clirgate/admin"
	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// description is the document, read and found valid.
var description = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(admin.Document)
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(context.Background())
})

// pattern is a described path as requests have it.
type pattern struct {
	path string
	re   *regexp.Regexp
}

var braces = regexp.MustCompile(`\\\{\w+\\\}`)

// patterns is every described path, the narrower ones first.
var patterns = sync.OnceValue(func() (list []pattern) {
	doc, err := description()
	if err != nil {
		return nil
	}
	for path := range doc.Paths.Map() {
		list = append(list, pattern{path, regexp.MustCompile("^" + braces.ReplaceAllString(regexp.QuoteMeta(path), `[^/]+`) + "$")})
	}
	slices.SortFunc(list, func(a, b pattern) int {
		verb := func(p pattern) int { return strings.Count(p.path, ":") }
		return cmp.Or(strings.Count(a.path, "{")-strings.Count(b.path, "{"), verb(b)-verb(a), strings.Compare(a.path, b.path))
	})
	return list
})

// described finds what the document says of a request; nil: it knows no such endpoint.
func described(t *testing.T, req *http.Request) *routers.Route {
	t.Helper()
	doc, err := description()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range patterns() {
		if item := doc.Paths.Value(p.path); item.GetOperation(req.Method) != nil && p.re.MatchString(req.URL.EscapedPath()) {
			return &routers.Route{Spec: doc, Path: p.path, PathItem: item, Method: req.Method, Operation: item.GetOperation(req.Method)}
		}
	}
	return nil
}

func init() {
	for _, kind := range []string{"text/csv", "text/html", "application/jsonl", "application/x-ndjson", "application/yaml", "text/plain", "application/octet-stream"} {
		openapi3filter.RegisterBodyDecoder(kind, openapi3filter.PlainBodyDecoder)
	}
}

// conform holds an answer, and of good ones the request as well, against the document.
func conform(t *testing.T, req *http.Request, body string, res *http.Response, data []byte) {
	t.Helper()
	route := described(t, req)
	if route == nil {
		return
	}
	in := &openapi3filter.RequestValidationInput{
		Request: req.Clone(context.Background()), Route: route,
		Options: &openapi3filter.Options{IncludeResponseStatus: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: res.StatusCode, Header: res.Header, Body: nopCloser{bytes.NewReader(data)}, Options: in.Options,
	})
	if err != nil {
		t.Errorf("%s %s: %d is not as described: %v", req.Method, route.Path, res.StatusCode, err)
	}
	if res.StatusCode/100 != 2 || body == "" || route.Operation.RequestBody == nil {
		return
	}
	in.Request.Body = nopCloser{bytes.NewReader([]byte(body))}
	if in.Request.Header.Get("Content-Type") == "" {
		in.Request.Header.Set("Content-Type", "application/json")
	}
	if err := openapi3filter.ValidateRequestBody(context.Background(), in, route.Operation.RequestBody.Value); err != nil {
		t.Errorf("%s %s: was taken, but is not as described: %v", req.Method, route.Path, err)
	}
}

type nopCloser struct{ *bytes.Reader }

func (nopCloser) Close() error { return nil }

// Every route is described, and every described route is there.
func TestDocumentIsComplete(t *testing.T) {
	a := newAPI(t)
	doc, err := description()
	if err != nil {
		t.Fatal(err)
	}
	var served, written []string
	for _, r := range a.server.Routes() {
		served = append(served, r.Method+" "+r.Path)
		op := doc.Paths.Value(r.Path)
		if op == nil || op.GetOperation(r.Method) == nil {
			continue
		}
		open := op.GetOperation(r.Method).Security
		if r.Open != (open != nil && len(*open) == 0) {
			t.Errorf("%s %s: open %v, described otherwise", r.Method, r.Path, r.Open)
		}
		tag := "gateway"
		if len(r.Roles) > 0 {
			tag = string(r.Roles[0])
		}
		if !slices.Equal(op.GetOperation(r.Method).Tags, []string{tag}) {
			t.Errorf("%s %s is for %s, described for %v", r.Method, r.Path, tag, op.GetOperation(r.Method).Tags)
		}
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			written = append(written, method+" "+path)
		}
	}
	slices.Sort(served)
	slices.Sort(written)
	if !slices.Equal(served, written) {
		t.Errorf("served\n%s\ndescribed\n%s", strings.Join(served, "\n"), strings.Join(written, "\n"))
	}
	r := a.do("GET", "/openapi.yaml", "")
	if r.status != 200 || r.body != string(admin.Document) {
		t.Errorf("%d", r.status)
	}
}

// Every described endpoint answers: none is forgotten by the router.
func TestDescribedIsServed(t *testing.T) {
	a := newAPI(t)
	byTag := map[string]string{"gateway": a.noc}
	for role, plain := range a.holders() {
		byTag[string(role)] = plain
	}
	doc, err := description()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			path := paths.Replace(path)
			if r := a.as(byTag[item.GetOperation(method).Tags[0]], method, path, ""); r.field("type") == "urn:clirgate:problem:no-such-endpoint" || r.status == 405 || r.status == 501 {
				t.Errorf("%s %s: %d %s", method, path, r.status, r.body)
			}
		}
	}
}
