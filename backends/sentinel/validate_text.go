package sentinel

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/rulewright/rulewright/sigma"
)

func (v *validator) unique(n *node, check string, seen map[string]string, value string) {
	if at, ok := seen[strings.ToLower(value)]; ok {
		v.add(n, check, "%s is in %s too", value, at)
	}
	seen[strings.ToLower(value)] = v.file
}

func (v *validator) id(n *node) {
	if !sigma.IsUUID(n.text()) {
		v.add(n, "id", "%q is no GUID", n.text())
		return
	}
	v.unique(n, "id", v.ids, n.text())
}

func (v *validator) name(n *node) {
	if c := utf8.RuneCountInString(n.text()); c == 0 || c > maxName {
		v.add(n, "name", "the name has %d characters; 1 to %d are taken", c, maxName)
		return
	}
	v.unique(n, "name", v.names, n.text())
}

func (v *validator) version(n *node) {
	s := n.text()
	parts := strings.Split(s, ".")
	for _, p := range parts {
		if p == "" || strings.Trim(p, "0123456789") != "" {
			parts = nil
			break
		}
	}
	if len(parts) != 3 || len(s) > maxVersion {
		v.add(n, "version", "%q is no version a.b.c of at most %d characters", s, maxVersion)
	}
}

func (v *validator) description(n *node) {
	if c := utf8.RuneCountInString(n.text()); c == 0 || c > maxDescription {
		v.add(n, "description", "the description has %d characters; 1 to %d are taken", c, maxDescription)
	}
}

func (v *validator) query(n *node) queryFacts {
	text := n.text()
	if c := utf8.RuneCountInString(text); c == 0 || c > maxQuery {
		v.add(n, "query-length", "the query has %d characters; 1 to %d are taken", c, maxQuery)
	}
	bare, _ := bareKQL(text)
	flat := strings.Join(strings.Fields(string(bare)), " ")
	for _, bad := range []string{"search *", "union *", "cluster(", "adx("} {
		if i := strings.Index(flat, bad); i >= 0 && (i == 0 || !isWordByte(flat[i-1])) {
			v.add(n, "query-scope", "the query says %s", bad)
		}
	}
	return readQuery(text)
}

func (v *validator) attack(n *node, ts, techs []string, parentsOnly bool) {
	named := map[string]bool{}
	for _, t := range ts {
		if !slices.Contains(tactics, t) {
			v.add(n, "attack", "%q is no tactic", t)
		}
		if named[t] {
			v.add(n, "attack", "%s stands twice", t)
		}
		named[t] = true
	}
	for _, t := range techs {
		of := techniques()[t]
		switch {
		case !isTechnique(t) || t != strings.ToUpper(t) || of == nil:
			v.add(n, "attack", "%q is no technique of ATT&CK %s", t, ATTACKVersion)
		case parentsOnly && strings.Contains(t, "."):
			v.add(n, "attack", "%s is a sub-technique, which this interface does not take", t)
		case !slices.ContainsFunc(of, func(x string) bool { return named[x] }):
			v.add(n, "attack", "%s serves none of the tactics named", t)
		}
	}
}
