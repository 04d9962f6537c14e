package loadtest

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"

	"github.com/pion/rtp"
)

// stream is the RTP of one leg, both ways.
type stream struct {
	media  *media
	leg    *leg
	side   int
	socket int
	timer  timer

	to      netip.AddrPort // from the peer's session description
	sending bool
	seq     uint16
	stamp   uint32

	began   int64 // when media was to be heard, Unix ns
	heard   int64 // packets
	first   int64 // extended sequence number
	highest int64
	last    int64   // arrival
	transit int64   // of RFC 3550 6.4.1, in timestamp units
	jitter  float64 // same
	window  int64   // a re-INVITE is near until then, Unix ns
	gap     int64
}

// G.711 mu-law: 8,000 samples a second, 160 in a packet, payload type 0.
const (
	samplesPerPacket = 160
	clockRate        = 8000
	payloadPCMU      = 0
	silence          = 0xFF
)

// local is where the leg hears.
func (s *stream) local() (netip.Addr, uint16) {
	a := s.media.ports[s.side][s.socket]
	return a.Addr(), a.Port()
}

// aim takes the peer's address from its session description.
func (s *stream) aim(body []byte) {
	if a, ok := mediaAddress(body); ok {
		s.to = a
	}
}

// start aims and begins.
func (s *stream) start(body []byte) {
	s.aim(body)
	s.begin()
}

// begin starts sending.
func (s *stream) begin() {
	if s.sending || !s.to.IsValid() {
		return
	}
	s.sending, s.began = true, s.media.loop.clock()
	s.turn()
}

// turn sends one packet and arms the next. The payload begins with the time.
func (s *stream) turn() {
	m := s.media
	m.loop.wheel.set(&s.timer, int64(packetTime/tick))
	h := rtp.Header{Version: 2, PayloadType: payloadPCMU, SequenceNumber: s.seq, Timestamp: s.stamp, SSRC: ssrc(s.side, s.leg.name.slot)}
	sock := m.sockets[s.side][s.socket]
	b := sock.begin()
	n := h.MarshalSize()
	b = append(b, make([]byte, n+samplesPerPacket)...)
	if _, err := h.MarshalTo(b); err != nil {
		return
	}
	payload := b[n:]
	binary.BigEndian.PutUint64(payload, uint64(m.loop.clock()))
	for i := 8; i < len(payload); i++ {
		payload[i] = silence
	}
	sock.end(b, s.to, nil)
	s.seq++
	s.stamp += samplesPerPacket
	m.count.Sent++
}

// hear takes a packet of the peer's.
func (s *stream) hear(p *rtp.Packet, at int64) {
	m := s.media
	if len(p.Payload) < 8 {
		m.count.Wrong++
		return
	}
	m.count.Received++
	record(m.delay, at-int64(binary.BigEndian.Uint64(p.Payload)))
	seq := s.extend(p.SequenceNumber)
	transit := at*clockRate/1e9 - int64(p.Timestamp)
	if s.heard == 0 {
		s.first, s.highest = seq, seq
	} else {
		d := float64(transit - s.transit)
		if d < 0 {
			d = -d
		}
		s.jitter += (d - s.jitter) / 16
		if s.window != 0 {
			s.gap = max(s.gap, at-s.last)
		}
	}
	if seq < s.highest {
		m.count.Reordered++
	}
	s.first, s.highest = min(s.first, seq), max(s.highest, seq)
	s.transit, s.last = transit, at
	s.heard++
	if s.window != 0 && at > s.window {
		s.closeWindow()
	}
}

// extend widens a sequence number beyond its 16 bits, near the highest seen.
func (s *stream) extend(seq uint16) int64 {
	if s.heard == 0 {
		return 1<<16 + int64(seq)
	}
	return s.highest + int64(int16(seq-uint16(s.highest)))
}

// gapWindow is how long after a re-INVITE a gap is put down to it.
const gapWindow = 500e6

// renegotiated opens the window of a re-INVITE: silence from now on counts.
func (s *stream) renegotiated() {
	if s.heard > 0 && s.window == 0 {
		s.window, s.gap = s.media.loop.clock()+gapWindow, 0
	}
}

func (s *stream) closeWindow() {
	if s.gap > 0 {
		record(s.media.gap, s.gap)
	}
	s.window = 0
}

// silentAfter is how long a stream may stand without hearing anything.
const silentAfter = 200e6

// stop ends the stream and counts it.
func (s *stream) stop() {
	m := s.media
	m.loop.wheel.stop(&s.timer)
	if m.streams[s.side][s.leg.name.slot] == s {
		delete(m.streams[s.side], s.leg.name.slot)
	}
	if s.window != 0 {
		s.closeWindow()
	}
	if s.heard == 0 {
		if s.sending && m.loop.clock()-s.began > silentAfter {
			m.count.Silent++
		}
		return
	}
	m.count.Lost += max(s.highest-s.first+1-s.heard, 0)
	record(m.jitter, int64(s.jitter)*1e9/clockRate)
}

// mediaAddress reads where a session description wants media.
func mediaAddress(body []byte) (netip.AddrPort, bool) {
	c := lineAfter(body, "\nc=IN IP")
	m := lineAfter(body, "\nm=audio ")
	if len(c) < 3 || len(m) == 0 {
		return netip.AddrPort{}, false
	}
	host, err := netip.ParseAddr(string(bytes.TrimSpace(c[2:])))
	if err != nil {
		return netip.AddrPort{}, false
	}
	number, _, _ := bytes.Cut(m, []byte(" "))
	port, err := strconv.ParseUint(string(number), 10, 16)
	if err != nil || port == 0 {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(host, uint16(port)), true
}
