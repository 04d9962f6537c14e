package tracetest

import (
	"net/netip"
	"time"

	"clirgate/numbering"
	"clirgate/rules"
	"clirgate/trace"
)

// Record is a record with every field set, begun at start.
func Record(start time.Time) *trace.Record {
	intl := func(digits string) numbering.Number { return numbering.New(numbering.International, []byte(digits)) }
	return &trace.Record{
		ID:           trace.NewID(start),
		Method:       "INVITE",
		Start:        start,
		Answer:       start.Add(3 * time.Second),
		End:          start.Add(time.Minute),
		Calling:      intl("31612345678"),
		Trust:        trace.TrustScreened,
		Shown:        intl("31612345679"),
		Asserted:     [2]numbering.Number{intl("31612345670"), numbering.New(numbering.Short, []byte("14020"))},
		Called:       intl("31201234567"),
		CalledClass:  "number",
		Withhold:     true,
		DivertedFrom: intl("31301234567"),
		Withheld:     true,
		Class:        rules.W,
		Rule:         rules.D3,
		Revision:     1 << 40,
		Ingress:      "phones",
		Egress:       "core",
		Source:       netip.MustParseAddrPort("192.0.2.7:5060"),
		CallIDIn:     "a84b4c76e66710@pc33.example",
		CallIDOut:    "aabbccddeeff",
		Status:       200,
		Bases:        trace.BasisTransmission | trace.BasisNuisance,
		Expires:      trace.Expiry(start, 12),
	}
}
