package main

import (
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far something is; silent where nobody looks.
type progress struct{ bar *progressbar.ProgressBar }

const progressSteps = 1000 // of the whole

func (s *session) progress() *progress {
	f, ok := s.errs.(*os.File)
	seen := ok && !s.JSON && term.IsTerminal(int(f.Fd()))
	return &progress{progressbar.NewOptions(progressSteps,
		progressbar.OptionSetWriter(s.errs), progressbar.OptionSetVisibility(seen), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(30))}
}

// show says that a part of the whole is done, 0 to 1. The bar writes to a terminal: that it
// cannot is nothing to tell.
func (p *progress) show(done float64, text string) {
	_ = p.bar.Set(min(int(done*progressSteps), progressSteps-1)) // the last step would clear it
	p.bar.Describe(text)
}

func (p *progress) end() { _ = p.bar.Clear() }
