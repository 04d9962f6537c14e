package trace

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"clirgate/numbering"
	"clirgate/rules"
)

// Decode reads an encoded record or update into r and tells its kind. For an update
// only ID, Answer, End, Status and the mark are touched, and those only when it holds them. A
// sealed record comes out closed, see Keys.Open.
// Errors: ErrDecode, ErrVersion; they never hold what was read.
func Decode(b []byte, r *Record) (kind byte, err error) {
	if len(b) < headerLen {
		return 0, fmt.Errorf("%w: %d bytes", ErrDecode, len(b))
	}
	kind = b[1]
	if b[0] == sealedVersion && kind == kindRecord {
		return kind, decodeSealed(b, r)
	}
	if b[0] != version {
		return 0, fmt.Errorf("%w: %d", ErrVersion, b[0])
	}
	d := decoder{b: b[headerLen:]}
	switch {
	case kind == kindRecord:
		*r = Record{}
		d.record(r)
	case kind&^kindMask == 0:
		d.update(kind, r)
	default:
		return 0, fmt.Errorf("%w: kind %d", ErrDecode, kind)
	}
	if d.bad || len(d.b) > 0 {
		return 0, fmt.Errorf("%w: %d bytes, wrong from %d before the end", ErrDecode, len(b), len(d.b))
	}
	return kind, nil
}

// decoder takes fields off the front of b; after a mistake it yields zero values.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) record(r *Record) {
	d.id(&r.ID)
	d.public(r)
	d.identities(r)
	r.Service = Service(d.byte())
	d.bad = d.bad || r.Service >= services
}

func (d *decoder) public(r *Record) {
	r.Method = d.string()
	r.Start = d.time()
	r.Answer = d.time()
	r.End = d.time()
	r.CalledClass = d.string()
	if f := d.take(5); f != nil {
		r.Trust = Trust(f[0])
		r.Withhold = f[1]&flagWithhold != 0
		r.Withheld = f[1]&flagWithheld != 0
		r.Chain = f[1]&flagChain != 0
		r.Class, r.Rule, r.Bases = rules.Class(f[2]), rules.Rule(f[3]), Basis(f[4])
		d.bad = d.bad || f[1]&^flagMask != 0
	}
	r.Revision = d.uvarint()
	r.Ingress = d.string()
	r.Egress = d.string()
	r.Status = d.status()
	r.Expires = d.time()
}

func (d *decoder) identities(r *Record) {
	for _, n := range [...]*numbering.Number{
		&r.Calling, &r.Shown, &r.Asserted[0], &r.Asserted[1], &r.Called, &r.DivertedFrom,
	} {
		*n = d.number()
	}
	r.Source = d.source()
	r.CallIDIn = d.string()
	r.CallIDOut = d.string()
}

func (d *decoder) update(kind byte, r *Record) {
	d.id(&r.ID)
	if kind&hasAnswer != 0 {
		r.Answer = d.time()
		d.bad = d.bad || r.Answer.IsZero()
	}
	if kind&hasEnd != 0 {
		r.End = d.time()
		d.bad = d.bad || r.End.IsZero()
	}
	if kind&hasStatus != 0 {
		r.Status = d.status()
		d.bad = d.bad || r.Status == 0
	}
	if kind&hasMark != 0 {
		d.mark(r)
	}
}

func (d *decoder) take(n uint64) []byte {
	if d.bad || n > uint64(len(d.b)) {
		d.bad = true
		return nil
	}
	t := d.b[:n]
	d.b = d.b[n:]
	return t
}

func (d *decoder) byte() byte {
	if t := d.take(1); t != nil {
		return t[0]
	}
	return 0
}

func (d *decoder) id(id *ID) { copy(id[:], d.take(uint64(len(id)))) }

func (d *decoder) string() string { return string(d.take(d.uvarint())) }

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if d.bad = d.bad || n <= 0; d.bad {
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if d.bad = d.bad || n <= 0; d.bad {
		return 0
	}
	d.b = d.b[n:]
	return v
}

// present reads the byte before an optional field.
func (d *decoder) present() bool {
	p := d.byte()
	d.bad = d.bad || p > 1
	return p == 1 && !d.bad
}

func (d *decoder) time() time.Time {
	if !d.present() {
		return time.Time{}
	}
	at, offset := d.varint(), d.varint()
	if offset < -18*3600 || offset > 18*3600 {
		d.bad = true
	}
	if d.bad {
		return time.Time{}
	}
	t := time.Unix(0, at).UTC()
	if offset != 0 {
		t = t.In(time.FixedZone("", int(offset)))
	}
	return t
}

func (d *decoder) number() numbering.Number {
	if !d.present() {
		return 0
	}
	b := d.take(8)
	if b == nil {
		return 0
	}
	return numbering.Number(binary.BigEndian.Uint64(b))
}

func (d *decoder) status() int {
	s := d.uvarint()
	if s > 999 {
		d.bad = true
		return 0
	}
	return int(s)
}

func (d *decoder) source() (a netip.AddrPort) {
	b := d.take(uint64(d.byte()))
	if d.bad || a.UnmarshalBinary(b) != nil {
		d.bad = true
		return netip.AddrPort{}
	}
	return a
}
