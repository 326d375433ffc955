package sigma

import "gopkg.in/yaml.v3"

// ParseDetection reads selections and a condition that stand inside a file of
// another format. n is their mapping in that file, lines are the file's, for
// snippets. It returns nil where a finding is an error.
func ParseDetection(file string, lines []string, n *yaml.Node) (*Detection, Diagnostics) {
	l := &loader{file: file, lines: lines, native: true}
	entries, ok := l.mapping(n, "filter")
	if !ok {
		return nil, l.ds
	}
	d := l.detection(l.pos(n), entries, "filter")
	if l.ds.HasErrors() {
		return nil, l.ds
	}
	return d, l.ds
}
