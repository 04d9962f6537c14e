package config

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// checkPeriods: every class of records has a period, and none is longer than the law and
// the promises allow (STANDARDS 5.1, LAW-18). It looks at what was given, before defaults
// hide a zero.
func (r *reader) checkPeriods(t *Trace) {
	for key, months := range map[string]int{
		"retention_months": t.RetentionMonths, "retention.telephony": t.Retention.Telephony,
		"retention.internet": t.Retention.Internet, "retention.message": t.Retention.Message,
	} {
		if r.places["trace."+key] != nil && (months < 1 || months > 12) {
			r.add("trace."+key, "records are kept at least 1 month and never longer than 12", "write a number from 1 to 12")
		}
	}
}

func (k *checker) checkTrace() {
	t := &k.Trace
	if k.places["trace.retention.internet"] != nil && t.Retention.Internet > 6 {
		k.warn("trace.retention.internet", "the law allowed 6 months for internet telephony", "write 6, or know why not")
	}
	if t.MarkWithin < 0 || t.MarkWithin > Duration(24*time.Hour) {
		k.add("trace.mark_within", "a call is marked by code soon after it, or not at all", "write a time up to 24h, like 1h")
	}
	k.checkDurable()
	k.checkMaster()
}

func (k *checker) checkDurable() {
	t := &k.Trace
	switch t.Durable {
	case "disk":
	case "quorum":
		if !k.Shared() {
			k.add("trace.durable", "quorum needs a shared store", "write disk")
		}
	default:
		k.add("trace.durable", "this is unknown", "write disk or quorum")
	}
	if t.QuorumBudget < Duration(time.Millisecond) || t.QuorumBudget > Duration(200*time.Millisecond) {
		k.add("trace.quorum_budget", "a call must wait neither too short to be of use nor too long", "write a time from 1ms to 200ms, like 20ms")
	}
	// A call's end is filed under the day it began: no day may go before its calls ended.
	if t.LocalDays < 2 || t.LocalDays > 60 || time.Duration(k.SIP.MaxCall) >= time.Duration(t.LocalDays)*24*time.Hour {
		k.add("trace.local_days", "records are kept here at least 2 days, longer than any call may last, and at most 60", "write a number like 3")
	}
}

func (k *checker) checkMaster() {
	t := &k.Trace
	if t.MasterCommand != "" {
		if t.MasterKey != "" {
			k.add("trace.master_command", "there is a master_key as well", "keep one of them")
		}
		return
	}
	inside := func(dir string) bool {
		rel, err := filepath.Rel(dir, t.MasterKey)
		return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
	}
	if inside(k.Data) {
		k.warn("trace.master_key", "the key lies with what it protects: whoever takes the data directory reads everything", "put it on another disk")
	}
	if info, err := os.Stat(t.MasterKey); err == nil && info.Mode().Perm()&0o077 != 0 {
		k.add("trace.master_key", "the file can be read by others than its owner", "set mode 0600")
	}
}
