package pysigma

import "slices"

// Names returns the names of all transformations and conditions, also of those
// that are refused, each once.
func Names() []string {
	var out []string
	add := func(name string) {
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	for _, t := range transformations {
		add(t.name)
	}
	for _, table := range [][]conditionType{ruleConditions, itemConditions, nameConditions} {
		for _, c := range table {
			add(c.name)
		}
	}
	return out
}
