package admin_test

import (
	"strings"
	"testing"

	"clirgate/admin"
	"clirgate/admin/oidc"
	"clirgate/admin/oidc/oidctest"
	"clirgate/admin/token"
)

// People come with logins of the issuer, beside the gateway's own tokens.
func TestPeopleOverTheAPI(t *testing.T) {
	issuer := oidctest.New(t)
	a := newAPI(t, func(o *admin.Options) {
		o.People = oidc.New(oidc.Options{Issuer: issuer.URL, Audience: "gw", NameClaim: "email", Groups: map[string]token.Role{"eng": token.NOC, "pia": token.Privacy}})
	})
	both := issuer.Sign(issuer.Claims("gw", "eng", "pia"))
	if r := a.as(both, "PUT", one+"?reason=ticket", "{}"); r.status != 201 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := a.as(both, "DELETE", one, ""); r.status != 428 {
		t.Errorf("%d %s", r.status, r.body)
	}
	// Each request was made in the role that it needs.
	if r := a.as(both, "GET", "/v1/audit?actor=jan@example.net", ""); r.status != 200 || !strings.Contains(r.body, `"role":"noc"`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	if c := a.as(both, "GET", "/v1/changes", ""); !strings.Contains(c.body, `"actor":"noc:jan@example.net"`) {
		t.Errorf("%s", c.body)
	}
	a.want(a.as(both, "GET", "/v1/tokens", ""), 403, "")
	if r := a.as(both, "GET", "/v1/whoami", ""); r.status != 200 || r.field("name") != "jan@example.net" || r.field("expires") == "" || !strings.HasPrefix(r.field("id"), "oidc:") {
		t.Errorf("%d %s", r.status, r.body)
	}
	a.want(a.as(issuer.Sign(issuer.Claims("gw", "guests")), "GET", "/v1/whoami", ""), 403, "")
	a.want(a.as(issuer.Sign(issuer.Claims("other", "eng")), "GET", "/v1/whoami", ""), 401, "")
	a.want(a.as(both+"x", "GET", "/v1/whoami", ""), 401, "")

	// Away: new logins wait, the gateway's own tokens go on.
	issuer.Away(true)
	issuer.Rotate()
	r := a.as(issuer.Sign(issuer.Claims("gw", "eng")), "GET", one, "")
	if a.want(r, 503, ""); r.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if r := a.do("GET", one, ""); r.status != 200 {
		t.Errorf("own token: %d %s", r.status, r.body)
	}
	a.want(a.as(a.noc+"x", "GET", one, ""), 401, "")
	if strings.Contains(a.log.String(), both) {
		t.Error("a login is in the log")
	}
}

// Without an issuer nobody is let in by a login.
func TestNoIssuer(t *testing.T) {
	a := newAPI(t)
	i := oidctest.New(t)
	a.want(a.as(i.Sign(i.Claims("gw", "eng")), "GET", one, ""), 401, "")
}
