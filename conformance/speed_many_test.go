package conformance_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/sigma"
)

// TestManyRulesSpeed measures what an event costs with ten times the rules: with
// copies that have another id and title, and with copies that also look for
// other texts, which are rules that ask what no other asks.
func TestManyRulesSpeed(t *testing.T) {
	if *speed == 0 {
		t.Skip("no -speed given")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	events := speedEvents()[:2*speedBlock]
	docs := speedDocs(t)
	const many = 30_000
	copies := func(change func(text string, copy int) string) []*sigma.Document {
		out := slices.Clone(docs)
		for n := 1; len(out) < many; n++ {
			for _, d := range docs[:min(len(docs), many-len(out))] {
				out = append(out, renamed(d, n, change))
			}
		}
		return out
	}
	type load struct {
		name  string
		rules *compiler.RuleSet
		hits  int
		times []float64
	}
	loads := []*load{
		{name: "the rules", rules: speedSet(t, docs, compiler.RuleSetOptions{})},
		{name: "with renamed copies", rules: speedSet(t, copies(nil), compiler.RuleSetOptions{})},
		{name: "with copies that look for other texts", rules: speedSet(t, copies(func(text string, copy int) string {
			if len(text) < 4 {
				return text
			}
			return fmt.Sprintf("%s%c%d%s", text[:len(text)/2], 'g'+rune(copy), copy, text[len(text)/2:])
		}), compiler.RuleSetOptions{})},
	}
	run := func(l *load, events []workloadEvent) {
		l.hits = 0
		for i := range events {
			hits, err := l.rules.Match(events[i].JSON)
			if err != nil {
				t.Fatal(err)
			}
			l.hits += len(hits)
		}
	}
	for _, l := range loads {
		run(l, events) // compiles what these events meet
		fmt.Printf("%s: %d rules, %.3f hits an event\n", l.name, len(l.rules.Rules()), float64(l.hits)/float64(len(events)))
	}
	for round := range *speed {
		runtime.GC()
		for _, l := range loads {
			l.times = append(l.times, 0)
		}
		for block := range slices.Chunk(events, speedBlock/4) {
			for _, l := range loads {
				from := cpuTime()
				run(l, block)
				l.times[round] += float64(cpuTime()-from) / float64(len(events)) / 1000
			}
		}
	}
	for _, l := range loads {
		ratios := make([]float64, *speed)
		for r := range ratios {
			ratios[r] = l.times[r] / loads[0].times[r]
		}
		fmt.Printf("%-40s %8.2f us an event, %.2f of the rules alone (%.2f to %.2f)\n", l.name, median(l.times), median(ratios), quantile(ratios, 0.25), quantile(ratios, 0.75))
	}
}

// renamed returns a copy of a rule; change, if any, is made to its texts.
func renamed(d *sigma.Document, n int, change func(text string, copy int) string) *sigma.Document {
	c := *d
	c.Meta.Name, c.Meta.Title = "", fmt.Sprintf("%s, copy %d", d.Meta.Title, n)
	if id := d.Meta.ID; len(id) > 23 { // a UUID
		c.Meta.ID = id[:19] + fmt.Sprintf("%04x", n) + id[23:]
	}
	if change != nil && d.Detection != nil {
		det := *d.Detection
		det.Selections = nil
		for _, s := range d.Detection.Selections {
			s := *s
			if strings.HasPrefix(s.Name, "selection") { // what is left out by others stays so
				s.Body = withTexts(s.Body, func(text string) string { return change(text, n) })
			}
			det.Selections = append(det.Selections, &s)
		}
		c.Detection = &det
	}
	return &c
}

// withTexts returns a copy of a block with other literals in its texts.
func withTexts(b sigma.Block, change func(string) string) sigma.Block {
	switch b := b.(type) {
	case *sigma.AllOf:
		c := *b
		c.Items = nil
		for _, it := range b.Items {
			c.Items = append(c.Items, withTexts(it, change).(*sigma.Item))
		}
		return &c
	case *sigma.AnyOf:
		c := *b
		c.Blocks = nil
		for _, x := range b.Blocks {
			c.Blocks = append(c.Blocks, withTexts(x, change))
		}
		return &c
	case *sigma.Item:
		if b.Has(sigma.ModRe) || b.Has(sigma.ModCIDR) || b.Has(sigma.ModFieldRef) || b.Block != nil {
			return b
		}
		c := *b
		c.Values = nil
		for _, v := range b.Values {
			if s, ok := v.(sigma.String); ok {
				s.Parts = slices.Clone(s.Parts)
				for i := range s.Parts {
					if p := &s.Parts[i]; p.Kind == sigma.Literal {
						p.Text = change(p.Text)
					}
				}
				v = s
			}
			c.Values = append(c.Values, v)
		}
		return &c
	}
	return b
}
