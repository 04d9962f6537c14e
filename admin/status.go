package admin

import (
	"time"

	"github.com/valyala/fasthttp"
)

// Status is the state of one gateway in words and numbers.
type Status struct {
	Node         string            `json:"node"`
	Version      string            `json:"version"`
	State        string            `json:"state"`    // serving, draining or degraded
	Summary      string            `json:"summary"`  // one sentence
	Problems     []string          `json:"problems"` // each a sentence; empty: all is well
	Started      time.Time         `json:"started"`
	Uptime       float64           `json:"uptime_seconds"`
	Rules        RulesStatus       `json:"rules"`
	Calls        CallsStatus       `json:"calls"`
	Transactions TransactionStatus `json:"transactions"`
	Records      RecordsStatus     `json:"records"`
	Peers        PeersStatus       `json:"peers"`
	Overload     OverloadStatus    `json:"overload"`
	Probe        *ProbeStatus      `json:"probe,omitempty"` // nil: no probe calls are made
}

// ProbeStatus is what calls of the gateway's own prove.
type ProbeStatus struct {
	Emergency ProbeCall `json:"emergency"` // 112 is reached and sees a withheld number
	Withheld  ProbeCall `json:"withheld"`  // somebody else does not
	Hint      string    `json:"hint"`      // what would prove more; empty: nothing
}

// ProbeCall is what the last call of a kind said.
type ProbeCall struct {
	State    string     `json:"state"`  // waiting, ok or failed
	Reason   string     `json:"reason"` // why it failed
	Seconds  float64    `json:"seconds"`
	Failures uint64     `json:"failures"` // since the start
	LastOK   *time.Time `json:"last_ok"`  // when one last ended well; null: none has
}

// RulesStatus is which rules are in force.
type RulesStatus struct {
	Loaded      bool   `json:"loaded"`
	Revision    uint64 `json:"revision"`
	Subscribers int    `json:"subscribers"`
	// Store tells whether their store answers: when not, deciding goes on with what is in
	// force, and nothing can be changed.
	Store  bool    `json:"store"`
	Behind uint64  `json:"behind"`      // revisions of the store that are not in force yet
	Age    float64 `json:"age_seconds"` // since what is in force was seen to be what is stored
}

// CallsStatus is what was decided since the start.
type CallsStatus struct {
	Shown      uint64 `json:"shown"`
	Withheld   uint64 `json:"withheld"`
	Emergency  uint64 `json:"emergency"`
	FailClosed uint64 `json:"fail_closed"` // withheld because the rules could not be read
	Leaks      uint64 `json:"leaks"`       // hits of the leak guard
}

// TransactionStatus is what is under way.
type TransactionStatus struct {
	Server        int    `json:"server"`
	Client        int    `json:"client"`
	Pending       int    `json:"pending"`
	Retransmitted uint64 `json:"retransmitted"`
}

// RecordsStatus is whether calls are remembered.
type RecordsStatus struct {
	Kept    bool   `json:"kept"`
	Without uint64 `json:"calls_without"`
	// Outbox is what waits on this node for the shared store; none where the store is local.
	Outbox *OutboxStatus `json:"outbox,omitempty"`
}

// OutboxStatus is how records reach the shared store.
type OutboxStatus struct {
	Shipping bool    `json:"shipping"`           // false: the shared store is away
	Waiting  uint64  `json:"waiting"`            // records and updates
	Bytes    uint64  `json:"bytes"`              // of them
	Age      float64 `json:"oldest_age_seconds"` // of the oldest of them
	Shipped  uint64  `json:"shipped"`            // since the start
	DiskOnly uint64  `json:"calls_disk_only"`    // that went on without the quorum
}

// OverloadStatus is how much new work is refused, and why.
type OverloadStatus struct {
	Refused   float64 `json:"refused"`      // share of new calls now, 0 to 1
	Wait      float64 `json:"wait_seconds"` // shortest in the last interval
	Total     uint64  `json:"refused_total"`
	Throttled uint64  `json:"throttled_total"` // refused because next hops want fewer
}

// PeersStatus counts peers.
type PeersStatus struct {
	Up      int `json:"up"`
	Down    int `json:"down"` // no target of theirs answers
	Drained int `json:"drained"`
}

func (s *Server) status(ctx *fasthttp.RequestCtx) {
	if s.Status == nil {
		absent(ctx)
		return
	}
	st := s.Status()
	if st.Problems == nil {
		st.Problems = []string{}
	}
	writeJSON(ctx, fasthttp.StatusOK, st)
}
