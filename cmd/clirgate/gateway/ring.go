package gateway

import (
	"context"
	"errors"

	"clirgate/cmd/clirgate/config"
	"clirgate/trace/keyring"
)

// makeRing opens the key ring of records and cases. One in use by another gateway is a
// mistake of whoever starts this one; a master key that cannot be had is an alarm.
func (g *Gateway) makeRing() error {
	ring, err := keyring.OpenAt(context.Background(), g.path(RingFile), master(g.cfg.Trace), g.now())
	if ring == nil {
		if errors.Is(err, keyring.ErrLocked) {
			return err
		}
		g.log.Error("key ring of records cannot be opened; records are not kept", "error", err)
		ring, err = keyring.Open(context.Background(), new(keyring.Memory), noMaster{err})
	}
	if err != nil {
		g.log.Error("key ring of records", "error", err)
	}
	g.ring = ring
	g.onClose(ring.Close)
	return nil
}

// noMaster is the master key of a ring that cannot be stored: no record is sealed by it.
type noMaster struct{ why error }

func (m noMaster) Key(context.Context) ([keyring.Size]byte, error) {
	return [keyring.Size]byte{}, m.why
}

func master(c config.Trace) keyring.Master {
	if c.MasterCommand != "" {
		return keyring.Command(c.MasterCommand)
	}
	return keyring.File(c.MasterKey)
}
