// Package sigmago turns rules already parsed by github.com/bradleyjkemp/sigma-go
// into Documents, so that its users can move over without rewriting a rule.
package sigmago

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"

	sigmago "github.com/bradleyjkemp/sigma-go"

	"github.com/rulewright/rulewright/sigma"
)

// From returns the Document that a sigma-go rule stands for, and the findings
// that sigma.Parse would have of it: a rule that sigma-go accepts may still be
// wrong (an unknown modifier, say, which sigma-go finds on the first event).
// The Document is nil if the rule cannot be said at all.
//
// Positions are those of the search, matcher or condition where sigma-go kept
// one; a rule built in Go has none. What sigma-go has already lost stays lost:
// the order of selections (theirs is sorted by name), the type of a keyword
// (always text), the author's spelling of a condition, and the position of
// everything else. From is safe for concurrent use; the rule is only read.
func From(rule sigmago.Rule) (*sigma.Document, sigma.Diagnostics) {
	w := &writer{origin: map[int]sigma.Pos{}}
	w.rule(rule)
	if len(w.problems) > 0 {
		return nil, w.problems
	}
	docs, ds := sigma.Parse("", w.buf.Bytes())
	for i := range ds {
		ds[i].Pos, ds[i].Snippet = w.original(ds[i].Pos), ""
	}
	if len(docs) != 1 {
		return nil, ds
	}
	docs[0].MapPositions(w.original)
	return docs[0], ds
}

// writer spells a rule as JSON, which is YAML, and remembers where each line
// of it came from: one meaning of a rule, that of sigma.Parse.
type writer struct {
	buf      bytes.Buffer
	line     int               // lines written so far
	origin   map[int]sigma.Pos // by line of buf, counted from 1
	problems sigma.Diagnostics
}

// entry writes one `"key": ` on a line of its own. The text of key and value
// holds no line break, so that lines of buf tell entries apart.
func (w *writer) entry(first *bool, key string, at sigma.Pos) {
	if !*first {
		w.buf.WriteByte(',')
	}
	*first = false
	w.newline(at)
	w.buf.Write(quote(key))
	w.buf.WriteString(": ")
}

func (w *writer) newline(at sigma.Pos) {
	w.buf.WriteByte('\n')
	w.line++
	if at.IsValid() {
		w.origin[w.line+1] = at
	}
}

func (w *writer) problem(at sigma.Pos, format string, args ...any) {
	w.problems = append(w.problems, sigma.Diagnostic{
		Pos: at, Code: sigma.CodeType, Message: fmt.Sprintf(format, args...),
		Hint: "the rule was built or changed in Go; fix it there",
	})
}

func (w *writer) rule(r sigmago.Rule) {
	first := true
	w.buf.WriteByte('{')
	text := func(key, v string) {
		if v != "" {
			w.entry(&first, key, sigma.Pos{})
			w.buf.Write(quote(v))
		}
	}
	list := func(key string, vs []string) {
		if vs != nil {
			w.entry(&first, key, sigma.Pos{})
			w.value(anys(vs))
		}
	}
	text("title", r.Title)
	text("id", r.ID)
	if len(r.Related) > 0 {
		var related []any
		for _, x := range r.Related {
			related = append(related, map[string]any{"id": x.ID, "type": x.Type})
		}
		w.entry(&first, "related", sigma.Pos{})
		w.value(related)
	}
	text("status", r.Status)
	text("description", r.Description)
	list("references", r.References)
	text("author", r.Author)
	w.attributes(&first, r.AdditionalFields)
	if l := r.Logsource; l.Category != "" || l.Product != "" || l.Service != "" || l.Definition != "" || len(l.AdditionalFields) > 0 {
		w.entry(&first, "logsource", sigma.Pos{})
		w.buf.WriteByte('{')
		outer, inner := first, true
		first = inner
		text("category", l.Category)
		text("product", l.Product)
		text("service", l.Service)
		text("definition", l.Definition)
		w.attributes(&first, l.AdditionalFields)
		first = outer
		w.buf.WriteByte('}')
	}
	if len(r.Detection.Searches) > 0 || len(r.Detection.Conditions) > 0 {
		w.entry(&first, "detection", sigma.Pos{})
		w.detection(r.Detection)
	}
	text("level", r.Level)
	list("tags", r.Tags)
	w.buf.WriteString("\n}\n")
}

func (w *writer) attributes(first *bool, fields map[string]any) {
	for _, key := range sortedKeys(fields) {
		w.entry(first, key, sigma.Pos{})
		w.value(fields[key])
	}
}

func (w *writer) detection(d sigmago.Detection) {
	first := true
	w.buf.WriteByte('{')
	for _, name := range sortedKeys(d.Searches) {
		search := d.Searches[name]
		at := position(search)
		w.entry(&first, name, at)
		switch {
		case search.Keywords != nil && search.EventMatchers != nil:
			w.problem(at, "search %q has both keywords and event matchers", name)
		case search.Keywords != nil:
			w.value(anys(search.Keywords))
		case len(search.EventMatchers) == 1:
			w.matchers(search.EventMatchers[0])
		case len(search.EventMatchers) == 0:
			w.problem(at, "search %q is empty", name)
		default:
			w.buf.WriteByte('[')
			for i, m := range search.EventMatchers {
				if i > 0 {
					w.buf.WriteByte(',')
				}
				w.matchers(m)
			}
			w.buf.WriteByte(']')
		}
	}
	if d.Timeframe != 0 {
		w.entry(&first, "timeframe", sigma.Pos{})
		if d.Timeframe < 0 || d.Timeframe%time.Second != 0 {
			w.problem(sigma.Pos{}, "timeframe %s is not a whole number of seconds", d.Timeframe)
		}
		w.buf.Write(quote(strconv.FormatInt(int64(d.Timeframe/time.Second), 10) + "s"))
	}
	if len(d.Conditions) > 0 {
		w.entry(&first, "condition", position(d.Conditions[0]))
		if len(d.Conditions) > 1 {
			w.buf.WriteByte('[')
		}
		for i, c := range d.Conditions {
			if i > 0 {
				w.buf.WriteByte(',')
				w.newline(position(c))
			}
			w.buf.Write(quote(w.condition(c)))
		}
		if len(d.Conditions) > 1 {
			w.buf.WriteByte(']')
		}
	}
	w.buf.WriteByte('}')
}

func (w *writer) matchers(m sigmago.EventMatcher) {
	first := true
	w.buf.WriteByte('{')
	for _, f := range m {
		w.entry(&first, strings.Join(append([]string{f.Field}, f.Modifiers...), "|"), position(f))
		if len(f.Values) == 1 {
			w.value(f.Values[0])
		} else {
			w.value(f.Values)
		}
	}
	w.buf.WriteByte('}')
}

// value writes what YAML made of a value, on one line.
func (w *writer) value(v any) {
	switch v := v.(type) {
	case nil:
		w.buf.WriteString("null")
	case bool:
		w.buf.WriteString(strconv.FormatBool(v))
	case string:
		w.buf.Write(quote(v))
	case int:
		w.buf.WriteString(strconv.Itoa(v))
	case int64:
		w.buf.WriteString(strconv.FormatInt(v, 10))
	case uint64:
		w.buf.WriteString(strconv.FormatUint(v, 10))
	case float64:
		w.buf.WriteString(float(v))
	case time.Time:
		// YAML makes a time of an unquoted date; Sigma means the text.
		if v.Equal(v.Truncate(24 * time.Hour)) {
			w.buf.Write(quote(v.UTC().Format(time.DateOnly)))
		} else {
			w.buf.Write(quote(v.Format(time.RFC3339Nano)))
		}
	case []any:
		w.buf.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				w.buf.WriteString(", ")
			}
			w.value(e)
		}
		w.buf.WriteByte(']')
	case map[string]any:
		w.buf.WriteByte('{')
		for i, key := range sortedKeys(v) {
			if i > 0 {
				w.buf.WriteString(", ")
			}
			w.buf.Write(quote(key))
			w.buf.WriteString(": ")
			w.value(v[key])
		}
		w.buf.WriteByte('}')
	case map[any]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[fmt.Sprint(k)] = e
		}
		w.value(m)
	default:
		w.problem(sigma.Pos{}, "a value of Go type %T cannot stand in a rule", v)
	}
}

func (w *writer) condition(c sigmago.Condition) string {
	at := position(c)
	text := w.search(c.Search, at, precedenceNone)
	if c.Aggregation == nil {
		return text
	}
	switch a := c.Aggregation.(type) {
	case sigmago.Comparison:
		name, field, by := "", "", ""
		switch f := a.Func.(type) {
		case sigmago.Count:
			name, field, by = "count", f.Field, f.GroupedBy
		case sigmago.Min:
			name, field, by = "min", f.Field, f.GroupedBy
		case sigmago.Max:
			name, field, by = "max", f.Field, f.GroupedBy
		case sigmago.Average:
			name, field, by = "avg", f.Field, f.GroupedBy
		case sigmago.Sum:
			name, field, by = "sum", f.Field, f.GroupedBy
		default:
			w.problem(at, "an aggregation function of Go type %T cannot stand in a condition", a.Func)
		}
		text += " | " + name + "(" + field + ")"
		if by != "" {
			text += " by " + by
		}
		return text + " " + string(a.Op) + " " + strconv.FormatFloat(a.Threshold, 'f', -1, 64)
	case sigmago.Near:
		return text + " | near " + w.search(a.Condition, at, precedenceNone)
	}
	w.problem(at, "an aggregation of Go type %T cannot stand in a condition", c.Aggregation)
	return text
}

// Precedences of the operators of a condition, weakest first.
const (
	precedenceNone = iota
	precedenceOr
	precedenceAnd
	precedenceNot
)

// search spells an expression that stands in one of precedence outer.
func (w *writer) search(e sigmago.SearchExpr, at sigma.Pos, outer int) string {
	join := func(parts []sigmago.SearchExpr, op string, own int) string {
		switch len(parts) {
		case 0:
			w.problem(at, "a condition has an empty %q", op)
		case 1:
			return w.search(parts[0], at, outer)
		}
		texts := make([]string, len(parts))
		for i, p := range parts {
			texts[i] = w.search(p, at, own)
		}
		text := strings.Join(texts, " "+op+" ")
		if own <= outer {
			return "(" + text + ")"
		}
		return text
	}
	switch e := e.(type) {
	case sigmago.And:
		return join(e, "and", precedenceAnd)
	case sigmago.Or:
		return join(e, "or", precedenceOr)
	case sigmago.Not:
		return "not " + w.search(e.Expr, at, precedenceNot)
	case sigmago.SearchIdentifier:
		return e.Name
	case sigmago.OneOfIdentifier:
		return "1 of " + e.Ident.Name
	case sigmago.AllOfIdentifier:
		return "all of " + e.Ident.Name
	case sigmago.OneOfPattern:
		return "1 of " + e.Pattern
	case sigmago.AllOfPattern:
		return "all of " + e.Pattern
	case sigmago.OneOfThem:
		return "1 of them"
	case sigmago.AllOfThem:
		return "all of them"
	}
	w.problem(at, "a search of Go type %T cannot stand in a condition", e)
	return ""
}

// original returns where the line that holds pos came from, else the zero Pos.
func (w *writer) original(pos sigma.Pos) sigma.Pos { return w.origin[pos.Line] }

// position returns where sigma-go found x. It has no way to ask whether it
// knows: it fails on what was built in Go.
func position(x interface{ Position() (int, int) }) (pos sigma.Pos) {
	defer func() {
		if recover() != nil {
			pos = sigma.Pos{}
		}
	}()
	line, col := x.Position()
	return sigma.Pos{Line: line + 1, Col: col + 1}
}

// quote returns s as a JSON string that YAML reads as the same text.
func quote(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return bytes.ReplaceAll(bytes.TrimSuffix(b.Bytes(), []byte("\n")), []byte("\x7f"), []byte(`\u007f`))
}

func float(f float64) string {
	switch {
	case math.IsNaN(f):
		return ".nan"
	case math.IsInf(f, 1):
		return ".inf"
	case math.IsInf(f, -1):
		return "-.inf"
	}
	s := strconv.FormatFloat(f, 'f', -1, 64) // readers of YAML disagree about exponents
	if !strings.Contains(s, ".") {
		s += ".0" // stays a decimal
	}
	return s
}

func anys(vs []string) []any {
	out := make([]any, len(vs))
	for i, v := range vs {
		out[i] = v
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
