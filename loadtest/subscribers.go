package loadtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// subscribers tells the element the callers' rules through its admin API, and changes
// those of the toggled lines while calls run.
type subscribers struct {
	config  *settings
	callers *[habits][]*Caller
	client  *http.Client
	etags   map[string]string
}

func newSubscribers(s *settings, callers *[habits][]*Caller) *subscribers {
	return &subscribers{config: s, callers: callers, client: &http.Client{Timeout: apiTime}, etags: map[string]string{}}
}

// apiTime bounds one request to the API; one that is put off is tried again.
const (
	apiTime  = 10 * time.Second
	apiTries = 30
)

var clirOf = [habits]string{plain: "none", permanent: "permanent", restricted: "temporary-restricted", allowed: "temporary-allowed", toggled: "none"}

// prepare sets the rules the mix needs.
func (s *subscribers) prepare(ctx context.Context) error {
	if s.config.Target == "" {
		return nil
	}
	for h, need := range s.config.Mix.rules() {
		if !need {
			continue
		}
		if s.config.API == "" {
			return fmt.Errorf("the mix has lines with CLIR %s: give the admin API and a token, or leave them out (mix unruled)", clirOf[h])
		}
		for _, c := range s.callers[h] {
			if err := s.put(ctx, c, clirOf[h]); err != nil {
				return fmt.Errorf("preparing subscribers: %w", err)
			}
		}
	}
	return nil
}

// toggle switches one line after the other until ctx is done.
func (s *subscribers) toggle(ctx context.Context) {
	if s.config.Target == "" || !s.config.Mix.rules()[toggled] {
		return
	}
	lines := s.callers[toggled]
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.config.ToggleEvery):
		}
		c := lines[i%len(lines)]
		clir, withheld := "permanent", true
		if c.toggle.withheld.Load() {
			clir, withheld = "none", false
		}
		c.toggle.begin()
		if err := s.put(ctx, c, clir); err != nil {
			s.relearn(ctx, c)
			continue // which rule holds is not known: unsure until a switch succeeds
		}
		c.toggle.end(withheld)
	}
}

// put sets one rule; it learns the revision first where it must (DESIGN 6.3).
func (s *subscribers) put(ctx context.Context, c *Caller, clir string) error {
	body := fmt.Sprintf(`{"clir":%q}`, clir)
	for range apiTries {
		status, etag, wait, err := s.do(ctx, http.MethodPut, c, body)
		if err != nil {
			return err
		}
		switch status {
		case http.StatusOK, http.StatusCreated:
			s.etags[c.E164] = etag
			return nil
		case http.StatusPreconditionRequired, http.StatusPreconditionFailed:
			s.relearn(ctx, c)
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return ctx.Err()
			}
		default:
			return fmt.Errorf("PUT of a subscriber: status %d", status)
		}
	}
	return errors.New("PUT of a subscriber: it was put off, or its revision changed, again and again")
}

// relearn reads the current revision.
func (s *subscribers) relearn(ctx context.Context, c *Caller) {
	if status, etag, _, err := s.do(ctx, http.MethodGet, c, ""); err == nil && status == http.StatusOK {
		s.etags[c.E164] = etag
	}
}

func (s *subscribers) do(ctx context.Context, method string, c *Caller, body string) (status int, etag string, wait time.Duration, err error) {
	base := s.config.API
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	req, err := http.NewRequestWithContext(ctx, method, base+"/v1/subscribers/"+url.PathEscape(c.E164), strings.NewReader(body))
	if err != nil {
		return 0, "", 0, errors.New("the API's address is no URL")
	}
	req.Header.Set("Authorization", "Bearer "+s.config.Token)
	req.Header.Set("Content-Type", "application/json")
	if tag := s.etags[c.E164]; tag != "" && method == http.MethodPut {
		req.Header.Set("If-Match", tag)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the URL, which holds the number
		}
		return 0, "", 0, fmt.Errorf("%s of a subscriber: %w", method, err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil {
		seconds = 1
	}
	return resp.StatusCode, resp.Header.Get("ETag"), time.Duration(seconds) * time.Second, nil
}
