package rules

import (
	"syscall"
	"unsafe"
)

// hugePages asks the system for large pages under a shard: a look-up then seldom
// waits for the page tables besides the memory itself. Where it has none, nothing
// is lost.
func hugePages(t shard) {
	const page, madvHugePage = 4096, 14
	size := len(t) * int(unsafe.Sizeof(line{}))
	if size < 4<<20 {
		return
	}
	start := unsafe.Pointer(unsafe.SliceData(t))
	skip := int(-uintptr(start) % page)
	whole := unsafe.Slice((*byte)(unsafe.Add(start, skip)), (size-skip)/page*page)
	_ = syscall.Madvise(whole, madvHugePage)
}
