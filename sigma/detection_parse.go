package sigma

import "gopkg.in/yaml.v3"

// parseDetection reads the section `detection` of a rule.
func parseDetection(l *loader, n *yaml.Node, doc *Document) {
	if entries, ok := l.mapping(n, "detection"); ok {
		doc.Detection = l.detection(l.pos(n), entries, "detection")
	}
}

// detection reads the selections and conditions among the entries of a
// mapping; what names the mapping in messages. A filter hands over its entries
// without `rules`.
func (l *loader) detection(at Pos, entries []entry, what string) *Detection {
	return &Detection{Pos: at}
}
