package oracle

import (
	"fmt"
	"sort"
	"sync"
)

// Kind is what is wrong.
type Kind uint8

const (
	Leak    Kind = iota // the called side can tell who withheld
	Missing             // identity that should be shown is not
	Restore             // the caller's side does not see the dialog it began
	Form                // said in another way than the standards ask
	Kinds               // how many there are
)

// String is the kind's name in reports.
func (k Kind) String() string { return [Kinds]string{"leak", "missing", "restore", "form"}[k] }

// MarshalText writes the name.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads it.
func (k *Kind) UnmarshalText(b []byte) error {
	for i := range Kinds {
		if i.String() == string(b) {
			*k = i
			return nil
		}
	}
	return fmt.Errorf("kind of finding %q: unknown", b)
}

// Finding is one thing wrong, by where it was seen. It never holds the number itself.
type Finding struct {
	Kind   Kind
	Vector string // header field, "Request-URI", "Status-Line", "body"
	What   string // number, name, address, encoded number, header, ...
	Method string // of the message; responses have that of their CSeq
}

// Count is a finding and how often it was made.
type Count struct {
	Finding
	Times int64
}

// Tally counts findings; safe for concurrent use. A run without findings never locks it.
type Tally struct {
	mu      sync.Mutex
	counts  map[Finding]*Count
	samples []Sample
	total   [Kinds]int64
}

// Sample is a message with a finding, for a look by hand. Only invented numbers of the
// load test stand in it.
type Sample struct {
	Finding
	Message string
}

// maxSamples bounds the samples kept.
const maxSamples = 20

// Add counts f, seen in message raw.
func (t *Tally) Add(f Finding, raw []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[Finding]*Count{}
	}
	c := t.counts[f]
	if c == nil {
		c = &Count{Finding: f}
		t.counts[f] = c
		if len(t.samples) < maxSamples {
			t.samples = append(t.samples, Sample{f, string(raw)})
		}
	}
	c.Times++
	t.total[f.Kind]++
}

// Total is how many findings of a kind there are.
func (t *Tally) Total(k Kind) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.total[k]
}

// Counts is all findings, the most frequent first.
func (t *Tally) Counts() []Count {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]Count, 0, len(t.counts))
	for _, c := range t.counts {
		out = append(out, *c)
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if a.Kind != b.Kind {
			return a.Kind < b.Kind
		}
		if a.Times != b.Times {
			return a.Times > b.Times
		}
		return a.Vector+a.What+a.Method < b.Vector+b.What+b.Method
	})
	return out
}

// Samples is the first message of each of the first findings.
func (t *Tally) Samples() []Sample {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Sample(nil), t.samples...)
}
