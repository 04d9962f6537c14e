package keyring

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
)

// document is what is stored: JSON, so that an operator can see which keys there are.
type document struct {
	Version int     `json:"version"`
	Master  string  `json:"master"`           // fingerprint of the master key
	Public  []byte  `json:"public,omitempty"` // half of the escrow
	Keys    []entry `json:"keys"`
}

type entry struct {
	Name     string `json:"name"`
	ID       string `json:"id"`                 // hex
	Wrapped  []byte `json:"wrapped,omitempty"`  // nonce, AES-256-GCM of the key; name and ID authenticated
	Escrowed []byte `json:"escrowed,omitempty"` // or HPKE to the public half; likewise
}

const documentVersion = 1

func decode(b []byte) (doc document, err error) {
	if len(b) == 0 {
		return document{}, nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		return document{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if doc.Version != documentVersion {
		return document{}, fmt.Errorf("%w: version %d", ErrDamaged, doc.Version)
	}
	return doc, nil
}

func (d document) encode() ([]byte, error) { return json.MarshalIndent(d, "", " ") }

func (d document) has(name string, id ID) bool {
	return slices.ContainsFunc(d.Keys, func(e entry) bool { return e.Name == name && e.ID == id.String() })
}

func (d document) escrowed() bool {
	return slices.ContainsFunc(d.Keys, func(e entry) bool { return e.Escrowed != nil })
}

// sort orders keys by name; those of one name stay in order of making.
func (d document) sort() {
	slices.SortStableFunc(d.Keys, func(a, b entry) int { return cmp.Compare(a.Name, b.Name) })
}

// String is the ID in hexadecimal.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

func parseID(text string) (id ID, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("ID of %d characters", len(text))
	}
	return ID(b), nil
}

// Info is what can be told of a stored key without the master key.
type Info struct {
	Name     string
	ID       ID
	Escrowed bool // made while the master key was away, and not opened since
}

// List tells which keys are stored, by name, and the fingerprint of the master key they
// are wrapped with. It needs neither the master key nor the lock.
func List(ctx context.Context, s Storage) (master string, keys []Info, err error) {
	doc, err := read(ctx, s.Load)
	for _, e := range doc.Keys {
		var id ID
		if id, err = parseID(e.ID); err != nil {
			return "", nil, fmt.Errorf("%w: key %q: %w", ErrDamaged, e.Name, err)
		}
		keys = append(keys, Info{e.Name, id, e.Escrowed != nil})
	}
	return doc.Master, keys, err
}
