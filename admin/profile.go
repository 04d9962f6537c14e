package admin

import (
	"bytes"
	"cmp"
	"fmt"
	"runtime/pprof"
	"strconv"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// The kinds of profile. Those of goroutines and the like hold places in the program,
// never values.
var profileKinds = []string{"cpu", "heap", "allocs", "goroutine", "mutex", "block"}

const (
	profileTime = 10 * time.Second // of a CPU profile, unless asked for more
	profileMost = time.Minute
)

// profiling keeps CPU profiles apart: the runtime makes one at a time.
var profiling sync.Mutex

// profile answers what the program spends its time or memory on, as `go tool pprof` reads it.
func (s *Server) profile(ctx *fasthttp.RequestCtx) {
	args := query{ctx: ctx}
	kind := cmp.Or(args.choice("kind", profileKinds...), "cpu")
	length := args.seconds(profileTime, profileMost)
	if !args.end("kind", "seconds") {
		return
	}
	var out bytes.Buffer
	if kind != "cpu" {
		if err := pprof.Lookup(kind).WriteTo(&out, 0); err != nil {
			unavailable(ctx, "The profile cannot be made")
			return
		}
	} else if !profiling.TryLock() {
		busyProfiling(ctx)
		return
	} else if err := cpuProfile(&out, length); err != nil {
		busyProfiling(ctx)
		return
	}
	ctx.Response.Header.Set("Cache-Control", "no-store")
	ctx.SetContentType("application/octet-stream")
	ctx.SetBody(out.Bytes())
}

// cpuProfile needs the lock, and gives it back.
func cpuProfile(out *bytes.Buffer, length time.Duration) error {
	defer profiling.Unlock()
	if err := pprof.StartCPUProfile(out); err != nil {
		return err
	}
	time.Sleep(length)
	pprof.StopCPUProfile()
	return nil
}

func busyProfiling(ctx *fasthttp.RequestCtx) {
	ctx.Response.Header.Set("Retry-After", "60")
	problem{Status: fasthttp.StatusConflict, Type: "busy", Title: "Another CPU profile is being made", Mend: "wait for it"}.write(ctx)
}

// seconds is the parameter of that name.
func (q *query) seconds(usual, most time.Duration) time.Duration {
	text := q.text("seconds")
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if length := time.Duration(n) * time.Second; err == nil && n >= 1 && length <= most {
		return length
	}
	q.wrong("seconds", "is out of range", fmt.Sprintf("give 1 to %.0f", most.Seconds()))
	return usual
}
