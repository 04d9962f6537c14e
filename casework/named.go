package casework

import (
	"encoding/json"
	"slices"
	"strings"

	"clirgate/numbering"
)

// named is every number that a signed file names: whoever reads it has seen their data,
// of either side of a call and as the network or the caller gave it.
func named(file []byte) (list []numbering.Number) {
	var s signed
	var e Evidence
	if json.Unmarshal(file, &s) != nil || json.Unmarshal(s.Evidence, &e) != nil {
		return nil // no signed file: a letter
	}
	texts := []string{e.Claimed}
	for _, r := range e.Records {
		var record struct {
			Calling      string   `json:"calling"`
			Shown        string   `json:"shown"`
			Asserted     []string `json:"asserted"`
			Called       string   `json:"called"`
			DivertedFrom string   `json:"diverted_from"`
		}
		if json.Unmarshal(r, &record) == nil {
			texts = append(append(texts, record.Calling, record.Shown, record.Called, record.DivertedFrom), record.Asserted...)
		}
	}
	for _, text := range texts {
		if n := dialled(text); n != 0 {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// dialled reads a number as records print it: "+" and digits, or a short one.
func dialled(text string) numbering.Number {
	if digits, ok := strings.CutPrefix(text, "+"); ok {
		return numbering.New(numbering.International, []byte(digits))
	}
	return numbering.New(numbering.Short, []byte(text))
}
