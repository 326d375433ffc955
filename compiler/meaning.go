package compiler

import (
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/rulewright/rulewright/compiler/ir"
)

// meaning is a hash of what a rule means to a stream: of two rules with the
// same one, either may go on with the state of the other. Titles, levels and
// the like do not count.
type meaning [sha256.Size]byte

// meanings finds and remembers the meanings of rules.
type meanings map[*ir.Rule]meaning

func (ms meanings) of(r *ir.Rule) meaning {
	if m, ok := ms[r]; ok || r == nil {
		return m
	}
	ms[r] = meaning{} // a cycle ends where it would begin again
	h := sha256.New()
	switch {
	case r.Correlation != nil:
		c := *r.Correlation
		c.Inputs, c.Generate = nil, false
		io.WriteString(h, ir.PrintCorrelation(&c))
		for i, in := range r.Correlation.Inputs {
			for _, t := range in.Taps {
				fmt.Fprintf(h, "tap %d %x%s%s\n", i, ms.of(t.Rule), specs(t.GroupBy), specs(t.Counted))
			}
		}
	case r.When != nil:
		fmt.Fprintf(h, "rule %q %q\n%s\n", r.Source.Form, foldName(r.Source.Table), ir.Print(r.Predicate()))
	}
	m := meaning(h.Sum(nil))
	ms[r] = m
	return m
}

func specs(fields []ir.Field) string {
	text := " by"
	for _, f := range fields {
		text += fmt.Sprintf(" %q", f.Spec())
	}
	return text
}

// unitKey tells the parts of a stream's state apart: what a correlation, or a
// rule with once, remembers.
type unitKey struct {
	rule    string // its id or, without one, file and title
	kind    string
	meaning meaning
}

// The kinds of a unitKey.
const (
	unitCorrelation = "correlation"
	unitOnce        = "once"
	unitRule        = "rule" // has no state, but hits that wait
)

func (ms meanings) correlation(c *correlator) unitKey {
	return unitKey{ruleIdentity(c.info), unitCorrelation, ms.of(c.rule)}
}

func (ms meanings) rule(info *RuleInfo, r *ir.Rule) unitKey {
	return unitKey{ruleIdentity(info), unitRule, ms.of(r)}
}

func (ms meanings) once(k *onceKeeper) unitKey {
	h := sha256.New()
	for _, r := range k.rules {
		fmt.Fprintf(h, "once %x %d%s\n", ms.of(r), r.Once.For, specs(r.Once.By))
	}
	return unitKey{ruleIdentity(k.info), unitOnce, meaning(h.Sum(nil))}
}
