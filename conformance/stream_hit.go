package conformance

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/rulewright/rulewright/sigma"
)

// StreamHit is a hit over a history of events, as referees compare them: of a
// correlation, or of a rule on one event.
type StreamHit struct {
	Rule string // RuleKey of the rule
	// Group is the group's key in the order of group-by, folded; nil for the
	// group of all events and for a rule's own hit.
	Group []string
	// Tuple holds the new values of new_value, folded.
	Tuple []string
	// Time is the instant, of an increase the end of the window, of a summary
	// the group's last event; in microseconds since 1970.
	Time int64
	// Event is the id of the event, for a rule's own hit.
	Event string
	// Value is the count or value that met the condition, of temporal types the
	// number of rules that occur, of counts that of the events, of after_silence
	// the seconds of silence; 0 for new_value.
	Value float64
	// Contributing are the events and inner hits behind a correlation's hit.
	Contributing []Contributor
	// Repeats counts the hits that `once` kept back for this one.
	Repeats int

	// OnlyWhich: the engine tells which hits there are and no more, as queries
	// do; Value, Contributing and Repeats are not known.
	OnlyWhich bool

	// step is that of the fact that decided the hit; afterwards where it is
	// decided only when its instant is over.
	step step
}

// Contributor is an event behind a correlation's hit, or the hit of a
// correlation that it is built on.
type Contributor struct {
	Input int // index of the referenced rule
	Time  int64
	Event string // its id; "" for a hit of a correlation
}

func (c Contributor) String() string {
	return fmt.Sprintf("%d %s %s", c.Input, timeText(c.Time), c.Event)
}

// Identity is what says that two referees speak of the same hit.
func (h *StreamHit) Identity() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q %s", h.Rule, h.Group, timeText(h.Time))
	if h.Tuple != nil {
		fmt.Fprintf(&b, " new %q", h.Tuple)
	}
	if h.Event != "" {
		fmt.Fprintf(&b, " event %s", h.Event)
	}
	return b.String()
}

func timeText(us int64) string { return time.UnixMicro(us).UTC().Format(time.RFC3339Nano) }

// RuleKey is what a rule is called in hits: its id, else its name, else its
// title.
func RuleKey(m *sigma.Meta) string { return cmp.Or(m.ID, m.Name, m.Title) }

// HitDifferences says which hits only one of two referees has.
func HitDifferences(want, got []StreamHit) []string {
	return differences(want, got, func(_, _ *StreamHit) string { return "" })
}
