package trace

import (
	"fmt"
	"io"
	"log/slog"
)

// String is redacted: which call, never whose.
func (r Record) String() string {
	return "record(" + r.ID.String() + " redacted)"
}

// Format is redacted for every verb, so that no %d or %+v finds a number.
func (r Record) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }

// LogValue is redacted as String is.
func (r Record) LogValue() slog.Value { return slog.StringValue(r.String()) }

// MarshalText makes encoders (JSON among them) write the redacted form. AppendPlain is
// the one way to have the identities.
func (r Record) MarshalText() ([]byte, error) { return []byte(r.String()), nil }
