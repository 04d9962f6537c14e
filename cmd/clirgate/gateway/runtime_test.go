package gateway

import "testing"

func TestCollectorPercent(t *testing.T) {
	for _, c := range []struct {
		inUse uint64
		want  int
	}{
		{0, 400}, {1 << 20, 400}, {32 << 20, 400}, {64 << 20, 200}, {128 << 20, 100}, {4 << 30, 100},
	} {
		if got := collectorPercent(c.inUse); got != c.want {
			t.Errorf("%d bytes in use: %d %%, want %d", c.inUse, got, c.want)
		}
	}
	if inUse() == 0 {
		t.Error("nothing in use")
	}
}
