package loadtest

import "net/netip"

type media struct{}
type stream struct{}

func (m *media) open(*leg) *stream            { return nil }
func (m *media) receive()                     {}
func (m *media) close()                       {}
func newMedia(*Loop) (*media, error)          { return nil, nil }
func (s *stream) local() (netip.Addr, uint16) { return netip.Addr{}, 0 }
func (s *stream) start([]byte)                {}
func (s *stream) aim([]byte)                  {}
func (s *stream) begin()                      {}
func (s *stream) stop()                       {}
func (s *stream) turn()                       {}

// MediaResult is what became of RTP.
type MediaResult struct {
	Sent, Received, Reordered, Wrong, Silent, Streams int64
	Delay, Jitter, Gap                                Quantiles
}

// LossPercent is packets sent that did not arrive.
func (m *MediaResult) LossPercent() float64 { return 0 }
