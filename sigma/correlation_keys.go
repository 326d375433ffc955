package sigma

import (
	"math"
	"strings"

	"gopkg.in/yaml.v3"
)

func ptr[T any](v T) *T { return &v }

func boolKey[T any](name, doc string, at func(*T) *bool) key[T] {
	return key[T]{name: name, doc: doc, shape: shape{kind: shapeBool}, read: func(l *loader, n *yaml.Node, into *T) {
		if b, ok := l.boolean(n, name); ok {
			*at(into) = b
		}
	}}
}

// numericKey is a key with a number that is not negative.
func numericKey[T any](name, doc string, at func(*T) **Numeric) key[T] {
	return key[T]{name: name, doc: doc, shape: shape{kind: shapeNumber}, read: func(l *loader, n *yaml.Node, into *T) {
		num, ok := l.number(n, name)
		switch {
		case !ok:
		case !finite(num) || numericFloat(num) < 0:
			l.errorf(l.pos(n), CodeBadValue, "", "%s must be a number of at least 0", name)
		default:
			*at(into) = &num
		}
	}}
}

// fieldsKey is a key with field names, or one.
func fieldsKey[T any](name, doc string, at func(*T) *[]Field) key[T] {
	return key[T]{name: name, doc: doc, shape: oneOrManyOf(textShape()), read: func(l *loader, n *yaml.Node, into *T) {
		*at(into) = l.fieldList(n, name)
	}}
}

// fieldList reads field names, each of them once.
func (l *loader) fieldList(n *yaml.Node, what string) []Field {
	return eachOnce(l, n, what, "field", "name a field, or leave the key out", l.field, func(f Field) string { return f.Name }, func(f Field) {
		l.warnf(f.Pos, CodeBadValue, "leave it out", "%s names the field %s twice", what, show(f.Name))
	})
}

// referencesKey is a key with ids or names of rules, or one.
func referencesKey[T any](name, doc string, at func(*T) *[]Reference) key[T] {
	return key[T]{name: name, doc: doc, shape: oneOrManyOf(textShape()), read: func(l *loader, n *yaml.Node, into *T) {
		*at(into) = l.references(n, name)
	}}
}

// references reads ids or names of rules, each of them once.
func (l *loader) references(n *yaml.Node, what string) []Reference {
	return eachOnce(l, n, what, "rule", "name a rule by its id or name", l.reference, func(r Reference) string { return r.Name }, func(r Reference) {
		l.errorf(r.Pos, CodeBadValue, "name it once", "%s names the rule %s twice", what, show(r.Name))
	})
}

// eachOnce reads a list of names, or one: of nouns, of which hint says what to
// do where there is none. Those that are there again are told to twice.
func eachOnce[T any](l *loader, n *yaml.Node, what, noun, hint string, read func(*yaml.Node, string) (T, bool), name func(T) string, twice func(T)) []T {
	items, ok := l.oneOrMany(n, what)
	if !ok {
		return nil
	}
	if len(items) == 0 {
		l.errorf(l.pos(n), CodeEmptyList, hint, "%s names no %s", what, noun)
	}
	var out []T
	seen := make(map[string]bool, len(items))
	for _, it := range items {
		x, ok := read(it, "an entry of "+what)
		switch {
		case !ok:
		case seen[name(x)]:
			twice(x)
		default:
			seen[name(x)] = true
			out = append(out, x)
		}
	}
	return out
}

func (l *loader) reference(n *yaml.Node, what string) (Reference, bool) {
	s, ok := l.text(n, what)
	if ok && strings.TrimSpace(s) == "" {
		l.errorf(l.pos(n), CodeBadValue, "name a rule by its id or name", "%s is empty", what)
		return Reference{}, false
	}
	return Reference{l.pos(n), s}, ok
}

// readAliases reads `alias: {rule: field, …}`.
func readAliases(l *loader, n *yaml.Node, c *Correlation) {
	entries, _ := l.mapping(n, "aliases")
	for _, e := range entries {
		a := Alias{Pos: l.pos(e.key), Name: e.name}
		if e.name == "" {
			l.errorf(a.Pos, CodeField, "", "an alias has no name")
		}
		fields, _ := l.mapping(e.value, "the alias "+e.name)
		for _, fe := range fields {
			if f, ok := l.field(fe.value, "the field behind an alias"); ok {
				a.Fields = append(a.Fields, AliasField{Reference{l.pos(fe.key), fe.name}, f})
			}
		}
		c.Aliases = append(c.Aliases, a)
	}
}

// Conditions.

func numericFloat(n Numeric) float64 {
	if n.IsInt {
		return float64(n.Int)
	}
	return n.Float
}

func finite(n Numeric) bool {
	f := numericFloat(n)
	return !math.IsInf(f, 0) && !math.IsNaN(f)
}
