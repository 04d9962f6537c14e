package transaction

// state is a state of one of the four machines. The zero value is no state: a
// step that leads there is no step at all.
type state uint8

const (
	none state = iota
	trying
	calling
	callingCancelled // Calling, and to be cancelled as soon as that is allowed (RFC 3261 9.1)
	proceeding
	cancelling // Proceeding, and CANCEL was sent
	abandoned  // given up before timer B; late answers are still cleared away
	completed
	confirmed
	accepted
	terminated
	stateCount
)

// event is what can happen to a transaction: a timer that fires, a message
// received, a message that the user wants sent, or a failure.
type event uint8

const (
	noEvent event = iota

	timerA
	timerB
	timerC
	timerD
	timerE
	timerE2 // timer E in Proceeding: T2 from the first time on
	timerF
	timerG
	timerH
	timerI
	timerJ
	timerK
	timerL
	timerM
	timerGiveUp    // in the place of B or F: the time the user gave
	timerCancelled // 64*T1 from CANCEL (RFC 3261 9.1)
	timer100       // 200 ms without a response to INVITE (RFC 3261 17.2.1)
	timerQuiet     // no response to a non-INVITE until timer E is at T2 (RFC 4320 4.1)
	timerLate      // no response to a non-INVITE until its client's timer F (RFC 4320 4.2)

	on100     // client: 100 came
	on1xx     // 101 to 199 came
	on2xx     // 2xx came
	onFailure // 300 to 699 came
	onCancel  // the user cancels

	onRequest // server: the request came again
	onAck     // ACK came
	send100   // the user sends 100
	send1xx   // 101 to 199
	send2xx   // 2xx
	sendFinal // 300 to 699
	sendNone  // a final response that must not be sent (RFC 4320: 408)

	onTransportError
	eventCount
)

// action is a set of things to do in a step.
type action uint8

const (
	send     action = 1 << iota // transmit the message at hand
	again                       // transmit the last message again
	pass                        // hand the message at hand to the user
	ack                         // send ACK for the response at hand, or the same ACK again
	cancel                      // send CANCEL
	fail                        // tell the user that no final response will come
	reply100                    // send 100 of the layer's own
)

// Each transaction has two timers: one that repeats a message, and one that bounds
// the stay in a state. keep leaves a timer as it is, stop stops it.
const (
	keep = noEvent
	stop = eventCount
)

// step is what an event does in a state.
type step struct {
	next   state
	do     action
	repeat event // timer to start for the next retransmission
	until  event // timer to start for the end of the state
}

// machine is a state machine as a table; an empty step means that the event is
// ignored in that state.
type machine [stateCount][eventCount]step
