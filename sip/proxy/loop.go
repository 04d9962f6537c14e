package proxy

import (
	"encoding/binary"
	"hash/maphash"
	"math/rand/v2"

	"clirgate/sip/message"
)

// A branch of ours is the magic cookie, letters that make it unique, and letters of a hash
// over all that decides where the request goes (RFC 5393 4.2.1). Letters only, like all
// identifiers the gateway makes: no digit run can come about in them.
const (
	cookie    = "z9hG4bK"
	letters   = "abcdefghijklmnopqrstuvwxyzABCDEF"
	word      = 13 // letters of 64 bits
	maxBranch = len(cookie) + 2*word
)

func appendWord(dst []byte, v uint64) []byte {
	for range word {
		dst = append(dst, letters[v&31])
		v >>= 5
	}
	return dst
}

// makeBranch gives b an identifier of its own.
func (c *call) makeBranch(b *branch) {
	id := append(b.id[:0], cookie...)
	id = appendWord(id, rand.Uint64())
	id = appendWord(id, c.loopHash())
	b.idLen = len(id)
}

func (b *branch) name() []byte { return b.id[:b.idLen] }

// loopHash: Request-URI and Routes as received, the codes taken off, the class, and which
// dialog it is; not the method (RFC 5393 4.2.1).
func (c *call) loopHash() uint64 {
	var h maphash.Hash
	h.SetSeed(c.p.seed)
	h.Write(c.m.Get(c.m.RequestURI()))
	for _, s := range c.m.ValuesOf(message.HRoute) {
		h.WriteByte(0)
		h.Write(c.m.Get(s))
	}
	h.WriteByte(1)
	h.Write(c.m.CallID())
	h.WriteByte(1)
	h.Write(c.m.FromTag())
	var rest [6]byte
	n, _, _ := c.m.CSeq()
	binary.BigEndian.PutUint32(rest[:], n)
	rest[4], rest[5] = byte(c.dialog.Class), byte(c.facts.dialled.Skip)
	h.Write(rest[:])
	return h.Sum64()
}

// loop finds out whether the request has been here before, just as it is now: then 482. If
// it was different, it is a spiral and goes on (SIP-04). Where a withheld party's Via chain
// was cut, Max-Forwards ends what loops.
func (c *call) loop(w *work) bool {
	var hash []byte
	for _, s := range c.m.ValuesOf(message.HVia) {
		via, ok := c.m.ParseVia(s)
		if !ok || len(via.Branch) != maxBranch || !c.p.isOwn(c.m.Get(via.Host), via.Port) {
			continue
		}
		if hash == nil {
			w.buf = appendWord(w.buf[:0], c.loopHash())
			hash = w.buf
		}
		if string(via.Branch[maxBranch-word:]) == string(hash) {
			return c.refuse(482, "", nil, Loop)
		}
	}
	return true
}
