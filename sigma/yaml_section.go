package sigma

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// A section is the table of the keys that a mapping may have. The parser reads
// by it, unknown keys are found by it, and the JSON Schema is printed from it.
type section[T any] struct {
	name string // as messages call the mapping
	keys []key[T]
	// custom takes a key that the table does not know, after the warning. Nil:
	// an unknown key is an error.
	custom func(l *loader, e entry, into *T)
}

// A key is one line of a section's table.
type key[T any] struct {
	name     string
	native   bool // only in documents that say `rulewright: 1`
	alters   bool // native, and to ignore it would change what the rule does
	whole    bool // an empty one is an error, not absent
	required bool
	shape    shape
	doc      string // one line, for the schema and the reference page
	// read takes the value. It is not called for a value that is null, unless
	// the shape says so.
	read func(l *loader, n *yaml.Node, into *T)
}

// shape is the form of a value, as the schema prints it. What it cannot say
// the key's read function checks.
type shape struct {
	kind   shapeKind
	values []string // shapeText: the only ones allowed, if any
	// pattern is the form of a text as a regular expression, if it has one.
	pattern string
	// elem is the entry of a list or oneOrMany, or the value behind each key
	// of a free mapping.
	elem *shape
	// fields lists the keys of a mapping; nil for a free one.
	fields func() []field
	// variants lists the keys of a mapping by the value of one of them.
	variants func() []variant
	// custom: a mapping keeps keys that are not in fields.
	custom bool
	// alt is another form that the value may have.
	alt *shape
	// null: the value may be null, and read is called for it.
	null bool
}

type shapeKind int

const (
	shapeAny shapeKind = iota
	shapeText
	shapeUUID
	shapeDate
	shapeTimespan
	shapeInt
	shapeNumber
	shapeBool
	shapeList
	shapeOneOrMany // a list, or one entry without it
	shapeMapping
	shapePlaceholder // `%name%`; in native documents only
	shapeDetection   // selections and a condition
	shapeVersion     // the number 1 of a format
)

// variant is the form of a mapping whose key has the value.
type variant struct {
	key, value string
	doc        string
	native     bool
	fields     []field
}

// field is a key without its types, for the schema.
type field struct {
	name     string
	native   bool
	required bool
	shape    shape
	doc      string
}

// fields returns the section's keys for the schema.
func (s *section[T]) fields() []field {
	out := make([]field, len(s.keys))
	for i, k := range s.keys {
		out[i] = field{k.name, k.native, k.required, k.shape, k.doc}
	}
	return out
}

// names returns the section's keys; native ones only in a native document.
func (s *section[T]) names(native bool) []string {
	var out []string
	for _, k := range s.keys {
		if native || !k.native {
			out = append(out, k.name)
		}
	}
	return out
}

func (s *section[T]) lookup(name string) *key[T] {
	for i := range s.keys {
		if s.keys[i].name == name {
			return &s.keys[i]
		}
	}
	return nil
}

// read reads a mapping by the table. It returns false when n is no mapping;
// all else that is wrong is a finding only.
func (s *section[T]) read(l *loader, n *yaml.Node, into *T) bool {
	entries, ok := l.mapping(n, s.name)
	if !ok {
		return false
	}
	s.readEntries(l, l.pos(n), entries, into)
	return true
}

// readEntries is read for entries already at hand; at is the mapping's place.
func (s *section[T]) readEntries(l *loader, at Pos, entries []entry, into *T) {
	for _, k := range s.keys {
		if !k.required || k.native && !l.native {
			continue
		}
		found := false
		for _, e := range entries {
			found = found || e.name == k.name && (k.shape.null || !isNull(e.value))
		}
		if !found {
			l.errorf(at, CodeMissingKey, "add the key "+k.name, "%s lacks %s", s.name, k.name)
		}
	}
	for _, e := range entries {
		k := s.lookup(e.name)
		switch {
		case k == nil || k.native && !l.native:
			s.unknown(l, e, k, into)
		case isNull(e.value) && !k.shape.null:
			switch {
			case k.required:
			case k.whole:
				l.errorf(l.pos(e.key), CodeMissingKey, "write what belongs below it", "%s is empty", k.name)
			default:
				l.warnf(l.pos(e.key), CodeType, "give it a value or leave it out", "%s is empty and counts as absent", k.name)
			}
		default:
			k.read(l, e.value, into)
		}
	}
}

func (s *section[T]) unknown(l *loader, e entry, k *key[T], into *T) {
	at := l.pos(e.key)
	switch {
	case k != nil && s.custom != nil && !k.alters:
		l.warnf(at, CodeNativeOnly, "add `rulewright: 1` at the top to make it one", "%s means something in native documents only; here it is a custom attribute", show(e.name))
	case k != nil:
		l.errorf(at, CodeNativeOnly, "add `rulewright: 1` at the top", "%s may have %s in native documents only", s.name, show(e.name))
		return
	case s.custom != nil:
		l.warnf(at, CodeUnknownKey, NearestHint(e.name, s.names(l.native), ""), "%s has no key %s; it is kept as a custom attribute", s.name, show(e.name))
	default:
		l.errorf(at, CodeUnknownKey, NearestHint(e.name, s.names(l.native), "the keys are "+strings.Join(s.names(l.native), ", ")), "%s has no key %s", s.name, show(e.name))
		return
	}
	s.custom(l, e, into)
}

// Shapes and read functions for the usual keys.

func textShape(values ...string) shape { return shape{kind: shapeText, values: values} }
func listOf(elem shape) shape          { return shape{kind: shapeList, elem: &elem} }
func oneOrManyOf(elem shape) shape     { return shape{kind: shapeOneOrMany, elem: &elem} }
func mappingOf(fields func() []field) shape {
	return shape{kind: shapeMapping, fields: fields}
}

// textKey is a key with any text.
func textKey[T any](name, doc string, at func(*T) *string) key[T] {
	return key[T]{name: name, doc: doc, shape: textShape(), read: func(l *loader, n *yaml.Node, into *T) {
		if s, ok := l.text(n, name); ok {
			*at(into) = s
		}
	}}
}

// textsKey is a key with a list of texts, or one text.
func textsKey[T any](name, doc string, at func(*T) *[]string) key[T] {
	return key[T]{name: name, doc: doc, shape: oneOrManyOf(textShape()), read: func(l *loader, n *yaml.Node, into *T) {
		*at(into) = l.texts(n, name)
	}}
}

// oneOfKey is a key with one of a few texts.
func oneOfKey[T any](name, doc string, code Code, allowed []string, at func(*T) *string) key[T] {
	return key[T]{name: name, doc: doc, shape: textShape(allowed...), read: func(l *loader, n *yaml.Node, into *T) {
		if s, ok := l.oneOf(n, name, code, allowed); ok {
			*at(into) = s
		}
	}}
}

// timespanKey is a key with a timespan.
func timespanKey[T any](name, doc string, at func(*T) *Timespan) key[T] {
	return key[T]{name: name, doc: doc, shape: shape{kind: shapeTimespan}, read: func(l *loader, n *yaml.Node, into *T) {
		if t, ok := l.timespan(n, name); ok {
			*at(into) = t
		}
	}}
}

// natively marks keys as those of native documents.
func natively[T any](keys ...key[T]) []key[T] {
	for i := range keys {
		keys[i].native = true
	}
	return keys
}

// needed marks a key as one that must be there.
func needed[T any](k key[T]) key[T] {
	k.required = true
	return k
}
