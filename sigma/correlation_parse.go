package sigma

import "gopkg.in/yaml.v3"

// parseCorrelation reads the section `correlation`.
func parseCorrelation(l *loader, n *yaml.Node, doc *Document) {
	doc.Correlation = &Correlation{Pos: l.pos(n)}
}
