package casework

import "fmt"

// State is how far a case is.
type State string

const (
	Draft     State = "draft"     // a malicious call was marked; no claim yet
	Open      State = "open"      // the claim is complete
	Selected  State = "selected"  // a caller was chosen, evidence is frozen
	Warned    State = "warned"    // the warning letter is made
	Requested State = "requested" // disclosure asked for
	Disclosed State = "disclosed" // granted: letter and notice are made
	Closed    State = "closed"
)

// States is the name of every state.
func States() []string {
	return []string{string(Draft), string(Open), string(Selected), string(Warned), string(Requested), string(Disclosed), string(Closed)}
}

// action is what can be done with a case.
type action string

const (
	actComplete   action = "complete"
	actIncident   action = "incident"
	actSearch     action = "search"
	actSelect     action = "select"
	actAsk        action = "ask another provider"
	actAnswer     action = "record a provider's answer"
	actWarn       action = "warn"
	actWarnSent   action = "mark the warning sent"
	actRequest    action = "request disclosure"
	actApprove    action = "approve"
	actRefuse     action = "refuse"
	actNoticeSent action = "mark the notice sent"
	actClose      action = "close"
)

// procedure is the whole of it: state and action, and where that leads. What is not
// here cannot be done (Tw 11.11; STANDARDS 5.1 items 11 to 14).
var procedure = map[State]map[action]State{
	Draft: {actIncident: Draft, actComplete: Open, actClose: Closed},
	Open: {
		actIncident: Open, actSearch: Open, actSelect: Selected, actClose: Closed,
	},
	Selected: {
		actIncident: Selected, actSearch: Selected, actSelect: Selected,
		actAsk: Selected, actAnswer: Selected, actWarn: Warned, actClose: Closed,
	},
	Warned: {
		actIncident: Warned, actSearch: Warned, actWarnSent: Warned,
		actAsk: Warned, actAnswer: Warned, actRequest: Requested, actClose: Closed,
	},
	Requested: {actIncident: Requested, actApprove: Disclosed, actRefuse: Warned},
	Disclosed: {actIncident: Disclosed, actNoticeSent: Disclosed, actClose: Closed},
	Closed:    {},
}

// needs says what an action that is not allowed waits for.
var needs = map[action]string{
	actSearch:     "the claim must be complete and the case not past its warning",
	actSelect:     "a search must have found callers, and none may have been warned yet",
	actAsk:        "a caller must be selected first",
	actAnswer:     "a provider must have been asked first",
	actWarn:       "a caller must be selected first, and is warned once",
	actWarnSent:   "the warning must be made first",
	actRequest:    "the caller must be warned first",
	actApprove:    "nobody has requested disclosure",
	actRefuse:     "nobody has requested disclosure",
	actNoticeSent: "nothing was disclosed",
	actClose:      "a request for disclosure must be decided first",
	actComplete:   "only a draft can be completed",
}

// step is the state an action leads to.
func (s State) step(a action) (State, error) {
	next, ok := procedure[s][a]
	switch {
	case ok:
		return next, nil
	case s == Closed:
		return s, &Conflict{fmt.Sprintf("cannot %s: the case is closed", a)}
	}
	return s, &Conflict{fmt.Sprintf("cannot %s a case that is %s: %s", a, s, needs[a])}
}
