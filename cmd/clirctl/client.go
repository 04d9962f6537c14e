package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"clirgate/casework"
	"github.com/alecthomas/kong"
)

// connection is where the gateway is and how to get in.
type connection struct {
	Server    string        `env:"CLIRCTL_SERVER" default:"http://127.0.0.1:8080" placeholder:"URL" help:"The admin API."`
	TokenFile string        `env:"CLIRCTL_TOKEN_FILE" placeholder:"FILE" help:"File (mode 0600) that holds the token, - for standard input; without it $CLIRCTL_TOKEN, else clirctl/token in the user's configuration directory, else a prompt."`
	CA        string        `env:"CLIRCTL_CA" type:"path" placeholder:"FILE" help:"PEM file of the authority that signed the gateway's certificate."`
	JSON      bool          `name:"json" short:"j" help:"Print JSON as the API gives it."`
	Timeout   time.Duration `default:"30s" help:"How long one request may take."`
}

// Exit codes.
const (
	exitWrong       = 1
	exitNotFound    = 2
	exitForbidden   = 3
	exitConflict    = 4
	exitUnavailable = 5
	exitUnwell      = 6
)

// codedError is an error with its exit code.
type codedError struct {
	code int
	text string
}

func (e *codedError) Error() string { return e.text }

func failed(code int, format string, args ...any) error {
	return &codedError{code, fmt.Sprintf(format, args...)}
}

// session is one run of a command.
type session struct {
	*connection
	in        io.Reader
	out, errs io.Writer
	model     *kong.Application
	client    *http.Client
	secret    string // the token, once it was read
}

func (s *session) http() (*http.Client, error) {
	if s.client != nil {
		return s.client, nil
	}
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	if s.CA != "" {
		pem, err := os.ReadFile(s.CA)
		if err != nil {
			return nil, failed(exitWrong, "--ca: %v", err)
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, failed(exitWrong, "--ca: %s holds no certificate", s.CA)
		}
	}
	s.client = &http.Client{Transport: transport}
	return s.client, nil
}

// request is one question to the API.
type request struct {
	method, path string
	headers      map[string]string
	body         io.Reader
	slow         bool // may take as long as it takes
}

// answer is what came back, good.
type answer struct {
	header http.Header
	body   []byte
}

// into reads the answer's JSON.
func (a *answer) into(v any) error {
	if err := json.Unmarshal(a.body, v); err != nil {
		return failed(exitUnavailable, "the answer is not what this clirctl expects: %v", err)
	}
	return nil
}

func (s *session) do(r request) (*answer, error) {
	res, err := s.open(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, failed(exitUnavailable, "the answer was cut short: %v", err)
	}
	return &answer{res.Header, data}, nil
}

// open sends a request; the answer is good, and its body the caller's to close.
func (s *session) open(r request) (*http.Response, error) {
	token, err := s.token()
	if err != nil {
		return nil, err
	}
	client, err := s.http()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequest(r.method, strings.TrimSuffix(s.Server, "/")+r.path, r.body)
	if err != nil {
		return nil, failed(exitWrong, "--server %s is no URL", s.Server)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	for name, value := range r.headers {
		req.Header.Set(name, value)
	}
	client.Timeout = s.Timeout
	if r.slow {
		client.Timeout = 0
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, failed(exitUnavailable, "%s does not answer: %v", s.Server, cause(err))
	}
	if res.StatusCode >= 300 {
		defer res.Body.Close()
		return nil, refusal(res)
	}
	return res, nil
}

// cause is an error without the URL, which may hold a number.
func cause(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}

// refusal says what the API says is wrong.
func refusal(res *http.Response) error {
	data, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20)) // what is missing is only words
	var p struct {
		Title, Detail, Field, Mend string
		Missing                    []casework.Item
	}
	if json.Unmarshal(data, &p) != nil || p.Title == "" {
		p.Title = res.Status
	}
	text := p.Title
	for _, more := range []string{p.Field, p.Detail} {
		if more != "" {
			text += ": " + more
		}
	}
	for _, m := range p.Missing {
		text += "; " + m.Field + ": " + m.What
	}
	if p.Mend != "" {
		text += " (" + p.Mend + ")"
	}
	return failed(exitCode(res.StatusCode), "%s", text)
}

func exitCode(status int) int {
	switch {
	case status == http.StatusNotFound:
		return exitNotFound
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return exitForbidden
	case status == http.StatusConflict || status == http.StatusPreconditionFailed || status == http.StatusPreconditionRequired:
		return exitConflict
	case status == http.StatusTooManyRequests || status >= 500:
		return exitUnavailable
	}
	return exitWrong
}

// ask gets or posts JSON, and prints it as it is when that is wanted; v is filled either
// way.
func (s *session) ask(method, path string, send, v any) error {
	r := request{method: method, path: path}
	if send != nil {
		body, err := json.Marshal(send)
		if err != nil {
			return err
		}
		r.body, r.headers = bytes.NewReader(body), map[string]string{"Content-Type": "application/json"}
	}
	a, err := s.do(r)
	if err != nil {
		return err
	}
	if s.JSON {
		_, _ = s.out.Write(a.body)
	}
	return a.into(v)
}
