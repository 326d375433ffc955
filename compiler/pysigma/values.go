package pysigma

import (
	"github.com/rulewright/rulewright/sigma"
)

// Limits of what a step makes of values.
const (
	maxValues    = 50_000   // of one item
	maxValueFile = 10 << 20 // of a file with values
)

// valueStep is a transformation of each value that has one of some kinds. f
// returns what stands in the value's place, and false to leave it.
func valueStep(f func(s *stepRun, it *sigma.Item, v sigma.Value, k kind, parts []sigma.Part) ([]newValue, bool)) transformation {
	return transformation{item: func(s *stepRun, it *sigma.Item, _ string) ([]conjunction, bool) {
		var values []newValue
		touched, same := false, true
		for _, v := range it.Values {
			k, parts := view(it, v)
			out, ok := f(s, it, v, k, parts)
			if k == kindText {
				v = textValue(v.Position(), parts)
			}
			if !ok {
				values = append(values, newValue{value: v})
				continue
			}
			touched = true
			same = same && len(out) == 1 && !out[0].re && sameValue(out[0].value, v) && k != kindOther
			values = append(values, out...)
			if len(values) > maxValues {
				s.errorf(it.Pos, sigma.CodeLimit, "", "%s turns this into more than %d values", s.step, maxValues)
				return nil, false
			}
		}
		switch {
		case !touched:
			return nil, false
		case same:
			s.mark(it, it)
			return nil, false
		case len(values) == 0:
			s.errorf(it.Pos, sigma.CodeEmptyList, "drop the item with drop_detection_item", "%s leaves no value", s.step)
			return nil, false
		}
		alts := withValues(it, values)
		for _, items := range alts {
			for _, n := range items {
				s.mark(it, n)
			}
		}
		return alts, true
	}}
}

// textStep is a valueStep on texts only.
func textStep(f func(s *stepRun, it *sigma.Item, pos sigma.Pos, parts []sigma.Part) ([]newValue, bool)) transformation {
	return valueStep(func(s *stepRun, it *sigma.Item, v sigma.Value, k kind, parts []sigma.Part) ([]newValue, bool) {
		if k != kindText {
			return nil, false
		}
		return f(s, it, v.Position(), parts)
	})
}

func oneText(pos sigma.Pos, parts []sigma.Part) []newValue {
	return []newValue{{value: textValue(pos, parts)}}
}
