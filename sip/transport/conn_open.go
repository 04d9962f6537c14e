package transport

import (
	"context"
	"crypto/tls"
	"net"
	"time"
)

// open makes the connection ready: dials, or shakes hands with who has dialled us.
func (c *conn) open() error {
	if c.dialled {
		return c.dial()
	}
	if c.flow.Net == TCP {
		c.streams.reusable(c)
		return nil
	}
	nc := tls.Server(c.raw, c.options().TLS)
	ctx, cancel := context.WithTimeout(c.ctx, c.options().Slow)
	defer cancel()
	if err := nc.HandshakeContext(ctx); err != nil {
		c.discard(handshakeFault(ctx))
		return err
	}
	if err := c.opened(c.raw, nc); err != nil {
		return err
	}
	if len(nc.ConnectionState().VerifiedChains) > 0 {
		c.verified.Store(true)
		c.streams.reusable(c)
	}
	return nil
}

func handshakeFault(ctx context.Context) Discard {
	if ctx.Err() != nil {
		return DiscardSlow
	}
	return DiscardFraming
}

func (c *conn) dial() error {
	ctx, cancel := context.WithTimeout(c.ctx, c.options().DialTimeout)
	defer cancel()
	d := net.Dialer{LocalAddr: c.localAddr()}
	raw, err := d.DialContext(ctx, "tcp", c.flow.Remote.String())
	if err != nil {
		return err
	}
	raw = stamp(raw)
	if c.flow.Net == TCP {
		return c.opened(raw, raw)
	}
	nc := tls.Client(raw, c.clientConfig())
	if err := nc.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return err
	}
	c.verified.Store(len(nc.ConnectionState().VerifiedChains) > 0)
	return c.opened(raw, nc)
}

// localAddr keeps to the listener's address, which peers know us by.
func (c *conn) localAddr() net.Addr {
	local := c.streams.layer.ports[c.flow.Listener].local.Addr()
	if local.IsUnspecified() {
		return nil
	}
	return &net.TCPAddr{IP: local.AsSlice(), Zone: local.Zone()}
}

func (c *conn) clientConfig() *tls.Config {
	cfg := c.options().TLSClient
	if f := c.options().ServerName; f != nil {
		if name := f(c.flow.Remote); name != "" {
			cfg = cfg.Clone()
			cfg.ServerName = name
			return cfg
		}
	}
	if cfg.ServerName == "" {
		cfg = cfg.Clone()
		cfg.ServerName = c.flow.Remote.Addr().WithZone("").String()
	}
	return cfg
}

// opened takes the connection over, unless it was killed meanwhile.
func (c *conn) opened(raw, nc net.Conn) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		_ = raw.Close()
		return c.cause
	}
	c.raw, c.nc = raw, nc
	_ = raw.SetDeadline(time.Time{})
	c.touch()
	return nil
}
