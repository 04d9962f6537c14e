package loadtest

// MediaResult is what became of RTP.
type MediaResult struct{}

// ProcessSummary is a process watched.
type ProcessSummary struct{}
