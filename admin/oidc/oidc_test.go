package oidc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"clirgate/admin/oidc/oidctest"
	"clirgate/admin/token"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/time/rate"
)

const audience = "clirgate"

func newVerifier(i *oidctest.Issuer) *Verifier {
	return New(Options{Issuer: i.URL, Audience: audience, Groups: map[string]token.Role{
		"engineers": token.NOC, "staff": token.NOC, "nuisance": token.Investigator, "leads": token.Supervisor,
	}})
}

func TestPeople(t *testing.T) {
	i := oidctest.New(t)
	v := newVerifier(i)
	email := newVerifier(i)
	email.o.NameClaim = "email"
	for _, c := range []struct {
		name  string
		v     *Verifier
		set   map[string]any // nil values: taken out
		roles string
		who   string
		err   error
	}{
		{"in one group", v, nil, "noc", "u-1", nil},
		{"name from another claim", email, nil, "noc", "jan@example.net", nil},
		{"in several, some twice, some unknown", v, map[string]any{"groups": []string{"x", "leads", "engineers", "staff", "nuisance"}}, "investigator noc supervisor", "u-1", nil},
		{"group that is no list", v, map[string]any{"groups": "leads"}, "supervisor", "u-1", nil},
		{"of several audiences", v, map[string]any{"aud": []string{"other", audience}}, "noc", "u-1", nil},
		{"in none that counts", v, map[string]any{"groups": []string{"guests"}}, "", "", token.ErrNoRole},
		{"groups of another kind", v, map[string]any{"groups": []int{1}}, "", "", token.ErrNoRole},
		{"without groups", v, map[string]any{"groups": nil}, "", "", token.ErrNoRole},
		{"for somebody else", v, map[string]any{"aud": "other"}, "", "", token.ErrNotFound},
		{"for nobody", v, map[string]any{"aud": nil}, "", "", token.ErrNotFound},
		{"of another issuer", v, map[string]any{"iss": "https://other.example.net"}, "", "", token.ErrNotFound},
		{"of nobody", v, map[string]any{"sub": nil}, "", "", token.ErrNotFound},
		{"without a name", email, map[string]any{"email": nil}, "", "", token.ErrNotFound},
		{"with a name that is none", email, map[string]any{"email": "a\nb"}, "", "", token.ErrNotFound},
		{"expired", v, map[string]any{"exp": time.Now().Add(-time.Minute).Unix()}, "", "", token.ErrExpired},
		{"without an end", v, map[string]any{"exp": nil}, "", "", token.ErrExpired},
		{"not yet", v, map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}, "", "", token.ErrNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			claims := i.Claims(audience, "engineers")
			maps.Copy(claims, c.set)
			maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
			r, roles, err := c.v.Verify(t.Context(), i.Sign(claims))
			var names []string
			for _, role := range roles {
				names = append(names, string(role))
			}
			if !errors.Is(err, c.err) || strings.Join(names, " ") != c.roles || r.Name != c.who {
				t.Fatalf("%q %q %v", names, r.Name, err)
			}
			if err == nil && (r.Role != roles[0] || !strings.HasPrefix(r.ID, "oidc:") || r.Expires.IsZero() || r.Valid(time.Now()) != nil) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// Whatever was not signed by the issuer is nobody's, whoever it says it is.
func TestForgeries(t *testing.T) {
	i := oidctest.New(t)
	v := newVerifier(i)
	v.limit.SetLimit(rate.Inf) // forgers would be told that the issuer is away
	good := i.Sign(i.Claims(audience, "engineers"))
	parts := strings.Split(good, ".")
	b64 := func(v any) string {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(data)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	claims := i.Claims(audience, "engineers")
	for name, raw := range map[string]string{
		"nothing":            "x",
		"another key":        i.SignWith(jose.SigningKey{Algorithm: jose.ES256, Key: other}, claims),
		"a shared secret":    i.SignWith(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(strings.Repeat("k", 32))}, claims),
		"unsigned":           b64(map[string]string{"alg": "none"}) + "." + parts[1] + ".",
		"other claims":       parts[0] + "." + b64(i.Claims(audience, "leads")) + "." + parts[2],
		"no signature":       parts[0] + "." + parts[1] + ".",
		"half of it":         good[:len(good)/2],
		"a clirgate token":   "clirgate_abcdefghijklmnopqrstuvwxyz",
		"very long":          strings.Repeat("a", 7000) + "." + parts[1] + "." + parts[2],
		"encrypted, it says": good + ".a.b",
	} {
		if _, roles, err := v.Verify(t.Context(), raw); !errors.Is(err, token.ErrNotFound) || roles != nil || strings.Contains(err.Error(), raw) {
			t.Errorf("%s: %v %v", name, roles, err)
		}
	}
	if _, _, err := v.Verify(t.Context(), good); err != nil {
		t.Error(err)
	}
}

// New keys are taken up when they are first seen; the old ones open what they signed.
func TestKeysRotate(t *testing.T) {
	i := oidctest.New(t)
	v := newVerifier(i)
	old := i.Sign(i.Claims(audience, "engineers"))
	for range 3 {
		i.Rotate()
		// Who asks in the instant in which an earlier answer comes in shares that.
		raw := i.Sign(i.Claims(audience, "engineers"))
		_, _, err := v.Verify(t.Context(), raw)
		for end := time.Now().Add(20 * time.Second); err != nil && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			_, _, err = v.Verify(t.Context(), raw)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := v.Verify(t.Context(), old); !errors.Is(err, token.ErrNotFound) {
		t.Errorf("signed with a key that was withdrawn: %v", err)
	}
}

// Away: who has been seen signing goes on, what needs the issuer is told so, and he is not
// asked for every request.
func TestIssuerAway(t *testing.T) {
	i := oidctest.New(t)
	v := newVerifier(i)
	i.Away(true)
	good := i.Sign(i.Claims(audience, "engineers"))
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, _, err := v.Verify(context.Background(), good); !errors.Is(err, token.ErrUnavailable) {
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
	if n := i.Asked(); n > 25 {
		t.Errorf("asked %d times", n)
	}
	i.Away(false)
	v.limit.SetLimit(rate.Inf)
	await(t, func() bool { _, _, err := v.Verify(t.Context(), good); return err == nil })
	i.Away(true)
	if _, _, err := v.Verify(t.Context(), good); err != nil {
		t.Errorf("keys are known, but %v", err)
	}
	i.Rotate()
	if _, _, err := v.Verify(t.Context(), i.Sign(i.Claims(audience, "engineers"))); !errors.Is(err, token.ErrUnavailable) {
		t.Errorf("a new key: %v", err)
	}
}

// Somebody who sends tokens with unknown keys does not make the gateway ask for each.
func TestIssuerIsNotFlooded(t *testing.T) {
	i := oidctest.New(t)
	v := newVerifier(i)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	forged := i.SignWith(jose.SigningKey{Algorithm: jose.ES256, Key: other}, i.Claims(audience, "engineers"))
	began := time.Now()
	for range 200 {
		if _, _, err := v.Verify(t.Context(), forged); err == nil {
			t.Fatal("taken")
		}
	}
	if most := askBurst + 1 + int(time.Since(began)/askEvery); i.Asked() > most {
		t.Errorf("asked %d times, at most %d", i.Asked(), most)
	}
	if _, _, err := v.Verify(t.Context(), i.Sign(i.Claims(audience, "engineers"))); err != nil {
		t.Errorf("a good one: %v", err)
	}
}

func await(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come")
		}
	}
}

func TestSignaturesArePublic(t *testing.T) {
	if slices.ContainsFunc(signatures, func(a string) bool { return strings.HasPrefix(a, "HS") || a == "none" }) {
		t.Error(signatures)
	}
}
