package proxy

import (
	"clirgate/sip/message"
	"clirgate/sip/transaction"
)

// The path of a request, in order. A step that answers false has answered the request,
// or has dropped it.
var steps = [...]func(*call, *work) bool{
	(*call).readURI,    // scheme known, else 416                        validate.go
	(*call).preprocess, // Route and Request-URI that are ours, tokens    preprocess.go
	(*call).admit,      // the peer by source, else 403                   admit.go
	(*call).countHops,  // Max-Forwards, Max-Breadth; OPTIONS to us       validate.go
	(*call).enter,      // in a dialog: who sends; outside: the facts     dialog.go, facts.go
	(*call).extensions, // Proxy-Require, else 420                        validate.go
	(*call).open,       // while draining 503                             validate.go
	(*call).decide,     // class N, W or E; 433                           decide.go
	(*call).loop,       // RFC 5393, 482                                  loop.go
	(*call).route,      // the next hops, else 404                        hops.go
	(*call).mark,       // malicious call identification                 mcid.go
	(*call).forward,    // header table, leak guard, record, send         forward.go
}

// run takes the steps until one ends the path.
func (c *call) run(w *work) {
	for _, step := range steps {
		if !step(c, w) {
			return
		}
	}
}

// Request takes in a new request.
func (p *Proxy) Request(tx *transaction.Server) {
	m := tx.Request()
	c := p.newCall(tx, m, tx.Flow())
	tx.Data = c
	if c.method == message.INVITE {
		tx.Trying()
	}
	w := takeWork()
	defer w.giveBack()
	c.run(w)
}
