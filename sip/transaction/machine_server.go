package transaction

// inviteServer is the INVITE server transaction: RFC 3261 17.2.1 and figure 7, as
// RFC 6026 7.1 changes it (Accepted, timer L; transport errors change no state and,
// by RFC 3261 16.9, are none of a proxy's business).
var inviteServer = machine{
	proceeding: {
		timer100:  {proceeding, reply100, keep, keep},
		onRequest: {proceeding, again, keep, keep},
		send100:   {proceeding, send, stop, keep},
		send1xx:   {proceeding, send, stop, keep},
		send2xx:   {accepted, send, stop, timerL},
		sendFinal: {completed, send, timerG, timerH},
	},
	completed: {
		timerG:    {completed, again, timerG, keep},
		timerH:    {terminated, 0, stop, stop},
		onRequest: {completed, again, keep, keep},
		onAck:     {confirmed, 0, stop, timerI},
	},
	confirmed: {
		timerI: {terminated, 0, stop, stop},
	},
	accepted: {
		timerL:  {terminated, 0, stop, stop},
		send2xx: {accepted, send, keep, keep},
		onAck:   {accepted, pass, keep, keep},
	},
}

// nonInviteServer is the non-INVITE server transaction: RFC 3261 17.2.2, figure 8,
// with RFC 4320: 100 only when timer E of the client has reached T2, no other
// provisional response, no 408, and nothing at all once the client has given up.
var nonInviteServer = machine{
	trying: {
		timerQuiet: {proceeding, reply100, keep, keep},
		timerLate:  {terminated, 0, stop, stop},
		send100:    {proceeding, send, stop, keep},
		send2xx:    {completed, send, stop, timerJ},
		sendFinal:  {completed, send, stop, timerJ},
		sendNone:   {completed, 0, stop, timerJ},
	},
	proceeding: {
		timerLate:        {terminated, 0, stop, stop},
		onTransportError: {terminated, 0, stop, stop},
		onRequest:        {proceeding, again, keep, keep},
		send100:          {proceeding, send, keep, keep},
		send2xx:          {completed, send, stop, timerJ},
		sendFinal:        {completed, send, stop, timerJ},
		sendNone:         {completed, 0, stop, timerJ},
	},
	completed: {
		timerJ:           {terminated, 0, stop, stop},
		onTransportError: {terminated, 0, stop, stop},
		onRequest:        {completed, again, keep, keep},
	},
}
