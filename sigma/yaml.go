package sigma

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// The limits of one file. What goes beyond is refused with a diagnostic of
// code limit, before memory is spent on it. They are far above what people
// write: the largest of SigmaHQ's 3,141 rules has 0.3 MB and 8,000 values.
const (
	MaxFileBytes     = 32 << 20 // of a file
	MaxDocumentBytes = 4 << 20  // of one document in it
	MaxDocuments     = 10_000   // in a file
	MaxNodes         = 500_000  // YAML nodes of a document, aliases written out
	MaxDepth         = 100      // nesting of a document, aliases written out
	MaxValues        = 100_000  // in one list
	MaxSelections    = 5_000    // of one detection
	MaxKeyBytes      = 1024     // of a key, as YAML has it for all but those behind a question mark
	MaxFindings      = 1_000    // diagnostics of a file
)

// A loader reads one file of YAML documents into nodes and collects the
// findings. It is shared by all formats that are written in YAML.
type loader struct {
	file  string
	lines []string
	base  int // lines of the file before the document at hand
	ds    Diagnostics

	ignores []ignore // set by finish
	full    bool     // MaxFindings is reached

	native bool // the document at hand says `rulewright: 1`
	sigma3 bool // the document at hand says `sigma-version: 3`
	soft   bool // errors are warnings: what is read leaves the rule its meaning

	textOf  *yaml.Node // the scalar that textPos is for
	textPos []Pos
}

// blocks reports whether the document may have list blocks and positions in
// the names of fields. In Sigma 2 brackets are part of a name.
func (l *loader) blocks() bool { return l.native || l.sigma3 }

// newLoader checks the bytes of a file. It returns false, with the finding,
// when nothing in the file can be read.
func newLoader(file string, data []byte) (*loader, []byte, bool) {
	l := &loader{file: file}
	if len(data) > MaxFileBytes {
		l.errorf(Pos{}, CodeLimit, "split it into several files", "the file has %d bytes, more than the %d that are read", len(data), MaxFileBytes)
		return l, nil, false
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		l.errorf(Pos{1, 1}, CodeEncoding, "save it as UTF-8", "the file is UTF-16")
		return l, nil, false
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	l.lines = splitLines(string(data))
	if !l.checkText() {
		return l, nil, false
	}
	return l, data, true
}

// splitLines cuts where YAML sees a line break. A last empty line is dropped.
func splitLines(s string) []string {
	lines := make([]string, 0, strings.Count(s, "\n")+1)
	for line := range linesOf(s) {
		lines = append(lines, line)
	}
	return lines
}

// linesOf is splitLines line by line.
func linesOf(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		start := 0
		for i := 0; i < len(s); {
			if c := s[i]; c > '\r' && c < 0xc2 {
				i++
				continue
			}
			n := breakAt(s, i)
			if n == 0 {
				i++
				continue
			}
			if !yield(s[start:i]) {
				return
			}
			i += n
			start = i
		}
		if start < len(s) {
			yield(s[start:])
		}
	}
}

// breakAt returns the length of the line break at s[i], or 0: LF, CR, CRLF,
// NEL, LS and PS, which YAML 1.1 counts.
func breakAt(s string, i int) int {
	switch s[i] {
	case '\n':
		return 1
	case '\r':
		if i+1 < len(s) && s[i+1] == '\n' {
			return 2
		}
		return 1
	case 0xc2:
		if strings.HasPrefix(s[i:], "\u0085") {
			return 2
		}
	case 0xe2:
		if strings.HasPrefix(s[i:], "\u2028") || strings.HasPrefix(s[i:], "\u2029") {
			return 3
		}
	}
	return 0
}

// checkText finds bytes that are not UTF-8 and characters that YAML forbids.
func (l *loader) checkText() bool {
	ok := true
	for i, line := range l.lines {
		for col, off := 1, 0; off < len(line); col++ {
			r, n := utf8.DecodeRuneInString(line[off:])
			switch {
			case r == utf8.RuneError && n <= 1:
				l.errorf(Pos{i + 1, col}, CodeEncoding, "save the file as UTF-8", "byte 0x%02X is not UTF-8", line[off])
				ok = false
			case r < 0x20 && r != '\t', r >= 0x7f && r < 0xa0, r == 0xfffe, r == 0xffff:
				l.errorf(Pos{i + 1, col}, CodeEncoding, fmt.Sprintf(`write it as an escape in double quotes: "\x%02X"`, r), "control character U+%04X is not allowed in YAML", r)
				ok = false
			default:
				off += n
				continue
			}
			break // one finding a line
		}
		if l.full {
			break
		}
	}
	return ok
}

// chunk is the text of one YAML document, with the lines in front of it.
type chunk struct {
	text string
	line int
}

// chunks cuts the file at document markers (`---` and `...` at the start of a
// line, which YAML allows nowhere else), so that one unreadable document does
// not hide the others.
func (l *loader) chunks(data []byte) []chunk {
	var out []chunk
	text := string(data)
	start, startLine := 0, 0
	cut := func(end, line int) {
		if onlyComments(text[start:end]) {
			// Comments and directives belong to the document that follows.
			if end < len(text) {
				return
			}
		} else {
			out = append(out, chunk{text[start:end], startLine})
		}
		start, startLine = end, line
	}
	off := 0
	for i, line := range l.lines {
		next := off + len(line)
		if next < len(text) {
			next += breakAt(text, next)
		}
		if isMarker(line, "---") {
			cut(off, i)
		} else if isMarker(line, "...") {
			cut(next, i+1)
		}
		off = next
	}
	cut(len(text), len(l.lines))
	return out
}

func isMarker(line, marker string) bool {
	return strings.HasPrefix(line, marker) && (len(line) == len(marker) || line[len(marker)] == ' ' || line[len(marker)] == '\t')
}

// onlyComments reports whether YAML sees no document in the text.
func onlyComments(text string) bool {
	for line := range linesOf(text) {
		t := strings.TrimSpace(line)
		if t != "" && t[0] != '#' && line[0] != '%' {
			return false
		}
	}
	return true
}

// documents returns the root of each readable document of the file. visit is
// called while the loader's positions are those of the document.
func (l *loader) documents(data []byte, visit func(root *yaml.Node)) {
	chunks := l.chunks(data)
	if len(chunks) > MaxDocuments {
		l.base = 0
		l.errorf(Pos{chunks[MaxDocuments].line + 1, 1}, CodeLimit, "split the file", "the file has %d documents, more than the %d that are read", len(chunks), MaxDocuments)
		return
	}
	for _, c := range chunks {
		l.base = c.line
		l.native = false
		if root := l.decode(c.text); root != nil {
			visit(root)
		}
	}
	l.base = 0
}

// decode parses one document, and returns nil, with a finding, when that
// fails.
func (l *loader) decode(text string) *yaml.Node {
	first := Pos{l.base + 1, 1}
	if len(text) > MaxDocumentBytes {
		l.errorf(first, CodeLimit, "keep long lists of values outside the rule", "the document has %d bytes, more than the %d that are read", len(text), MaxDocumentBytes)
		return nil
	}
	if n := countMarks(text); n > MaxNodes {
		l.errorf(first, CodeLimit, "keep long lists of values outside the rule", "the document has more than the %d YAML nodes that are read", MaxNodes)
		return nil
	}
	var doc yaml.Node
	if err := decodeYAML(text, &doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil
		}
		l.syntaxError(text, err)
		return nil
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil
	}
	root := doc.Content[0]
	if !l.checkSize(root) {
		return nil
	}
	return root
}

// countMarks bounds the number of YAML nodes from below and above closely
// enough to refuse a flood before a tree is built from it: each node of a
// list or mapping but the first has a comma, a line of its own, or an
// indicator in front.
func countMarks(text string) int {
	n := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\n', '[', '{':
			n++
		case ',', '-', '?', ':':
			// Indicators only in front of a blank, but for commas and what
			// stands in a flow collection; text with commas is rarely this long.
			if text[i] == ',' || i+1 < len(text) && (text[i+1] == ' ' || text[i+1] == '\t') {
				n++
			}
		}
	}
	return n
}

// decodeYAML is yaml.v3 made total: what it panics on is an error.
func decodeYAML(text string, n *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	return yaml.NewDecoder(strings.NewReader(text)).Decode(n)
}

// DecodeYAML reads the one YAML document of a file into n, for the formats that
// other packages own. It is total: what yaml.v3 panics on is an error too. line
// is where the error is, 0 where YAML does not say; empty input leaves n as it
// is.
func DecodeYAML(data []byte, n *yaml.Node) (line int, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(data))
	if err = d.Decode(n); errors.Is(err, io.EOF) {
		return 0, nil
	}
	if err == nil {
		var second yaml.Node
		if err = d.Decode(&second); errors.Is(err, io.EOF) {
			return 0, nil
		} else if err == nil {
			return max(second.Line, 1), errors.New("the file is one YAML document; give the second its own file")
		}
	}
	line, text := yamlError(err)
	return line, errors.New(text)
}

// checkSize refuses a tree that is too deep or, with its aliases written out,
// too large, and one that contains itself.
func (l *loader) checkSize(root *yaml.Node) bool {
	type extent struct{ nodes, depth int }
	const open = -1
	memo := map[*yaml.Node]extent{} // of anchored nodes
	ok := true
	fail := func(n *yaml.Node, hint, format string, args ...any) extent {
		if ok {
			l.errorf(l.pos(n), CodeLimit, hint, format, args...)
		}
		ok = false
		return extent{1, 1}
	}
	var walk func(n *yaml.Node, depth int) extent
	walk = func(n *yaml.Node, depth int) extent {
		if !ok {
			return extent{1, 1}
		}
		if depth > MaxDepth {
			return fail(n, "", "nested deeper than the %d levels that are read", MaxDepth)
		}
		if n.Kind == yaml.AliasNode {
			n = n.Alias
		}
		if !knownTags[n.Tag] && n.Kind != yaml.DocumentNode {
			if ok {
				l.errorf(l.pos(n), CodeType, "drop it; quote text that begins with an exclamation mark", "the YAML tag %s has no meaning here", show(n.Tag))
			}
			ok = false
		}
		if n.Anchor != "" {
			e, seen := memo[n]
			switch {
			case seen && e.nodes == open:
				return fail(n, "write the values out", "the anchor &%s contains itself", n.Anchor)
			case seen && depth+e.depth-1 > MaxDepth:
				return fail(n, "", "nested deeper than the %d levels that are read", MaxDepth)
			case seen:
				return e
			}
			memo[n] = extent{nodes: open}
		}
		e := extent{1, 1}
		for _, c := range n.Content {
			ce := walk(c, depth+1)
			e.nodes += ce.nodes
			e.depth = max(e.depth, ce.depth+1)
			if e.nodes > MaxNodes {
				return fail(n, "write the values out once, without aliases of aliases", "with its aliases written out the document has more than the %d YAML nodes that are read", MaxNodes)
			}
		}
		if n.Anchor != "" {
			memo[n] = e
		}
		return e
	}
	walk(root, 1)
	return ok
}

// knownTags are the tags that yaml.v3 gives by itself. Everything else was
// written by the author, as was !!binary.
var knownTags = map[string]bool{"": true, "!": true, "!!null": true, "!!bool": true, "!!str": true, "!!int": true, "!!float": true,
	"!!timestamp": true, "!!seq": true, "!!map": true, "!!merge": true}

// pos returns the place of a node in the file.
func (l *loader) pos(n *yaml.Node) Pos {
	if n == nil || n.Line == 0 {
		return Pos{l.base + 1, 1}
	}
	return Pos{l.base + n.Line, n.Column}
}

// errorf and warnf add a finding. Every finding has a place, a code and,
// where one can be given, a hint what to do next.
func (l *loader) errorf(pos Pos, code Code, hint, format string, args ...any) {
	s := SeverityError
	if l.soft {
		s = SeverityWarning
	}
	l.add(s, pos, code, hint, format, args...)
}

func (l *loader) warnf(pos Pos, code Code, hint, format string, args ...any) {
	l.add(SeverityWarning, pos, code, hint, format, args...)
}

func (l *loader) add(s Severity, pos Pos, code Code, hint, format string, args ...any) {
	if l.full {
		return
	}
	if len(l.ds) == MaxFindings {
		l.full = true
		l.ds = append(l.ds, Diagnostic{File: l.file, Pos: pos, Severity: SeverityError, Code: CodeLimit,
			Message: fmt.Sprintf("more than %d findings; the rest is not listed", MaxFindings)})
		return
	}
	d := Diagnostic{File: l.file, Pos: pos, Severity: s, Code: code, Hint: hint, Message: fmt.Sprintf(format, args...)}
	if pos.IsValid() && pos.Line <= len(l.lines) {
		d.Snippet = strings.ToValidUTF8(l.lines[pos.Line-1], "\ufffd")
	}
	l.ds = append(l.ds, d)
}

// show quotes a piece of the author's text for a message, cut where it is long.
func show(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	if strings.ContainsAny(s, "'\n\r\t") || strconv.Quote(s) != `"`+strings.ReplaceAll(s, `\`, `\\`)+`"` {
		return strconv.Quote(s)
	}
	return "'" + s + "'"
}
