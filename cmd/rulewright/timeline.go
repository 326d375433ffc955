package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/ir"
)

// timeline collects hits and tells them the way an analyst would: who, then
// what happened to them, in order.
type timeline struct {
	groups       map[string]*story
	order        []*story
	all          bool // show repeated hits
	correlations *correlations
}

// story is the hits of one entity.
type story struct {
	kind, name string
	lines      []storyLine
	worst      int // level
	perRule    map[*compiler.RuleInfo]int
}

// storyLine is a hit without its event, which would fill the memory.
type storyLine struct {
	time    time.Time
	rule    *compiler.RuleInfo
	others  []compiler.Entity
	matched []string
	more    int // further hits of the same rule that are not shown
	until   time.Time
	steps   []string      // of a correlation
	once    *compiler.Hit // of a rule with once: counts its repeats
}

// entityOrder says which of a hit's entities the story is about.
var entityOrder = []string{"account", "mailbox", "service-principal", "app", "host", "resource", "ip", "url", "file"}

// shownRepeats is how often a story tells of the same rule in full.
const shownRepeats = 5

func (t *timeline) add(h *compiler.Hit) {
	lead := compiler.Entity{}
	for _, kind := range entityOrder {
		i := slices.IndexFunc(h.Entities(), func(e compiler.Entity) bool { return e.Type == kind && e.Value != "" })
		if i >= 0 {
			lead = h.Entities()[i]
			break
		}
	}
	if t.correlations.is(h) {
		lead = t.correlations.lead(h, lead)
	}
	key := lead.Type + "\x00" + strings.ToLower(lead.Value)
	if t.groups == nil {
		t.groups = map[string]*story{}
	}
	s := t.groups[key]
	if s == nil {
		s = &story{kind: lead.Type, name: lead.Value, worst: -1, perRule: map[*compiler.RuleInfo]int{}}
		t.groups[key] = s
		t.order = append(t.order, s)
	}
	s.worst = max(s.worst, levelRank(h.Rule.Level))
	s.perRule[h.Rule]++
	if n := s.perRule[h.Rule]; n > shownRepeats && !t.all {
		for i := range slices.Backward(s.lines) {
			if s.lines[i].rule == h.Rule {
				s.lines[i].more++
				s.lines[i].until = h.Time()
				break
			}
		}
		return
	}
	l := storyLine{time: h.Time(), rule: h.Rule}
	for _, e := range h.Entities() {
		if e.Value != "" && !(e.Type == lead.Type && strings.EqualFold(e.Value, lead.Value)) && !slices.ContainsFunc(l.others, func(o compiler.Entity) bool { return o.Type == e.Type && o.Value == e.Value }) && len(l.others) < 6 {
			l.others = append(l.others, compiler.Entity{Type: e.Type, Value: clip(clean(e.Value), 60)})
		}
	}
	for _, m := range h.Matched() {
		if line := matchedLine(m); !slices.Contains(l.matched, line) {
			l.matched = append(l.matched, line)
		}
	}
	if t.correlations.is(h) {
		l.matched = append(l.matched, t.correlations.told(h)...)
		l.steps = t.correlations.steps(h)
	}
	if t.correlations.once(h) {
		l.once = h
		h.Forget() // only its repeats are still of use
	}
	s.lines = append(s.lines, l)
}

// matchedLine writes `field = value`, or what the rule looked for in a longer
// value.
func matchedLine(m compiler.Matched) string {
	const width = 110
	var values []string
	for _, v := range m.Values {
		values = append(values, clip(clean(fmt.Sprint(v)), width))
		if len(values) == 3 && len(m.Values) > 3 {
			values = append(values, fmt.Sprintf("… %d more", len(m.Values)-3))
			break
		}
	}
	field := clean(m.Field)
	if field == "" {
		field = "any field"
	}
	switch m.Op {
	case ir.Exists:
		return field + " is there"
	case ir.Null:
		return field + " is empty"
	case ir.Equal:
		return field + " = " + strings.Join(values, ", ")
	}
	var rule []string
	for _, v := range m.Rule {
		rule = append(rule, clip(clean(ir.ValueText(v)), width))
		if len(rule) == 3 && len(m.Rule) > 3 {
			rule = append(rule, "…")
			break
		}
	}
	line := fmt.Sprintf("%s %s %s", field, m.Op, strings.Join(rule, ", "))
	if len(values) > 0 {
		line += ": " + strings.Join(values, ", ")
	}
	return line
}

// ends sums up a story: when, and which addresses, applications and others it
// names, in the order of appearance.
func (s *story) ends() string {
	parts := []string{}
	if from, to := s.lines[0].time, s.lines[len(s.lines)-1].time; !from.IsZero() && !to.IsZero() {
		parts = append(parts, clock(from)+" to "+clock(to))
	}
	for _, kind := range append([]string{"ip"}, entityOrder...) {
		var names []string
		more := 0
		for _, l := range s.lines {
			for _, e := range l.others {
				if e.Type != kind || slices.Contains(names, e.Value) {
					continue
				}
				if len(names) == 5 {
					more++
					continue
				}
				names = append(names, e.Value)
			}
		}
		if more > 0 {
			names = append(names, "…")
		}
		if len(names) > 0 && !(kind == "ip" && len(parts) > 1 && strings.HasPrefix(parts[1], "ip ")) {
			parts = append(parts, kind+" "+strings.Join(names, ", "))
		}
	}
	return strings.Join(parts, " · ")
}

// fill puts texts on as few lines as they need.
func fill(texts []string, width int) []string {
	var lines []string
	for _, t := range texts {
		if n := len(lines); n > 0 && utf8.RuneCountInString(lines[n-1])+2+utf8.RuneCountInString(t) <= width {
			lines[n-1] += "; " + t
			continue
		}
		lines = append(lines, t)
	}
	return lines
}

const clockForm = "2006-01-02 15:04:05"

func clock(t time.Time) string {
	if t.IsZero() {
		return "no time           "
	}
	return t.Format(clockForm) + "Z"
}

func (t *timeline) write(c *cli) {
	slices.SortStableFunc(t.order, func(a, b *story) int {
		if a.worst != b.worst {
			return b.worst - a.worst
		}
		if len(a.perRule) != len(b.perRule) {
			return len(b.perRule) - len(a.perRule)
		}
		if c := a.lines[0].time.Compare(b.lines[0].time); c != 0 {
			return c
		}
		return strings.Compare(a.kind+a.name, b.kind+b.name)
	})
	for _, s := range t.order {
		slices.SortStableFunc(s.lines, func(a, b storyLine) int {
			if c := a.time.Compare(b.time); c != 0 {
				return c
			}
			return levelRank(b.rule.Level) - levelRank(a.rule.Level)
		})
		name := clean(s.name)
		if name == "" {
			name = "no entity named"
		}
		hits := 0
		for _, n := range s.perRule {
			hits += n
		}
		head := plural(hits, "hit")
		if s.kind != "" {
			head = s.kind + ", " + head
		}
		fmt.Fprintf(c.out, "%s  (%s)\n", c.paint(bold, clip(name, 120)), head)
		if sum := s.ends(); sum != "" && len(s.lines) > 1 {
			fmt.Fprintf(c.out, "  %s\n", c.paint(dim, sum))
		}
		for _, l := range s.lines {
			level := l.rule.Level
			if level == "" {
				level = "-"
			}
			fmt.Fprintf(c.out, "  %s  %s  %s", clock(l.time), c.paint(levelColors[strings.ToLower(level)], fmt.Sprintf("%-13s", level)), clean(l.rule.Title))
			for _, e := range l.others {
				fmt.Fprintf(c.out, "  %s %s", c.paint(dim, e.Type), e.Value)
			}
			fmt.Fprintln(c.out)
			for _, m := range fill(l.matched, 120) {
				fmt.Fprintf(c.out, "      %s\n", c.paint(dim, m))
			}
			for _, step := range l.steps {
				fmt.Fprintf(c.out, "        %s\n", step)
			}
			if l.once != nil && l.once.Repeats > 0 {
				fmt.Fprintf(c.out, "      %s with the same key not raised (once)\n", plural(l.once.Repeats, "further hit"))
			}
			if l.more > 0 {
				fmt.Fprintf(c.out, "      … and %s more of this rule until %s (--all shows them)\n", number(l.more), clock(l.until))
			}
		}
		fmt.Fprintln(c.out)
	}
}
