package casework

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"clirgate/trace"
)

// KindEvidence is the kind of document that evidence is.
const KindEvidence = "evidence"

// Evidence is the records of a case as they were when a caller was selected: a copy of
// its own, independent of the records' retention.
type Evidence struct {
	Case    string            `json:"case"`
	Claimed string            `json:"number_called"`
	Frozen  time.Time         `json:"frozen"`
	By      string            `json:"by"`
	Reason  string            `json:"reason"`
	Records []json.RawMessage `json:"records"`
	Notes   []Note            `json:"corrections,omitempty"` // records are never overwritten
}

// signed is the file: the evidence byte for byte, who signed and the signature.
type signed struct {
	Format    string          `json:"format"`
	Evidence  json.RawMessage `json:"evidence"`
	PublicKey exactBytes      `json:"public_key"` // Ed25519 (RFC 8032)
	Signature exactBytes      `json:"signature"`  // of format, a newline and the evidence
}

// exactBytes is base64 with one spelling only: bits that stand for nothing are refused, so
// that no byte of a file can be changed unnoticed.
type exactBytes []byte

func (b exactBytes) MarshalText() ([]byte, error) {
	return base64.StdEncoding.AppendEncode(nil, b), nil
}

func (b *exactBytes) UnmarshalText(text []byte) (err error) {
	*b, err = base64.StdEncoding.Strict().AppendDecode(nil, text)
	return err
}

const evidenceFormat = "clirgate evidence 1"

// ErrEvidence: a file that is not what was signed.
var ErrEvidence = errors.New("casework: evidence is not as it was signed")

// signEvidence makes the file.
func signEvidence(key ed25519.PrivateKey, e Evidence) ([]byte, error) {
	b, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("casework: evidence cannot be encoded: %w", err)
	}
	public, _ := key.Public().(ed25519.PublicKey)
	return json.Marshal(signed{evidenceFormat, b, exactBytes(public), ed25519.Sign(key, signedBytes(b))})
}

func signedBytes(evidence []byte) []byte { return append([]byte(evidenceFormat+"\n"), evidence...) }

// VerifyEvidence checks a file against the gateway's public key, with nothing else at
// hand. Without a key it tells only that the file is whole, and who claims to have
// signed it: compare that.
func VerifyEvidence(file []byte, public ed25519.PublicKey) (Evidence, ed25519.PublicKey, error) {
	var s signed
	d := json.NewDecoder(bytes.NewReader(file))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return Evidence{}, nil, fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	if rest := bytes.TrimSpace(file[d.InputOffset():]); len(rest) > 0 {
		return Evidence{}, nil, fmt.Errorf("%w: %d bytes after its end", ErrEvidence, len(rest))
	}
	if s.Format != evidenceFormat || len(s.PublicKey) != ed25519.PublicKeySize {
		return Evidence{}, nil, fmt.Errorf("%w: unknown format", ErrEvidence)
	}
	if public != nil && !public.Equal(ed25519.PublicKey(s.PublicKey)) {
		return Evidence{}, nil, fmt.Errorf("%w: signed with another key", ErrEvidence)
	}
	if !ed25519.Verify(ed25519.PublicKey(s.PublicKey), signedBytes(s.Evidence), s.Signature) {
		return Evidence{}, nil, fmt.Errorf("%w: wrong signature", ErrEvidence)
	}
	// A member that stands twice, or is spelled otherwise, is read in two ways: what was
	// signed has one form.
	if again, err := json.Marshal(s); err != nil || !bytes.Equal(again, bytes.TrimSpace(file)) {
		return Evidence{}, nil, fmt.Errorf("%w: it holds more than what was signed", ErrEvidence)
	}
	var e Evidence
	if err := json.Unmarshal(s.Evidence, &e); err != nil {
		return Evidence{}, nil, fmt.Errorf("%w: %w", ErrEvidence, err)
	}
	return e, ed25519.PublicKey(s.PublicKey), nil
}

// freeze copies records into evidence.
func freeze(c *Case, records []*trace.Record, notes []Note, reason string, by Actor, at time.Time) Evidence {
	e := Evidence{Case: c.ID, Claimed: c.Claim.Number.E164(), Frozen: at, By: by.Name, Reason: reason, Notes: notes}
	for _, r := range records {
		e.Records = append(e.Records, r.AppendPlain(nil))
	}
	return e
}
