package admin_test

import (
	"bytes"
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

var braces = regexp.MustCompile(`\\\{\w+\\\}`)

// described finds what the document says of a request; nil: it knows no such endpoint.
func described(t *testing.T, req *http.Request) *routers.Route {
	t.Helper()
	doc, err := description()
	if err != nil {
		t.Fatal(err)
	}
	best := ""
	for _, path := range doc.Paths.InMatchingOrder() {
		pattern := braces.ReplaceAllString(regexp.QuoteMeta(path), `[^/]+`)
		if regexp.MustCompile("^" + pattern + "$").MatchString(req.URL.EscapedPath()) {
			if best == "" || strings.Count(path, "{") < strings.Count(best, "{") || strings.Contains(path, "}:") {
				best = path
			}
		}
	}
	if best == "" || doc.Paths.Value(best).GetOperation(req.Method) == nil {
		return nil
	}
	item := doc.Paths.Value(best)
	return &routers.Route{Spec: doc, Path: best, PathItem: item, Method: req.Method, Operation: item.GetOperation(req.Method)}
}

func init() {
	for _, kind := range []string{"text/csv", "application/jsonl", "application/x-ndjson", "application/yaml", "text/plain"} {
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
	doc, err := description()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			path := strings.NewReplacer("{number}", "+31612345678", "{name}", "core%20x", "{id}", "x", "{revision}", "1").Replace(path)
			if r := a.do(method, path, ""); r.field("type") == "urn:clirgate:problem:no-such-endpoint" || r.status == 405 || r.status == 501 {
				t.Errorf("%s %s: %d %s", method, path, r.status, r.body)
			}
		}
	}
}
