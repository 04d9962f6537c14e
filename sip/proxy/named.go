package proxy

import (
	"bytes"
	"hash/maphash"
	"sync"

	"clirgate/rules"
	"clirgate/sip/message"
	"clirgate/sip/privacy"
)

// namedCalls remembers Call-IDs that a withheld party may name in another dialog's message
// (Replaces, Join, Target-Dialog): those of its own calls, which the other side knows
// mapped, with the call's ID; and those that the other side told it in a REFER, which are
// somebody else's and mapped for nobody.
//
// It is soft state, like raisedSet: the newest 65,536, forgotten at a restart, not shared.
// What is not known is mapped as the present dialog's: nothing leaks, and a transfer fails.
type namedCalls struct {
	seed   maphash.Seed
	shards [64]namedShard
}

type namedShard struct {
	mu    sync.Mutex
	slots [1024]namedSlot
}

type namedSlot struct {
	hash  uint64 // of the Call-ID
	id    [16]byte
	known privacy.Known
}

func newNamedCalls() *namedCalls { return &namedCalls{seed: maphash.MakeSeed()} }

// place finds the one slot a Call-ID can have, in its locked shard.
func (n *namedCalls) place(callID []byte) (*namedShard, *namedSlot, uint64) {
	h := maphash.Bytes(n.seed, callID)
	s := &n.shards[h%uint64(len(n.shards))]
	s.mu.Lock()
	return s, &s.slots[h>>32%uint64(len(s.slots))], h
}

func (n *namedCalls) add(callID []byte, known privacy.Known, id [16]byte) {
	s, slot, h := n.place(callID)
	defer s.mu.Unlock()
	if known == privacy.KnownForeign && slot.hash == h && slot.known == privacy.KnownOwn {
		return // what is withheld stays so, whatever the other side says
	}
	*slot = namedSlot{h, id, known}
}

// Named implements privacy.CallNames.
func (n *namedCalls) Named(callID []byte) (id [16]byte, known privacy.Known) {
	s, slot, h := n.place(callID)
	defer s.mu.Unlock()
	if slot.hash != h {
		return id, privacy.KnownNot
	}
	return slot.id, slot.known
}

// noteOwn remembers the call of a withheld caller, when it begins and when it is refreshed.
func (c *call) noteOwn() {
	refresh := c.method == message.INVITE || c.method == message.UPDATE
	if refresh && c.sender == privacy.Caller && c.dialog.CallerWithheld && c.dialog.Class != rules.E {
		c.p.named.add(c.m.CallID(), privacy.KnownOwn, c.dialog.ID)
	}
}

// noteForeign remembers the dialogs that a request tells a withheld party to name.
func (c *call) noteForeign(w *work) {
	if !c.m.Has(message.HReferTo) || !c.withheld(c.sender.Other()) {
		return
	}
	for _, s := range c.m.ValuesOf(message.HReferTo) {
		na, ok := c.m.NameAddr(s)
		if !ok {
			continue
		}
		u, ok := c.m.ParseURI(na.URI)
		if !ok || u.Headers.Empty() {
			continue
		}
		for header := range bytes.SplitSeq(c.m.Get(u.Headers)[1:], []byte{'&'}) {
			name, value, _ := bytes.Cut(header, []byte{'='})
			if message.EqualFold(name, "Replaces") || message.EqualFold(name, "Join") || message.EqualFold(name, "Target-Dialog") {
				w.buf = message.AppendUnescaped(w.buf[:0], value)
				id, _, _ := bytes.Cut(w.buf, []byte{';'})
				c.p.named.add(trimSpace(id), privacy.KnownForeign, [16]byte{})
			}
		}
	}
}
