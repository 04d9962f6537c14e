package subject

// Dutch is a text in Dutch.
func Dutch(text string) string { return in("nl", text) }
