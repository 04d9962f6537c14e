package gateway

import (
	"testing"
	"time"

	"clirgate/admin/token"
)

// A token is known without its store for a while, as it was when the store answered, and
// not after the store has said that there is none.
func TestKnownTokens(t *testing.T) {
	var k knownTokens
	now := time.Unix(1e9, 0)
	plain, r := token.New(token.NOC, "alice", time.Time{})
	h := token.HashOf([]byte(plain))
	if _, ok := k.find(h, now); ok {
		t.Error("known before it was seen")
	}
	k.note(h, r, now)
	if got, ok := k.find(h, now.Add(tokenTime-1)); !ok || got.ID != r.ID {
		t.Error("not known any more")
	}
	if _, ok := k.find(h, now.Add(tokenTime)); ok {
		t.Error("known for too long")
	}
	r.Revoked = now
	k.note(h, r, now)
	if got, ok := k.find(h, now); !ok || got.Valid(now) == nil {
		t.Error("a revoked token is good")
	}
	k.forget(h)
	if _, ok := k.find(h, now); ok {
		t.Error("known although there is none")
	}
	for i := range 3 * maxTokens {
		k.note(token.HashOf([]byte{byte(i), byte(i >> 8)}), r, now)
	}
	if len(k.m) > maxTokens {
		t.Errorf("%d are kept", len(k.m))
	}
}
