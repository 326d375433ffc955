package compiler

import (
	"encoding/json"
	"time"

	"github.com/rulewright/rulewright/compiler/ir"
)

// Instant is what a correlation makes of a group at one time: how far its
// condition is from holding. It is for those who want to know why there is no
// hit.
type Instant struct {
	Rule *RuleInfo
	// Correlation is what the rule asks for, with parameters and overrides
	// filled in. It belongs to the RuleSet and must not change.
	Correlation *ir.Correlation
	Group       []GroupKey
	Time        time.Time
	// Window is the interval that is looked at, as in Hit; of after_silence it
	// begins at the event before, or at Time where there was none. Of new_value
	// it is the lookback, whose end, the instant itself, is not part of it.
	Window Window
	// Value is the count or value that the condition looks at: of new_value
	// the number of earlier events, of after_silence the seconds since the
	// last one; "" where there is none.
	Value json.Number
	// Before is the value of the earlier window, BeforeWindow, of increase.
	Before       json.Number
	BeforeWindow Window
	// Events are how often each referenced rule matched in the window, in the
	// rules' order; nil of types that look at no window.
	Events []int
	// Holds says whether the condition holds, Hit whether that made a hit now:
	// a condition that held at the last instant, too, does not.
	Holds, Hit bool
}

// trace tells StreamOptions.Trace of a group.
func (c *correlator) trace(g *group, t int64, x Instant) {
	defer func() {
		if r := recover(); r != nil {
			c.e.failed = callbackError("StreamOptions.Trace", r)
		}
	}()
	x.Rule, x.Correlation, x.Time = c.info, c.spec, time.UnixMicro(t).UTC()
	for i, p := range keyParts(g.key()) {
		if i < len(c.spec.GroupBy) {
			x.Group = append(x.Group, GroupKey{c.spec.GroupBy[i], p})
		}
	}
	c.e.opts.Trace(x)
}

// instant is what a group's state says of the instant now.
func (c *correlator) instant(g *group, now int64, hit bool) Instant {
	x := Instant{Holds: hit, Hit: hit, Window: windowOf(now-c.span, now)}
	switch s := g.state.(type) {
	case *windowState:
		n, ok := s.holds(c, g, now-c.span)
		x.Value, x.Holds = numberValue(n), ok
		x.Events = make([]int, len(c.spec.Inputs))
		for e := range g.log.all() {
			for i := range e.inputs() {
				x.Events[i]++
			}
		}
	case *newValues:
		x.Window = windowOf(now-c.keep, now)
		x.Value = numberValue(intNumber(s.known(c, now)))
	case *silence:
		x.Window = windowOf(now, now)
		if s.before {
			x.Window = windowOf(s.prev, now)
			x.Value = numberValue(inSeconds(now - s.prev))
		}
	}
	return x
}
