package oracle

// Class is what the called side may see of the caller.
type Class uint8

const (
	Unsure    Class = iota // either, but the whole call alike: a rule was being changed
	Shown                  // the number, as sent
	Withheld               // nothing
	Emergency              // the number, always, and no Privacy
)

// String is the class's name in reports.
func (c Class) String() string {
	return [...]string{"unsure", "shown", "withheld", "emergency"}[c]
}
