package rules

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Node is one gateway and how far its rules are.
type Node struct {
	Name     string
	Revision uint64        // up to which it has applied every change
	Age      time.Duration // since it last said so
}

// LiveAge is the age at which a node counts as gone.
const LiveAge = 5 * time.Second

// Live tells whether the node is there.
func (n *Node) Live() bool { return n.Age < LiveAge }

// NodeStore is where the nodes of one shared store see each other.
type NodeStore interface {
	// Beat notes that a node is there and how far it is.
	Beat(ctx context.Context, node string, revision uint64) error
	// Nodes answers all nodes of the last days, by name. Ages are by the store's
	// clock.
	Nodes(ctx context.Context) ([]Node, error)
}

// Listener is a store that tells of changes.
type Listener interface {
	// Listen calls told for every change any node makes, and once when it has begun
	// to listen, until ctx ends or the store is lost.
	Listen(ctx context.Context, told func()) error
}

// LaggingError is a revision that some live nodes do not have in time.
type LaggingError struct {
	Revision uint64
	Nodes    []string
}

func (e *LaggingError) Error() string {
	return fmt.Sprintf("rules: revision %d is not in force yet on %s", e.Revision, strings.Join(e.Nodes, ", "))
}
