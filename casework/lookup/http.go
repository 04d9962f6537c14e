package lookup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"clirgate/casework"
	"clirgate/numbering"
)

// HTTP asks the customer system: POST {"number":"+31201234567"}, answered 200 with a
// party in JSON (name, address, postcode, town, language, provider) or 404. The number
// is in the body, so that no log of addresses holds it.
type HTTP struct {
	URL    string
	Token  string       // bearer token; empty: none
	Client *http.Client // nil: one with a timeout of 5 s that follows no redirects
}

var _ casework.AddressBook = (*HTTP)(nil)

var plainClient = &http.Client{
	Timeout:       5 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// maxAnswer bounds an answer in bytes.
const maxAnswer = 64 << 10

var errAnswer = errors.New("customer system: the answer is no party in JSON")

// Lookup asks who has a number.
func (h *HTTP) Lookup(ctx context.Context, n numbering.Number) (p casework.Party, err error) {
	body, err := json.Marshal(map[string]string{"number": n.E164()})
	if err != nil {
		return p, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return p, fmt.Errorf("customer system: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	if h.Token != "" {
		req.Header.Set("Authorization", "Bearer "+h.Token)
	}
	client := h.Client
	if client == nil {
		client = plainClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return p, fmt.Errorf("customer system: %w", err)
	}
	defer resp.Body.Close() // only read
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return p, casework.ErrUnknownParty
	default:
		return p, fmt.Errorf("customer system: answered %d", resp.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&p); err != nil || p.Name == "" {
		return casework.Party{}, errAnswer
	}
	return p, nil
}
