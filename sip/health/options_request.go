package health

import (
	"context"
	"fmt"
	"net"

	"github.com/emiago/sipgo/sip"
)

// ask sends OPTIONS and returns the status of the final response, 0 without one.
func (c *Checker) ask(ctx context.Context, t Target) int {
	ctx, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	req, err := request(t)
	if err != nil {
		return 0
	}
	res, err := c.client.Do(ctx, req)
	if err != nil || res == nil {
		return 0
	}
	return res.StatusCode
}

func request(t Target) (*sip.Request, error) {
	uri := t.URI
	if uri == "" {
		uri = "sip:" + t.Addr.String()
	}
	var to sip.Uri
	if err := sip.ParseUri(uri, &to); err != nil {
		return nil, fmt.Errorf("health: Request-URI of target %s: %w", t.Name, err)
	}
	req := sip.NewRequest(sip.OPTIONS, to)
	req.SetTransport(t.Net.String())
	req.SetDestination(t.Addr.String())
	req.AppendHeader(sip.NewHeader("Accept", "application/sdp"))
	if t.Local.IsValid() {
		req.Laddr = sip.Addr{IP: net.IP(t.Local.AsSlice())}
	}
	return req, nil
}
