package ir

import (
	"fmt"
	"strconv"
	"strings"
)

// PrintCorrelation writes a correlation as indented text, for goldens and
// people: what it asks for, then its inputs with the fields that it reads of
// each. Inputs are numbered from 0, which is how conditions name them. A tapped
// rule is named by its source, a tapped correlation by its title.
func PrintCorrelation(c *Correlation) string {
	var b strings.Builder
	line := func(depth int, format string, args ...any) {
		fmt.Fprintf(&b, "%s"+format+"\n", append([]any{strings.Repeat("  ", depth)}, args...)...)
	}
	names := func(depth int, what string, names []string) {
		if len(names) > 0 {
			quoted := make([]string, len(names))
			for i, n := range names {
				quoted[i] = strconv.Quote(n)
			}
			line(depth, "%s %s", what, strings.Join(quoted, " "))
		}
	}
	length := func(what string, us int64) {
		if us != 0 {
			line(1, "%s %s", what, LengthText(us))
		}
	}
	number := func(what string, f float64) {
		if f != 0 {
			line(1, "%s %s", what, strconv.FormatFloat(f, 'f', -1, 64))
		}
	}
	line(0, "correlation %s", c.Type)
	names(1, "group-by", c.GroupBy)
	names(1, "counted", c.Counted)
	length("span", c.Span)
	length("lookback", c.Lookback)
	length("silence", c.Silence)
	length("against", c.Against)
	number("percentile", c.Percentile)
	number("min-history", float64(c.MinHistory))
	number("factor", c.Factor)
	number("difference", c.Difference)
	number("minimum", c.Minimum)
	if c.Zone != "" {
		line(1, "zone %s", c.Zone)
	}
	if len(c.Bounds) > 0 {
		line(1, "%s", boundsText(c.Bounds))
	}
	if c.Combination != nil {
		line(1, "%s", combinationText(c.Combination))
	}
	for _, n := range c.Counts {
		line(1, "count of %d %s", n.Input, boundsText(n.Bounds))
	}
	if c.Ratio != nil {
		line(1, "ratio of %d to %d gte %s", c.Ratio.Of, c.Ratio.To, strconv.FormatFloat(c.Ratio.GTE, 'f', -1, 64))
	}
	if c.Generate {
		line(1, "generate")
	}
	for i, in := range c.Inputs {
		line(1, "input %d %s", i, strconv.Quote(in.Ref))
		for _, t := range in.Taps {
			line(2, "tap %s", tapText(t.Rule))
			for _, of := range []struct {
				what   string
				fields []Field
			}{{"group-by", t.GroupBy}, {"counted", t.Counted}} {
				if len(of.fields) > 0 {
					specs := make([]string, len(of.fields))
					for i, f := range of.fields {
						specs[i] = f.Spec()
					}
					line(3, "%s %s", of.what, strings.Join(specs, " "))
				}
			}
		}
	}
	return b.String()
}

func tapText(r *Rule) string {
	if r == nil {
		return "(nil)"
	}
	if r.Correlation != nil {
		return "correlation " + strconv.Quote(r.Meta.Title)
	}
	if source := strings.TrimSpace(r.Source.Form + " " + r.Source.Table); source != "" {
		return source
	}
	return "any source"
}

func boundsText(bs []Bound) string {
	out := make([]string, len(bs))
	for i, b := range bs {
		out[i] = string(b.Op) + " " + b.Value.String()
	}
	return strings.Join(out, " ")
}

func combinationText(c Combination) string {
	group := func(head string, xs []Combination) string {
		for _, x := range xs {
			head += " " + combinationText(x)
		}
		return "(" + head + ")"
	}
	switch c := c.(type) {
	case *AllOf:
		return group("all", c.X)
	case *OneOf:
		return group("one", c.X)
	case *NoneOf:
		return group("none", []Combination{c.X})
	case Occurs:
		return strconv.Itoa(int(c))
	}
	panic(fmt.Sprintf("ir: unknown combination %T", c))
}

// LengthText writes a length of time in microseconds as a number and the
// largest unit of us, s, m, h and d that it is a multiple of.
func LengthText(us int64) string {
	units := []struct {
		name string
		us   int64
	}{{"d", 86400e6}, {"h", 3600e6}, {"m", 60e6}, {"s", 1e6}}
	for _, u := range units {
		if us%u.us == 0 {
			return strconv.FormatInt(us/u.us, 10) + u.name
		}
	}
	return strconv.FormatInt(us, 10) + "us"
}
