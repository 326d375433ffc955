package sigma

import "gopkg.in/yaml.v3"

// parseFilter reads the section `filter` of a filter document.
func parseFilter(l *loader, n *yaml.Node, doc *Document) {
	doc.Filter = &Filter{Pos: l.pos(n)}
}
