package rules

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"clirgate/numbering"
	"pgregory.net/rapid"
)

func parseTest(s string) numbering.Number {
	digits, ok := strings.CutPrefix(s, "+")
	if !ok {
		return 0
	}
	return number(digits)
}

func TestDocumentRoundTrip(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		flag := func(n string) bool { return rapid.Bool().Draw(rt, n) }
		want := Subscriber{
			Number: number(rapid.StringMatching(`[1-9][0-9]{5,14}`).Draw(rt, "number")), CLIR: CLIR(rapid.IntRange(0, 3).Draw(rt, "clir")),
			TIR: TIR(rapid.IntRange(0, 2).Draw(rt, "tir")), CLIPOff: flag("clip"), ACR: flag("acr"), Override: flag("override"),
			ShieldOnBills: flag("shield"), MCID: MCID(rapid.IntRange(0, 3).Draw(rt, "mcid")), Note: strings.ReplaceAll(rapid.StringN(0, 50, 500).Draw(rt, "note"), "\x00", ""),
		}
		if flag("until") {
			want.Until = time.Unix(rapid.Int64Range(1, 4e9).Draw(rt, "end"), 0).UTC()
		}
		data, err := json.Marshal(want.Document())
		if err != nil {
			rt.Fatal(err)
		}
		if got, err := DecodeSubscriber(data, parseTest); err != nil || got != want {
			rt.Fatalf("%s\n got %+v (%v)\nwant %+v", data, got, err, want)
		}
	})
}

func TestDecodeDefaults(t *testing.T) {
	got, err := DecodeSubscriber([]byte(`{}`), parseTest)
	if err != nil || got != (Subscriber{}) {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = DecodeSubscriber([]byte(` {"until":"2026-12-31T23:59:59.5+01:00"} `), parseTest)
	if err != nil || !got.Until.Equal(time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestDecodeRefusesByName(t *testing.T) {
	for in, field := range map[string]string{
		`{"clirr":"none"}`:                    "clirr",
		`{"CLIR":"none"}`:                     "CLIR",
		`{"clir":"none","clir":"permanent"}`:  "clir",
		`{"clir":"sometimes"}`:                "clir",
		`{"clir":1}`:                          "clir",
		`{"clir":null}`:                       "clir",
		`{"clip":"yes"}`:                      "clip",
		`{"acr":0}`:                           "acr",
		`{"tir":"always"}`:                    "tir",
		`{"until":"tomorrow"}`:                "until",
		`{"until":"2200-01-01T00:00:00Z"}`:    "until",
		`{"until":"1960-01-01T00:00:00Z"}`:    "until",
		`{"number":"alice"}`:                  "number",
		`{"number":""}`:                       "number",
		`{"number":31205550101}`:              "number",
		`{"note":"a\u0000b"}`:                 "note",
		`{"note":{}}`:                         "note",
		`{"note":"` + long(1001) + `"}`:       "note",
		`{"+31205550101":1}`:                  "+???????????",
		``:                                    "",
		`[]`:                                  "",
		`"x"`:                                 "",
		`{`:                                   "",
		`{"clir":}`:                           "",
		`{"clir":"none"`:                      "",
		`{"clir":"none"} {}`:                  "",
		`{"clir":"none"}x`:                    "",
		"{\"note\":\"\xff\"}":                 "",
		`{"` + long(100) + `":1}`:             long(40),
		`{"number":"+31205550101","note":"x}`: "",
	} {
		_, err := DecodeSubscriber([]byte(in), parseTest)
		var fe *FieldError
		if !errors.As(err, &fe) || fe.Field != field || fe.Mend == "" || fe.Wrong == "" {
			t.Errorf("%s: %v", in, err)
		}
		if err != nil && strings.Contains(err.Error(), "5550101") {
			t.Errorf("%s: the error holds the number: %v", in, err)
		}
	}
}

func long(n int) string { return strings.Repeat("x", n) }

func FuzzDecodeSubscriber(f *testing.F) {
	f.Add([]byte(`{"number":"+31205550101","clir":"permanent","clip":true,"until":null}`))
	f.Add([]byte(`{"note":"\u0000","until":"2026-12-31T23:59:59Z"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := DecodeSubscriber(data, parseTest)
		if err != nil {
			return
		}
		again, err := json.Marshal(s.Document())
		if err != nil {
			t.Fatal(err)
		}
		if s.Number != 0 {
			if back, err := DecodeSubscriber(again, parseTest); err != nil || back != s {
				t.Fatalf("%s reads back otherwise: %v", again, err)
			}
		}
	})
}
