//go:build !linux

package rules

// hugePages: see huge_linux.go.
func hugePages(shard) {}
