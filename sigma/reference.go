package sigma

import (
	"iter"
	"slices"
	"strings"
)

// What a reference means is decided here: of correlations and filters to their
// rules, of overrides, fixtures and callers alike. It is an id, which as a UUID
// is the same in any case, or a name, which is taken as it is written.

// IsCalled reports whether a reference by id or name means the document.
func (m *Meta) IsCalled(ref string) bool {
	return ref != "" && (ref == m.Name || FoldID(ref) == FoldID(m.ID))
}

// FoldID returns an id as ids are compared.
func FoldID(id string) string {
	if !strings.ContainsFunc(id, func(r rune) bool { return r >= 'A' && r <= 'Z' }) {
		return id
	}
	b := []byte(id)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// IsUUID reports whether s is a UUID: hexadecimal digits in either case, 8, 4, 4,
// 4 and 12 of them with hyphens between, and nothing around them.
func IsUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
				return false
			}
		}
	}
	return true
}

// References finds the documents that references mean. The zero value holds no
// documents; once they are added it may be read concurrently.
type References struct{ byID, byName map[string][]*Document }

// NewReferences returns References to documents.
func NewReferences(docs ...*Document) *References {
	var rs References
	for _, d := range docs {
		rs.Add(d)
	}
	return &rs
}

// Add adds a document; nil is none.
func (rs *References) Add(d *Document) {
	if d == nil {
		return
	}
	if rs.byID == nil {
		rs.byID, rs.byName = map[string][]*Document{}, map[string][]*Document{}
	}
	if id := FoldID(d.Meta.ID); id != "" {
		rs.byID[id] = append(rs.byID[id], d)
	}
	if name := d.Meta.Name; name != "" {
		rs.byName[name] = append(rs.byName[name], d)
	}
}

// Find returns the documents that a reference means: one, where ids and names
// are given once.
func (rs *References) Find(ref string) iter.Seq[*Document] {
	return func(yield func(*Document) bool) {
		id := FoldID(ref)
		for _, d := range rs.byID[id] {
			if !yield(d) {
				return
			}
		}
		for _, d := range rs.byName[ref] {
			if (id == "" || FoldID(d.Meta.ID) != id) && !yield(d) {
				return
			}
		}
	}
}

// First returns the first of the documents that a reference means, or nil.
func (rs *References) First(ref string) *Document {
	for d := range rs.Find(ref) {
		return d
	}
	return nil
}

// Known returns the ids, folded, and names of the documents, sorted.
func (rs *References) Known() []string {
	var out []string
	for id := range rs.byID {
		out = append(out, id)
	}
	for name := range rs.byName {
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Behind returns the documents that a correlation refers to, and those that they
// refer to; without the correlation itself.
func (rs *References) Behind(doc *Document) []*Document {
	var out []*Document
	seen := map[*Document]bool{doc: true}
	queue := []*Document{doc}
	for len(queue) > 0 {
		d := queue[0]
		queue = queue[1:]
		if d.Correlation == nil {
			continue
		}
		for _, r := range d.Correlation.Rules {
			for x := range rs.Find(r.Name) {
				if !seen[x] {
					seen[x] = true
					out, queue = append(out, x), append(queue, x)
				}
			}
		}
	}
	return out
}
