package sigma

import (
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// A blockReader reads the YAML that nearly all rules are written in, many times
// faster than yaml.v3: block mappings and lists, plain and quoted scalars of one
// line, literal blocks, comments. It gives up on all else (flow collections,
// anchors, tags, tabs, scalars over several lines …) and on all that may be
// wrong, which is left to yaml.v3 to read or to refuse. What it reads is what
// yaml.v3 reads, but for comments, which no rule needs in its nodes.
type blockReader struct {
	text  string
	ascii bool

	// The line at hand: its number, where it starts and ends (without the line
	// break) and, of what is still to be read of it, the first byte and its
	// column, both counted from 0.
	line, from, end int
	at, indent      int
	done            bool // there is no line any more

	slab  []yaml.Node
	stack []*yaml.Node // children of what is being read
	depth int
}

const (
	maxBlockDepth = 200
	// maxBlockKey is how long a key may be that has no question mark in front.
	maxBlockKey = 1000
)

// readBlocks returns the root of a document; ok is false where yaml.v3 has to
// read it.
func readBlocks(text string) (root *yaml.Node, ok bool) {
	if strings.ContainsAny(text, "\t\r") {
		return nil, false
	}
	r := &blockReader{text: text, ascii: true, line: -1, end: -1}
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			r.ascii = false
			break
		}
	}
	if !r.ascii && (strings.Contains(text, "\u0085") || strings.Contains(text, "\u2028") || strings.Contains(text, "\u2029") || strings.Contains(text, "\ufeff")) {
		return nil, false // other line breaks
	}
	if r.next(); !r.done && r.text[r.from:r.end] == "---" {
		r.next()
	}
	if r.done {
		return nil, false
	}
	root = r.block()
	return root, root != nil && r.done
}

// next goes to the next line that holds more than a comment.
func (r *blockReader) next() {
	for {
		r.line++
		r.from = r.end + 1
		if r.from >= len(r.text) {
			r.done = true
			return
		}
		r.end = len(r.text)
		if n := strings.IndexByte(r.text[r.from:], '\n'); n >= 0 {
			r.end = r.from + n
		}
		r.at = r.from
		for r.at < r.end && r.text[r.at] == ' ' {
			r.at++
		}
		r.indent = r.at - r.from
		if r.at < r.end && r.text[r.at] != '#' {
			return
		}
	}
}

// node makes a node at a place of the line at hand.
func (r *blockReader) node(kind yaml.Kind, tag, value string, style yaml.Style, at int) *yaml.Node {
	if len(r.slab) == 0 {
		r.slab = make([]yaml.Node, 32)
	}
	n := &r.slab[0]
	r.slab = r.slab[1:]
	n.Kind, n.Tag, n.Value, n.Style = kind, tag, value, style
	n.Line, n.Column = r.line+1, r.column(at)+1
	return n
}

func (r *blockReader) column(at int) int {
	if r.ascii {
		return at - r.from
	}
	return utf8.RuneCountInString(r.text[r.from:at])
}

// isEntry reports whether an entry of a list begins at a place.
func (r *blockReader) isEntry(at int) bool {
	return r.text[at] == '-' && (at+1 >= r.end || r.text[at+1] == ' ')
}

// block reads the list or mapping that begins at the place at hand. It returns
// nil where it gives up, as all that reads nodes does.
func (r *blockReader) block() *yaml.Node {
	if r.depth++; r.depth > maxBlockDepth {
		return nil
	}
	defer func() { r.depth-- }()
	if r.isEntry(r.at) {
		return r.list()
	}
	return r.mapping()
}

// finish gives a list or mapping the children that were read since first.
func (r *blockReader) finish(n *yaml.Node, first int) *yaml.Node {
	n.Content = slices.Clone(r.stack[first:])
	r.stack = r.stack[:first]
	return n
}

// list reads the entries of a list that begin in the column at hand.
func (r *blockReader) list() *yaml.Node {
	indent, first := r.indent, len(r.stack)
	n := r.node(yaml.SequenceNode, "!!seq", "", 0, r.at)
	for {
		dash := r.at
		r.skip(dash + 1)
		var child *yaml.Node
		switch {
		case r.at == r.end:
			child = r.below(indent, dash+1, false)
		case r.isEntry(r.at):
			return nil // a list in a list, in one line
		case r.isKey():
			child = r.block()
		default:
			child = r.scalar(indent)
		}
		if child == nil {
			return nil
		}
		r.stack = append(r.stack, child)
		if r.done || r.indent < indent || r.indent == indent && !r.isEntry(r.at) {
			return r.finish(n, first)
		}
		if r.indent > indent {
			return nil
		}
	}
}

// mapping reads the keys of a mapping that begin in the column at hand.
func (r *blockReader) mapping() *yaml.Node {
	indent, first := r.indent, len(r.stack)
	n := r.node(yaml.MappingNode, "!!map", "", 0, r.at)
	for {
		key, colon := r.key()
		if key == nil {
			return nil
		}
		r.stack = append(r.stack, key)
		r.skip(colon + 1)
		var child *yaml.Node
		if r.at == r.end {
			child = r.below(indent, colon+1, true)
		} else {
			child = r.scalar(indent)
		}
		if child == nil {
			return nil
		}
		r.stack = append(r.stack, child)
		if r.done || r.indent < indent {
			return r.finish(n, first)
		}
		if r.indent > indent || r.isEntry(r.at) {
			return nil
		}
	}
}

// skip goes over blanks, and to the end of the line if only a comment follows.
func (r *blockReader) skip(at int) {
	r.at = at
	for r.at < r.end && r.text[r.at] == ' ' {
		r.at++
	}
	if r.at < r.end && r.text[r.at] == '#' && r.at > at {
		r.at = r.end
	}
	r.indent = r.column(r.at)
}

// below reads what stands in the lines below a key or the dash of an entry, null
// if nothing does; at is the place behind the colon or dash.
func (r *blockReader) below(indent, at int, isKey bool) *yaml.Node {
	null := r.node(yaml.ScalarNode, "!!null", "", 0, at)
	r.next()
	switch {
	case r.done || r.indent < indent:
		return null
	case r.indent > indent:
		if !r.isEntry(r.at) && !r.isKey() {
			return nil // a scalar
		}
		return r.block()
	case isKey && r.isEntry(r.at):
		return r.block() // entries in the column of their key
	}
	return null
}

// isKey reports whether a key begins at the place at hand.
func (r *blockReader) isKey() bool {
	return r.colon() >= 0
}

// colon returns the place of the colon behind the key at hand, or -1.
func (r *blockReader) colon() int {
	at := r.at
	if c := r.text[at]; c == '\'' || c == '"' {
		_, at = r.quoted(at)
		if at < 0 || at >= r.end || r.text[at] != ':' {
			return -1
		}
	} else {
		for ; ; at++ {
			n := strings.IndexByte(r.text[at:r.end], ':')
			if n < 0 {
				return -1
			}
			if at += n; at+1 == r.end || r.text[at+1] == ' ' {
				break
			}
		}
	}
	if at+1 < r.end && r.text[at+1] != ' ' {
		return -1
	}
	return at
}

// key reads the key at hand; colon is the place of the colon behind it.
func (r *blockReader) key() (key *yaml.Node, colon int) {
	if colon = r.colon(); colon < 0 || colon-r.at > maxBlockKey {
		return nil, 0
	}
	if c := r.text[r.at]; c == '\'' || c == '"' {
		value, _ := r.quoted(r.at)
		return r.node(yaml.ScalarNode, "!!str", value, quoteStyle(c), r.at), colon
	}
	value := r.text[r.at:colon]
	if !r.isPlain(r.at, colon) || strings.Contains(value, " #") || value[len(value)-1] == ' ' {
		return nil, 0
	}
	return r.plain(value), colon
}

func quoteStyle(quote byte) yaml.Style {
	if quote == '"' {
		return yaml.DoubleQuotedStyle
	}
	return yaml.SingleQuotedStyle
}

// isPlain reports whether a plain scalar may begin at a place.
func (r *blockReader) isPlain(at, end int) bool {
	if at >= end || r.indent == 0 && end-at >= 3 && (r.text[at:at+3] == "---" || r.text[at:at+3] == "...") {
		return false
	}
	switch r.text[at] {
	case ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`':
		return false
	case '-', '?', ':':
		return at+1 < end && r.text[at+1] != ' '
	}
	return true
}

// plain makes a node of a plain scalar at hand.
func (r *blockReader) plain(value string) *yaml.Node {
	n := r.node(yaml.ScalarNode, "", value, 0, r.at)
	switch c := value[0]; {
	case 'a' <= c && c <= 'z' && len(value) > len("false"), 'A' <= c && c <= 'Z' && len(value) > len("FALSE"), c == '\\', c == '/':
		n.Tag = "!!str"
	default:
		n.Tag = n.ShortTag() // as yaml.v3 resolves it
	}
	if value == "<<" {
		return nil // a merge key
	}
	return n
}

// scalar reads the scalar at hand and goes to the next line; indent is the column
// of the list or mapping that it is in.
func (r *blockReader) scalar(indent int) *yaml.Node {
	switch c := r.text[r.at]; {
	case c == '\'' || c == '"':
		value, at := r.quoted(r.at)
		if at < 0 {
			return nil
		}
		n := r.node(yaml.ScalarNode, "!!str", value, quoteStyle(c), r.at)
		if r.skip(at); r.at != r.end {
			return nil
		}
		r.next()
		return n
	case c == '|':
		return r.literal(indent)
	case !r.isPlain(r.at, r.end):
		return nil
	}
	value := r.text[r.at:r.end]
	if i := strings.Index(value, " #"); i >= 0 {
		value = value[:i]
	}
	value = strings.TrimRight(value, " ")
	if strings.Contains(value, ": ") || value[len(value)-1] == ':' {
		return nil
	}
	n := r.plain(value)
	r.next()
	return n
}

// quoted reads a quoted scalar of one line; end is the place behind it, -1 where
// it gives up.
func (r *blockReader) quoted(at int) (value string, end int) {
	quote := r.text[at]
	rest := r.text[at+1 : r.end]
	if quote == '\'' {
		for i := 0; i < len(rest); i++ {
			switch {
			case rest[i] != '\'':
			case i+1 < len(rest) && rest[i+1] == '\'':
				i++
			default:
				value = rest[:i]
				if strings.Contains(value, "''") {
					value = strings.ReplaceAll(value, "''", "'")
				}
				return value, at + 1 + i + 1
			}
		}
		return "", -1
	}
	var b []byte // once there was an escape
	done := 0    // what of rest is in it
	for i := 0; i < len(rest); i++ {
		switch rest[i] {
		case '"':
			if value = rest[:i]; b != nil {
				value = string(append(b, rest[done:i]...))
			}
			return value, at + 1 + i + 1
		case '\\':
			if i+1 == len(rest) {
				return "", -1
			}
			c := rest[i+1]
			switch c {
			case '\\', '"', '/':
			case 'n':
				c = '\n'
			case 't':
				c = '\t'
			case 'r':
				c = '\r'
			default:
				return "", -1
			}
			b = append(append(b, rest[done:i]...), c)
			i++
			done = i + 1
		}
	}
	return "", -1
}

// literal reads the literal block whose header is at hand.
func (r *blockReader) literal(indent int) *yaml.Node {
	strip := false
	switch header := strings.TrimRight(r.text[r.at:r.end], " "); header {
	case "|":
	case "|-":
		strip = true
	default:
		return nil
	}
	n := r.node(yaml.ScalarNode, "!!str", "", yaml.LiteralStyle, r.at)
	var b strings.Builder
	width, breaks := 0, 0 // of the block's lines; line breaks since the last one
	for {
		from := r.end + 1
		if from >= len(r.text) {
			break
		}
		end := len(r.text)
		if i := strings.IndexByte(r.text[from:], '\n'); i >= 0 {
			end = from + i
		}
		at := from
		for at < end && r.text[at] == ' ' {
			at++
		}
		switch {
		case at == end && end == len(r.text):
			return nil // blanks without a line break
		case width == 0 && at == end:
			if at > from {
				return nil // blanks that may say how wide the indentation is
			}
			breaks++
		case width == 0 && at-from <= indent:
			return nil // nothing is in it
		case at == end && at-from <= width:
			breaks++
		case width > 0 && at-from < width:
			n.Value = literalValue(&b, strip)
			r.next()
			return n
		default:
			if width == 0 {
				width = at - from
			}
			for ; breaks > 0; breaks-- {
				b.WriteByte('\n')
			}
			b.WriteString(r.text[from+width : end])
			if end == len(r.text) {
				return nil // a last line without a line break
			}
			breaks = 1
		}
		r.line++
		r.from, r.end = from, end
	}
	if width == 0 {
		return nil
	}
	n.Value = literalValue(&b, strip)
	r.next()
	return n
}

func literalValue(b *strings.Builder, strip bool) string {
	if !strip {
		b.WriteByte('\n')
	}
	return b.String()
}
