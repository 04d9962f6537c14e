package loadtest

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"strconv"
	"strings"
)

// Identity is how a caller asks to be shown or not.
type Identity uint8

// The identities of a mix.
const (
	Ordinary       Identity = iota // nothing asked: shown
	Star31                         // *31* dialled
	Rotary131                      // 131 dialled
	Permanent                      // the line has permanent CLIR
	TempRestricted                 // the line's default is restricted
	TempAllowed                    // the line's default is allowed: shown
	Emergency112                   // 112, in every way, from every kind of line
	Anonymous                      // the device made itself anonymous
	PrivacyID                      // the device asks by Privacy: id
	Diverted                       // *31*, with Diversion and History-Info
	Rich                           // *31*, with everything that leaks
	Toggled                        // the line's rule changes while it calls
	identities
)

var identityNames = [identities]string{"ordinary", "star31", "131", "permanent", "temp-restricted", "temp-allowed",
	"112", "anonymous", "privacy-id", "diversion", "rich", "toggled"}

// String is the name used in mixes.
func (i Identity) String() string { return identityNames[i] }

// Flow is how a call goes.
type Flow uint8

// The flows of a mix.
const (
	Answer         Flow = iota // answered, the caller hangs up
	CalleeBye                  // answered, the callee hangs up
	EarlyBye                   // BYE while it rings
	CancelEarly                // CANCEL before it rings
	CancelRinging              // CANCEL while it rings
	Busy                       // 486
	NoAnswer                   // 480 after ringing
	Redirect                   // 302
	ReinviteCaller             // re-INVITE from the caller
	ReinviteCallee             // re-INVITE from the callee
	UpdateCaller               // UPDATE from the caller
	UpdateCallee               // UPDATE from the callee
	PRACK                      // reliable provisional response
	Refer                      // REFER from the caller, NOTIFY back
	Message                    // MESSAGE outside a dialog
	Failover                   // routed to a peer whose first target dies
	flows
)

var flowNames = [flows]string{"answer", "callee-bye", "early-bye", "cancel-early", "cancel-ringing", "busy", "no-answer", "redirect",
	"reinvite-caller", "reinvite-callee", "update-caller", "update-callee", "prack", "refer", "message", "failover"}

// String is the name used in mixes.
func (f Flow) String() string { return flowNames[f] }

// behaviour is what the callee must do for the flow.
func (f Flow) behaviour() behaviour {
	return [flows]behaviour{answers, hangsUp, keepsRinging, keepsSilent, keepsRinging, isBusy, doesNotAnswer, redirects,
		answers, reinvites, answers, updates, wantsPRACK, answers, answers, answers}[f]
}

// Mix is scenarios by weight: an identity and a flow are drawn for each call.
type Mix struct {
	identities [identities]int
	flows      [flows]int
	sumI, sumF int
}

// Presets of mixes, for identities and flows alike.
var presets = map[string]string{
	"full": "ordinary=20,star31=15,131=5,permanent=8,temp-restricted=5,temp-allowed=5,112=8,anonymous=6,privacy-id=6,diversion=6,rich=8,toggled=8," +
		"answer=30,callee-bye=10,early-bye=4,cancel-early=4,cancel-ringing=5,busy=5,no-answer=3,redirect=3,reinvite-caller=6,reinvite-callee=6," +
		"update-caller=5,update-callee=5,prack=6,refer=4,message=4",
	"unruled": "ordinary=30,star31=25,131=8,112=10,anonymous=8,privacy-id=8,diversion=5,rich=6," +
		"answer=40,callee-bye=10,early-bye=4,cancel-early=4,cancel-ringing=5,busy=5,no-answer=3,redirect=3,reinvite-caller=5,reinvite-callee=5," +
		"update-caller=4,update-callee=4,prack=4,refer=2,message=2",
	"star31":   "star31=1,answer=1",
	"ordinary": "ordinary=1,answer=1",
}

// ParseMix reads "star31=3,ordinary=1,answer=5,busy=1", a preset's name, or a preset
// with changes: "full,112=50,busy=0". Without a flow calls are answered, without an
// identity they are ordinary.
func ParseMix(text string) (*Mix, error) {
	m := new(Mix)
	for _, part := range strings.Split(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		if preset, ok := presets[part]; ok {
			p, err := ParseMix(preset)
			if err != nil {
				return nil, err
			}
			m = p
			continue
		}
		name, weight, ok := strings.Cut(part, "=")
		n, err := strconv.Atoi(weight)
		if !ok || err != nil || n < 0 {
			return nil, fmt.Errorf("mix: %q is neither a preset (%s) nor name=weight", part, presetNames())
		}
		if err := m.set(name, n); err != nil {
			return nil, err
		}
	}
	m.sums()
	return m, nil
}

func (m *Mix) set(name string, weight int) error {
	for i, n := range identityNames {
		if n == name {
			m.identities[i] = weight
			return nil
		}
	}
	for i, n := range flowNames {
		if n == name {
			m.flows[i] = weight
			return nil
		}
	}
	return fmt.Errorf("mix: no scenario is called %q; there are %s and %s", name,
		strings.Join(identityNames[:], ", "), strings.Join(flowNames[:], ", "))
}

func (m *Mix) sums() {
	m.sumI, m.sumF = 0, 0
	for _, w := range m.identities {
		m.sumI += w
	}
	for _, w := range m.flows {
		m.sumF += w
	}
	if m.sumI == 0 {
		m.identities[Ordinary], m.sumI = 1, 1
	}
	if m.sumF == 0 {
		m.flows[Answer], m.sumF = 1, 1
	}
}

// draw picks a scenario.
func (m *Mix) draw(r *rand.Rand) (Identity, Flow) {
	i := Identity(pick(m.identities[:], r.IntN(m.sumI)))
	f := Flow(pick(m.flows[:], r.IntN(m.sumF)))
	if i == Emergency112 && (f == Redirect || f == Message || f == Failover) {
		f = Answer // these depend on the called number
	}
	return i, f
}

func pick(weights []int, at int) int {
	for i, w := range weights {
		if at -= w; at < 0 {
			return i
		}
	}
	return 0
}

// rules tells which habits of callers the mix needs the element to know.
func (m *Mix) rules() (need [habits]bool) {
	need[permanent] = m.identities[Permanent] > 0
	need[restricted] = m.identities[TempRestricted] > 0
	need[allowed] = m.identities[TempAllowed] > 0
	need[toggled] = m.identities[Toggled] > 0
	return need
}

func presetNames() string {
	var names []string
	for n := range presets {
		names = append(names, n)
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}
