// Package proc reads what local processes cost, from /proc.
package proc

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Usage is what processes have used since they began.
type Usage struct {
	User, System time.Duration
	RSS          int64 // bytes in memory now
	Processes    int
}

// CPU is user and system time.
func (u Usage) CPU() time.Duration { return u.User + u.System }

// tick is the unit of times in /proc/PID/stat: USER_HZ is 100 on all Linux systems.
const tick = 10 * time.Millisecond

// Of sums up processes and all their descendants, waited-for ones included. It is an
// error only when none of them is there.
func Of(pids ...int) (Usage, error) {
	children, err := tree()
	if err != nil {
		return Usage{}, err
	}
	var u Usage
	seen := map[int]bool{}
	for len(pids) > 0 {
		pid := pids[0]
		pids = pids[1:]
		if seen[pid] {
			continue
		}
		seen[pid] = true
		pids = append(pids, children[pid]...)
		if s, err := read(pid); err == nil {
			u.User += s.user
			u.System += s.system
			u.RSS += s.rss
			u.Processes++
		}
	}
	if u.Processes == 0 {
		return u, fmt.Errorf("no process of %d is there", len(seen))
	}
	return u, nil
}

// Name is the command name of a process.
func Name(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return strconv.Itoa(pid)
	}
	return strings.TrimSpace(string(b))
}

type stat struct {
	parent       int
	user, system time.Duration
	rss          int64
}

// read reads /proc/PID/stat; see proc(5).
func read(pid int) (stat, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	return parse(b)
}

func parse(b []byte) (stat, error) {
	end := bytes.LastIndexByte(b, ')') // the name may hold anything
	if end < 0 {
		return stat{}, fmt.Errorf("/proc stat without a command name")
	}
	f := strings.Fields(string(b[end+1:])) // f[0] is field 3
	if len(f) < 22 {
		return stat{}, fmt.Errorf("/proc stat of %d fields, want 24 or more", len(f)+2)
	}
	number := func(field int) int64 {
		n, _ := strconv.ParseInt(f[field-3], 10, 64)
		return n
	}
	return stat{
		parent: int(number(4)),
		user:   time.Duration(number(14)+number(16)) * tick,
		system: time.Duration(number(15)+number(17)) * tick,
		rss:    number(24) * int64(os.Getpagesize()),
	}, nil
}

// tree answers the children of every process.
func tree() (map[int][]int, error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(dirs) == 0 {
		return nil, fmt.Errorf("no /proc to read processes from: %w", os.ErrNotExist)
	}
	out := map[int][]int{}
	for _, d := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(d))
		if s, err := read(pid); err == nil {
			out[s.parent] = append(out[s.parent], pid)
		}
	}
	return out, nil
}
