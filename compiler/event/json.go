package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// jsonSource reads JSON values one by one out of whatever lists and wrappers
// they are in.
type jsonSource struct {
	*Reader
	frames []frame // lists that are open around the next value, outermost first
	// rescanned counts the bytes that were looked at more than once.
	rescanned int
}

// maxRescanned bounds the bytes of an input that are looked at again because
// the value that they seemed to belong to turned out to be none. Beyond it a
// value must end on the line that it begins on. Every good record makes room for
// as many as it has, so that a long input which breaks now and then never meets
// it.
const maxRescanned = 32 << 20

var errUnfinishedLine = errors.New("the line ends inside a JSON value; values of several lines are not looked for here, since too much of this input had to be read again")

// frame is an open list.
type frame struct {
	wrapped bool   // it is the value of a key of an object
	kind    string // "" for plain elements, else "tables" or "rows"
	hint    Source // what the wrapper says its elements are
	columns []string
}

func (s *jsonSource) next() (Record, error) {
	for {
		c, ok := s.w.peekNonSpace()
		if !ok {
			if s.w.err != io.EOF {
				return Record{}, s.w.err
			}
			if len(s.frames) > 0 {
				s.frames = nil
				return Record{}, s.lost(s.w.ended("a list"))
			}
			return Record{}, io.EOF
		}
		if c == ',' { // between elements; some tools also write it between values
			s.w.skip(1)
			continue
		}
		if len(s.frames) == 0 {
			switch c {
			case '[':
				s.w.skip(1)
				s.frames = append(s.frames, frame{})
				continue
			case '{':
				if rec, ok, err := s.value(); ok || err != nil {
					return rec, err
				}
				continue
			}
			line := s.w.line
			s.resync()
			return Record{}, s.unreadable(line, "%q starts no JSON value", c)
		}
		if c == ']' {
			s.w.skip(1)
			f := s.frames[len(s.frames)-1]
			s.frames = s.frames[:len(s.frames)-1]
			if f.wrapped {
				if err := s.skipObject(); err != nil {
					return Record{}, err
				}
			}
			continue
		}
		if rec, ok, err := s.value(); ok || err != nil {
			return rec, err
		}
	}
}

// value reads the value that starts here. Without a record and an error it has
// opened a wrapper.
func (s *jsonSource) value() (Record, bool, error) {
	line, aligned, indent := s.w.line, s.w.blank, s.w.indent
	var kind string
	var columns []string
	var hint Source
	if n := len(s.frames); n > 0 {
		kind, columns, hint = s.frames[n-1].kind, s.frames[n-1].columns, s.frames[n-1].hint
	}
	sc := scanner{state: wantValue, stack: make([]byte, 0, 16)}
	size, oversize := 0, false // size: bytes of the window that belong to the value
	first, _ := s.w.at(0)
	watch := first == '{' && (len(s.frames) == 0 || len(s.frames) == 1 && !s.frames[0].wrapped || kind == "tables")
	var earlier []string
	aLine := s.rescanned > maxRescanned
	for {
		if _, ok := s.w.at(size); !ok {
			err := s.w.ended("a JSON value")
			s.frames = nil
			if s.w.err == io.EOF && !oversize && s.tryAgainBehind(aligned, size) {
				return Record{}, false, s.unreadable(line, "%w", err)
			}
			return Record{}, false, s.lostAt(line, err)
		}
		more := s.w.buf[s.w.pos+size : s.w.end]
		ends := -1
		if aLine {
			if ends = bytes.IndexByte(more, '\n'); ends >= 0 {
				more = more[:ends+1]
			}
		}
		n, ev, err := sc.feed(more, size, watch && !oversize)
		size += n
		if err == nil && ev == scanMore && ends >= 0 {
			err = errUnfinishedLine
		}
		if err != nil {
			lost := false
			s.retry(size, func() { lost = !s.resyncAt(aligned, indent, oversize) })
			return Record{}, false, &RecordError{File: s.opts.File, Line: line, Err: err, Lost: lost}
		}
		if ev == scanList {
			key := s.keyText(&sc)
			if f, ok, err := s.wrapper(key, kind, earlier, size, &sc); err != nil {
				return Record{}, false, s.lostAt(line, err)
			} else if ok {
				s.w.skip(size)
				s.frames = append(s.frames, f)
				return Record{}, false, nil
			}
			if earlier = append(earlier, key); len(earlier) > 16 || !wrapperHead(key, kind) {
				watch = false
			}
			continue
		}
		if ev == scanKey {
			key := s.keyText(&sc)
			if earlier = append(earlier, key); len(earlier) > 16 || !wrapperHead(key, kind) {
				watch = false
			}
			continue
		}
		if ev == scanDone {
			break
		}
		if size > MaxRecordBytes || oversize {
			oversize = true
			s.w.skip(size)
			size = 0
		}
	}
	if oversize || size > MaxRecordBytes {
		s.w.skip(size)
		return Record{}, false, s.unreadable(line, "the record is larger than the limit of %d MiB", MaxRecordBytes>>20)
	}
	s.rescanned = max(0, s.rescanned-size)
	raw := s.w.bytes(size)
	ev, err := s.decode(raw, &sc)
	if s.keepRaw && err == nil && kind != "rows" {
		if _, wrapped := lookup(ev, "AuditData"); !wrapped {
			s.raw = bytes.Clone(raw)
		}
	}
	s.w.skip(size)
	if err != nil {
		return Record{}, false, &RecordError{File: s.opts.File, Line: line, Err: err}
	}
	if kind == "rows" {
		cells, ok := ev.([]any)
		if !ok || len(cells) != len(columns) {
			return Record{}, false, s.unreadable(line, "a row that does not fit its %d columns", len(columns))
		}
		m := make(map[string]any, len(cells))
		for i, name := range columns {
			if cells[i] != nil {
				m[name] = cells[i]
			}
		}
		return s.record(m, line, Source{}), true, nil
	}
	if _, ok := ev.(map[string]any); !ok {
		return Record{}, false, s.unreadable(line, "not a JSON object, so no event")
	}
	return s.record(ev, line, hint), true, nil
}

func (s *jsonSource) decode(raw []byte, sc *scanner) (any, error) {
	if sc.tooDeep {
		return nil, fmt.Errorf("nested deeper than the limit of %d", MaxNesting)
	}
	if sc.values > MaxRecordValues {
		return nil, fmt.Errorf("more than the limit of %d values in one record", MaxRecordValues)
	}
	if err := validUTF8(raw); err != nil {
		return nil, err
	}
	return decodeRecord(raw)
}

// decodeRecord parses one JSON value, keeping numbers as they are written. Its
// input has been measured before.
func decodeRecord(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, fmt.Errorf("not JSON: %v, at byte %d of the record", err, syntax.Offset)
		}
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	return v, nil
}

// keyText is the last key of the outermost object, which is still in the window.
func (s *jsonSource) keyText(sc *scanner) string {
	var key string
	if json.Unmarshal(s.w.bytes(sc.keyEnd)[sc.keyStart:], &key) != nil {
		return ""
	}
	return key
}

// wrapperHead says whether a key may stand before the list of a wrapper.
func wrapperHead(key, kind string) bool {
	if strings.HasPrefix(key, "@odata.") || strings.HasPrefix(key, "odata.") {
		return true
	}
	switch strings.ToLower(key) {
	case "schema", "stats", "statistics", "count", "totalcount", "nextlink", "type":
		return true
	case "name", "columns", "tablename":
		return kind == "tables"
	}
	return false
}

// wrapper tells whether the list that has just begun under key is what an
// object is there for. size is how much of the object has been seen.
func (s *jsonSource) wrapper(key, kind string, earlier []string, size int, sc *scanner) (frame, bool, error) {
	f := frame{wrapped: true}
	switch k := strings.ToLower(key); {
	case kind == "tables" && k == "rows":
		f.kind = "rows"
	case kind == "tables":
		return frame{}, false, nil
	case k == "records" || k == "value" || k == "results":
	case k == "tables":
		f.kind = "tables"
	default:
		return frame{}, false, nil
	}
	if f.kind != "rows" { // an event may well have a list of that name: ours holds objects
		for i := size; ; i++ {
			c, ok := s.w.at(i)
			if !ok || c == '{' || c == ']' {
				break
			}
			if i > 2*MaxRecordBytes {
				return frame{}, false, fmt.Errorf("white space beyond the limit of %d MiB of one record", MaxRecordBytes>>20)
			}
			if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
				return frame{}, false, nil
			}
		}
	}
	head, err := s.head(sc)
	if err != nil {
		return frame{}, false, err
	}
	if f.kind == "rows" {
		if f.columns, err = columnNames(head["columns"]); err != nil {
			return frame{}, false, err
		}
	}
	if context, ok := head["@odata.context"].(string); ok {
		f.hint = contextSource(context)
	}
	return f, true, nil
}

// head parses what stands before the wrapper's key.
func (s *jsonSource) head(sc *scanner) (map[string]any, error) {
	raw := bytes.TrimRight(bytes.TrimSpace(s.w.bytes(sc.keyStart)), ", \t\r\n")
	if sc.tooDeep || sc.values > MaxRecordValues {
		return nil, errors.New("what stands before the list is too large")
	}
	v, err := decodeRecord(append(bytes.Clone(raw), '}'))
	if err != nil {
		return nil, err
	}
	m, _ := v.(map[string]any)
	return m, nil
}

func columnNames(v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, errors.New("a table whose rows come before its columns")
	}
	if len(list) > MaxColumns {
		return nil, fmt.Errorf("more than the limit of %d columns", MaxColumns)
	}
	names := make([]string, len(list))
	for i, c := range list {
		name, _ := lookup(c, "name")
		if names[i] = text(name); names[i] == "" {
			return nil, fmt.Errorf("column %d has no name", i+1)
		}
	}
	return names, nil
}

// contextSource reads the collection out of Graph's @odata.context, such as
// https://graph.microsoft.com/v1.0/$metadata#applications(id,appId).
func contextSource(context string) Source {
	_, name, ok := strings.Cut(context, "$metadata#")
	if !ok {
		return Source{}
	}
	name = strings.ToLower(name)
	for { // leave out keys: users('1')/appRoleAssignments
		before, rest, ok := strings.Cut(name, "('")
		if !ok {
			break
		}
		_, after, ok := strings.Cut(rest, "')")
		if !ok {
			return Source{}
		}
		name = before + after
	}
	name, _, _ = strings.Cut(name, "(") // the selected properties
	name = strings.TrimSuffix(name, "/$delta")
	table := graphCollections[name]
	for suffix, t := range graphNavigations {
		if strings.HasSuffix(name, suffix) {
			table = t
		}
	}
	if table == "" {
		return Source{}
	}
	return Source{GraphAPI, table}
}

// skipObject skips the rest of an object behind one of its values.
func (s *jsonSource) skipObject() error {
	line := s.w.line
	sc := scanner{state: wantMore, stack: []byte{'{'}}
	for {
		if _, ok := s.w.at(0); !ok {
			s.frames = nil
			return s.lostAt(line, s.w.ended("an object"))
		}
		n, ev, err := sc.feed(s.w.buf[s.w.pos:s.w.end], 0, false)
		s.w.skip(n)
		if err != nil {
			s.resync()
			return &RecordError{File: s.opts.File, Line: line, Err: err}
		}
		if ev == scanDone {
			return nil
		}
	}
}

func (s *jsonSource) lostAt(line int, err error) error {
	s.failed = true
	return &RecordError{File: s.opts.File, Line: line, Err: err, Lost: true}
}

// resync goes on at the next line that starts a value of its own.
func (s *jsonSource) resync() {
	s.frames = nil
	for s.w.skipLine() {
		if c, ok := s.w.at(0); ok && (c == '{' || c == '[') {
			return
		}
	}
}

// resyncAt goes on behind a value that is not JSON: outside lists at the next
// line that starts with one; in a list that has one element a line, or is
// indented, at the next line that starts as the broken value did. Otherwise the
// rest of the list is lost, which it reports with false.
func (s *jsonSource) resyncAt(aligned bool, indent int, oversize bool) bool {
	if len(s.frames) == 0 {
		s.resync()
		return true
	}
	if !aligned || oversize {
		s.resync()
		return false
	}
	for s.w.skipLine() {
		n := 0
		c, ok := s.w.at(n)
		for ok && (c == ' ' || c == '\t' || c == '\r') && n <= indent {
			n++
			c, ok = s.w.at(n)
		}
		if ok && n == indent && (c == '{' || c == '[') || ok && n <= indent && c == ']' {
			return true
		}
	}
	return true
}

// tryAgainBehind is for input that ends inside a value which started a line: a
// brace that is never closed swallows good lines. size is how much of the value
// has been seen.
func (s *jsonSource) tryAgainBehind(aligned bool, size int) bool {
	if aligned {
		s.retry(size, s.resync)
	}
	return aligned
}

// retry goes on by resync behind a value that was given up after size bytes,
// and counts those which are looked at again: lines that each begin a value and
// close none would be read as often as there are such lines.
func (s *jsonSource) retry(size int, resync func()) {
	from := s.w.taken
	resync()
	s.rescanned += max(0, size-int(s.w.taken-from))
}
