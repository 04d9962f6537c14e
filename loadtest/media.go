package loadtest

import (
	"net/netip"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/pion/rtp"
)

// media is a loop's RTP: a few sockets for each side, shared by its calls, which are
// told apart by SSRC. A packet that reaches another call's socket is counted as wrong,
// so that session descriptions mixed up by the element show.
type media struct {
	loop    *Loop
	sockets [2][]*udpSocket // callers', callees'
	ports   [2][]netip.AddrPort
	streams [2]map[uint32]*stream // by slot
	packet  rtp.Packet
	count   MediaResult
	delay   *hdrhistogram.Histogram
	jitter  *hdrhistogram.Histogram
	gap     *hdrhistogram.Histogram
}

// MediaResult is what became of RTP.
type MediaResult struct {
	Streams   int64     `json:"streams"`
	Silent    int64     `json:"silent"` // heard nothing though they stood long enough
	Sent      int64     `json:"sent"`
	Received  int64     `json:"received"`
	Lost      int64     `json:"lost"` // of what was expected by sequence numbers
	Reordered int64     `json:"reordered"`
	Wrong     int64     `json:"wrong"` // reached another call
	Late      int64     `json:"late"`  // after the call's end
	Delay     Quantiles `json:"delay"` // one way, end to end
	Jitter    Quantiles `json:"jitter"`
	Gap       Quantiles `json:"gap"` // longest silence around a re-INVITE
}

// LossPercent is packets lost of those expected.
func (m *MediaResult) LossPercent() float64 {
	if m.Received+m.Lost == 0 {
		return 0
	}
	return 100 * float64(m.Lost) / float64(m.Received+m.Lost)
}

// mediaSockets is how many each side of a loop has.
const mediaSockets = 4

func newMedia(l *Loop, host netip.Addr) (*media, error) {
	h := func() *hdrhistogram.Histogram { return hdrhistogram.New(minTime, maxTime, 3) }
	m := &media{loop: l, delay: h(), jitter: h(), gap: h()}
	for side := range m.sockets {
		m.streams[side] = map[uint32]*stream{}
		for range mediaSockets {
			conn, err := listenUDP(netip.AddrPortFrom(host, 0).String())
			if err != nil {
				m.close()
				return nil, err
			}
			s, err := newUDPSocket(conn)
			if err != nil {
				conn.Close()
				m.close()
				return nil, err
			}
			m.sockets[side] = append(m.sockets[side], s)
			m.ports[side] = append(m.ports[side], netip.MustParseAddrPort(conn.LocalAddr().String()))
		}
	}
	return m, nil
}

func (m *media) close() {
	for _, side := range m.sockets {
		for _, s := range side {
			s.close()
		}
	}
}

// side is the index of a leg's side.
func side(g *leg) int {
	if g.ep.role == calling {
		return 0
	}
	return 1
}

// open makes a leg's stream; it neither sends nor is listened to yet.
func (m *media) open(g *leg) *stream {
	s := &stream{media: m, leg: g, side: side(g), socket: int(g.name.slot) % mediaSockets, seq: uint16(g.name.gen), stamp: g.name.gen << 8}
	s.timer = timer{leg: g, kind: mediaTimer}
	m.streams[s.side][g.name.slot] = s
	m.count.Streams++
	return s
}

// receive takes what has arrived.
func (m *media) receive() {
	for side := range m.sockets {
		for k, sock := range m.sockets[side] {
			sock.receive(perTurn, func(b []byte, _ netip.AddrPort, at int64) { m.arrived(side, k, b, at) })
		}
	}
}

// flush sends what is queued.
func (m *media) flush() {
	for _, side := range m.sockets {
		for _, s := range side {
			s.flush()
		}
	}
}

// ssrc names a stream: which side sends, and the call's slot.
func ssrc(side int, slot uint32) uint32 { return uint32(side)<<31 | slot }

func (m *media) arrived(side, socket int, b []byte, at int64) {
	if m.packet.Unmarshal(b) != nil {
		m.count.Wrong++
		return
	}
	sender, slot := int(m.packet.SSRC>>31), m.packet.SSRC&^(1<<31)
	s := m.streams[side][slot]
	switch {
	case sender == side || int(slot)%mediaSockets != socket:
		m.count.Wrong++
	case s == nil:
		m.count.Late++
	default:
		s.hear(&m.packet, at)
	}
}

// result sums up.
func (m *media) result() (MediaResult, [3]*hdrhistogram.Histogram) {
	return m.count, [3]*hdrhistogram.Histogram{m.delay, m.jitter, m.gap}
}

// mediaResult sums the loops up, nil without media.
func (r *Run) mediaResult() *MediaResult {
	if !r.config.Media {
		return nil
	}
	var sum MediaResult
	var all [3]*hdrhistogram.Histogram
	for _, l := range r.loops {
		one, h := l.media.result()
		sum.Streams += one.Streams
		sum.Silent += one.Silent
		sum.Sent += one.Sent
		sum.Received += one.Received
		sum.Lost += one.Lost
		sum.Reordered += one.Reordered
		sum.Wrong += one.Wrong
		sum.Late += one.Late
		for i := range h {
			if all[i] == nil {
				all[i] = hdrhistogram.New(minTime, maxTime, 3)
			}
			all[i].Merge(h[i])
		}
	}
	sum.Delay, sum.Jitter, sum.Gap = quantiles(all[0]), quantiles(all[1]), quantiles(all[2])
	return &sum
}

// packetTime is that of G.711 packets.
const packetTime = 20 * time.Millisecond
