package sigma

import "gopkg.in/yaml.v3"

// condition reads one condition: names joined by and, or, not, parentheses and
// `N of pattern`. With legacy an aggregation may follow behind a pipe. It
// returns nil, with a finding, when the condition cannot be read. Names are not
// looked up here; see checkNames.
func (l *loader) condition(n *yaml.Node, legacy bool) *Condition {
	return nil
}
