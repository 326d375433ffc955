package sentinel

import "strings"

// watchlist checks a template with the values of a parameter.
func (v *validator) watchlist(n *node) {
	p := n.get("properties")
	v.name(p.get("displayName"))
	key := p.get("itemsSearchKey").text()
	header, rows, _ := strings.Cut(p.get("rawContent").text(), "\n")
	switch {
	case !isIdentifier(key) || strings.TrimSpace(header) != key:
		v.add(p, "watchlist", "the search key %q is no column", key)
	case strings.TrimSpace(rows) == "":
		v.add(p, "watchlist", "there is no row")
	}
	if e, ok := n.get("name").value.(expression); !ok || !strings.Contains(e.arm, "/Microsoft.SecurityInsights/") {
		v.add(n, "watchlist", "the name does not hold the alias")
	}
	if len(p.get("rawContent").text()) > maxWatchlist {
		v.add(p, "watchlist", "the content has more than %d bytes", maxWatchlist)
	}
	for _, k := range []string{"provider", "source", "contentType"} {
		if p.get(k).text() == "" {
			v.add(p, "watchlist", "%s is missing", k)
		}
	}
}
