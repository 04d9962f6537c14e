package transaction

// inviteClient is the INVITE client transaction: RFC 3261 17.1.1.2 and figure 5, as
// RFC 6026 7.2 changes it (Accepted, timer M). callingCancelled, cancelling and
// timer C are RFC 3261 9.1, 16.6 item 11 and 16.8. abandoned is ours: when the user
// gave up early and went elsewhere, a late ringing phone is cancelled, a late
// failure acknowledged, and a late 2xx still handed up.
var inviteClient = machine{
	calling: {
		timerA:           {calling, again, timerA, keep},
		timerB:           {terminated, fail, stop, stop},
		timerGiveUp:      {abandoned, fail, stop, timerB},
		onTransportError: {terminated, fail, stop, stop},
		on100:            {proceeding, pass, stop, timerC},
		on1xx:            {proceeding, pass, stop, timerC},
		on2xx:            {accepted, pass, stop, timerM},
		onFailure:        {completed, ack | pass, stop, timerD},
		onCancel:         {callingCancelled, 0, keep, keep},
	},
	callingCancelled: {
		timerA:           {callingCancelled, again, timerA, keep},
		timerB:           {terminated, fail, stop, stop},
		timerGiveUp:      {abandoned, fail, stop, timerB},
		onTransportError: {terminated, fail, stop, stop},
		on100:            {cancelling, cancel | pass, stop, timerCancelled},
		on1xx:            {cancelling, cancel | pass, stop, timerCancelled},
		on2xx:            {accepted, pass, stop, timerM},
		onFailure:        {completed, ack | pass, stop, timerD},
	},
	proceeding: {
		timerC:    {proceeding, fail, keep, keep}, // the user cancels
		on100:     {proceeding, pass, keep, keep},
		on1xx:     {proceeding, pass, keep, timerC},
		on2xx:     {accepted, pass, keep, timerM},
		onFailure: {completed, ack | pass, keep, timerD},
		onCancel:  {cancelling, cancel, keep, timerCancelled},
	},
	cancelling: {
		timerCancelled: {terminated, fail, stop, stop},
		on100:          {cancelling, pass, keep, keep},
		on1xx:          {cancelling, pass, keep, keep},
		on2xx:          {accepted, pass, keep, timerM},
		onFailure:      {completed, ack | pass, keep, timerD},
	},
	abandoned: {
		timerB:           {terminated, 0, stop, stop},
		timerCancelled:   {terminated, 0, stop, stop},
		onTransportError: {terminated, 0, stop, stop},
		on100:            {abandoned, cancel, keep, timerCancelled},
		on1xx:            {abandoned, cancel, keep, timerCancelled},
		on2xx:            {accepted, pass, keep, timerM},
		onFailure:        {completed, ack, keep, timerD},
	},
	completed: {
		timerD:           {terminated, 0, stop, stop},
		onTransportError: {terminated, 0, stop, stop},
		onFailure:        {completed, ack, keep, keep},
	},
	accepted: {
		timerM: {terminated, 0, stop, stop},
		on2xx:  {accepted, pass, keep, keep},
	},
}

// nonInviteClient is the non-INVITE client transaction: RFC 3261 17.1.2.2, figure 6.
var nonInviteClient = machine{
	trying: {
		timerE:           {trying, again, timerE, keep},
		timerF:           {terminated, fail, stop, stop},
		timerGiveUp:      {terminated, fail, stop, stop},
		onTransportError: {terminated, fail, stop, stop},
		on100:            {proceeding, pass, keep, timerF},
		on1xx:            {proceeding, pass, keep, timerF},
		on2xx:            {completed, pass, stop, timerK},
		onFailure:        {completed, pass, stop, timerK},
	},
	proceeding: {
		timerE:           {proceeding, again, timerE2, keep},
		timerE2:          {proceeding, again, timerE2, keep},
		timerF:           {terminated, fail, stop, stop},
		onTransportError: {terminated, fail, stop, stop},
		on100:            {proceeding, pass, keep, keep},
		on1xx:            {proceeding, pass, keep, keep},
		on2xx:            {completed, pass, stop, timerK},
		onFailure:        {completed, pass, stop, timerK},
	},
	completed: {
		timerK: {terminated, 0, stop, stop},
	},
}
