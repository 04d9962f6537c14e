package transport

// Listeners is the number of listeners; their indexes run from 0.
func (l *Layer) Listeners() int { return len(l.ports) }

// Network is the transport protocol of a listener.
func (l *Layer) Network(listener uint8) Network { return l.ports[listener].Net }
