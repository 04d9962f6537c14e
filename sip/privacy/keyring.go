package privacy

import (
	"errors"
	"time"
)

// KeyRing seals and opens dialog tokens and maps identifiers (AES-SIV, RFC 5297).
// The newest key seals; older ones open until a call can no longer last, then they
// are destroyed. Safe for concurrent use; reading takes no lock.
type KeyRing struct{ todo int }

var (
	// ErrForeign: not a token of ours, or forged, or sealed with a key that is gone.
	ErrForeign = errors.New("privacy: token does not open")
	// ErrExpired: a token older than a call may last.
	ErrExpired = errors.New("privacy: token expired")
)

// LoadKeys reads the key ring at path (mode 0600), and makes one with a first key when
// there is none. maxCall is how long a call may last.
func LoadKeys(path string, maxCall time.Duration) (*KeyRing, error) { panic("todo") }

// Seal appends the token for d to dst: letters only. Open reads a token into d, whose
// byte slices are reused. Neither allocates once warm.
func (k *KeyRing) Seal(dst []byte, d *Dialog) []byte                 { panic("todo") }
func (k *KeyRing) Open(d *Dialog, token []byte, now time.Time) error { panic("todo") }

// LooksSealed tells cheaply whether user could be a token (length, alphabet).
func LooksSealed(user []byte) bool { panic("todo") }

// MapID appends the gateway's own form of a Call-ID or tag of a withheld party: letters
// only, salted by the call, reversible by UnmapID with the ring alone.
func (k *KeyRing) MapID(dst []byte, d *Dialog, id []byte) []byte      { panic("todo") }
func (k *KeyRing) UnmapID(dst, mapped []byte) (plain []byte, ok bool) { panic("todo") }
