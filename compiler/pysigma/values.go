package pysigma

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"

	"github.com/rulewright/rulewright/sigma"
)

// Limits of what a step makes of values.
const (
	maxValues    = 50_000   // of one item
	maxValueFile = 10 << 20 // of a file with values
)

// valueStep is a transformation of each value that has one of some kinds. f
// returns what stands in the value's place, and false to leave it.
func valueStep(f func(s *stepRun, it *sigma.Item, v sigma.Value, k kind, parts []sigma.Part) ([]newValue, bool)) transformation {
	return transformation{item: func(s *stepRun, it *sigma.Item, _ string) ([]conjunction, bool) {
		var values []newValue
		touched, same := false, true
		for _, v := range it.Values {
			k, parts := view(it, v)
			out, ok := f(s, it, v, k, parts)
			if k == kindText {
				v = textValue(v.Position(), parts)
			}
			if !ok {
				values = append(values, newValue{value: v})
				continue
			}
			touched = true
			same = same && len(out) == 1 && !out[0].re && sameValue(out[0].value, v) && k != kindOther
			values = append(values, out...)
			if len(values) > maxValues {
				s.errorf(it.Pos, sigma.CodeLimit, "", "%s turns this into more than %d values", s.step, maxValues)
				return nil, false
			}
		}
		switch {
		case !touched:
			return nil, false
		case same:
			s.mark(it, it)
			return nil, false
		case len(values) == 0:
			s.errorf(it.Pos, sigma.CodeEmptyList, "drop the item with drop_detection_item", "%s leaves no value", s.step)
			return nil, false
		}
		alts := withValues(it, values)
		for _, items := range alts {
			for _, n := range items {
				s.mark(it, n)
			}
		}
		return alts, true
	}}
}

// textStep is a valueStep on texts only.
func textStep(f func(s *stepRun, it *sigma.Item, pos sigma.Pos, parts []sigma.Part) ([]newValue, bool)) transformation {
	return valueStep(func(s *stepRun, it *sigma.Item, v sigma.Value, k kind, parts []sigma.Part) ([]newValue, bool) {
		if k != kindText {
			return nil, false
		}
		return f(s, it, v.Position(), parts)
	})
}

func oneText(pos sigma.Pos, parts []sigma.Part) []newValue {
	return []newValue{{value: textValue(pos, parts)}}
}

func replaceString(m *mapping) transformation {
	sub := m.substitution()
	skip, interpret := m.bool("skip_special"), m.bool("interpret_special")
	return valueStep(func(s *stepRun, it *sigma.Item, v sigma.Value, k kind, parts []sigma.Part) ([]newValue, bool) {
		if n, ok := v.(sigma.Number); ok && k == kindNumber {
			k, parts = kindText, literal(numberText(n.Number))
		}
		if k != kindText {
			return nil, false
		}
		if !skip {
			out, ok := sub.parts(parts)
			if !ok {
				s.errorf(v.Position(), sigma.CodePlaceholder, "put a step that replaces placeholders in front, or set skip_special", "%s cuts a placeholder of %q in two", s.step, plainText(parts))
			}
			return oneText(v.Position(), out), ok
		}
		var out partsBuilder
		for _, p := range parts {
			switch {
			case p.Kind != sigma.Literal:
				out.add(p)
			case interpret:
				out.add(sigma.ParseParts(sub.text(p.Text), false)...)
			default:
				out.text(sub.text(p.Text))
			}
		}
		return oneText(v.Position(), out), true
	})
}

func mapString(m *mapping) transformation {
	type line struct {
		text  string
		parts []sigma.Part
		to    []string
	}
	var lines []line
	if n := m.need("mapping"); n != nil && n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			from := m.scalarText(n.Content[i], "a text")
			lines = append(lines, line{from, sigma.ParseParts(from, true), m.list(n.Content[i+1], "what a text is mapped to")})
		}
	} else if n != nil {
		m.errorf(n, sigma.CodeType, "", "mapping is a mapping of texts to texts")
	}
	return textStep(func(_ *stepRun, it *sigma.Item, pos sigma.Pos, parts []sigma.Part) ([]newValue, bool) {
		plain := plainText(parts)
		i := slices.IndexFunc(lines, func(l line) bool { return l.text == plain || slices.Equal(l.parts, parts) })
		if i < 0 {
			return nil, false
		}
		var out []newValue
		for _, t := range lines[i].to {
			out = append(out, oneText(pos, sigma.ParseParts(t, false))...)
		}
		return out, true
	})
}

func setValue(m *mapping) transformation {
	value := m.scalar("value")
	switch m.word("force_type", "", "str", "num") {
	case "str":
		if n := m.value["value"]; n != nil && value != nil {
			value = n.Value
		}
	case "num":
		if text, ok := value.(string); ok {
			n, ok := parseNumber(text)
			if !ok {
				m.errorf(m.value["value"], sigma.CodeType, "", "%q is no number", text)
			} else if value = n.Float; n.IsInt {
				value = int(n.Int)
			}
		}
	}
	return valueStep(func(_ *stepRun, it *sigma.Item, v sigma.Value, k kind, _ []sigma.Part) ([]newValue, bool) {
		return []newValue{{value: scalarValue(v.Position(), value)}}, true
	})
}

var numberForm = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

func parseNumber(s string) (sigma.Numeric, bool) {
	if !numberForm.MatchString(s) {
		return sigma.Numeric{}, false
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return sigma.Numeric{IsInt: true, Int: i}, true
	}
	f, err := strconv.ParseFloat(s, 64)
	return sigma.Numeric{Float: f}, err == nil
}

func convertType(m *mapping) transformation {
	m.need("target_type")
	number := m.word("target_type", "", "str", "num") == "num"
	return valueStep(func(s *stepRun, it *sigma.Item, v sigma.Value, k kind, parts []sigma.Part) ([]newValue, bool) {
		if n, ok := v.(sigma.Number); ok && k == kindNumber && !number {
			return oneText(v.Position(), literal(numberText(n.Number))), true
		}
		if k != kindText || !number {
			return nil, false
		}
		n, ok := parseNumber(plainText(parts))
		if !ok {
			s.errorf(v.Position(), sigma.CodeType, "narrow the step's conditions", "%s: %q is no number", s.step, plainText(parts))
			return nil, false
		}
		return []newValue{{value: sigma.Number{Pos: v.Position(), Number: n}}}, true
	})
}

func changeCase(m *mapping) transformation {
	method := m.word("method", "lower", "lower", "upper", "snake_case")
	change := map[string]func(string) string{"lower": strings.ToLower, "upper": strings.ToUpper, "snake_case": snakeCase}[method]
	return textStep(func(_ *stepRun, _ *sigma.Item, pos sigma.Pos, parts []sigma.Part) ([]newValue, bool) {
		if change == nil {
			return nil, false
		}
		out := slices.Clone(parts)
		for i, p := range out {
			if p.Kind == sigma.Literal {
				out[i].Text = change(p.Text)
			}
		}
		return oneText(pos, out), true
	})
}

// snakeCase puts an underscore in front of each capital but the first character.
func snakeCase(s string) string {
	var b strings.Builder
	for i, c := range s {
		if i > 0 && c >= 'A' && c <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(c))
	}
	return b.String()
}

// toRegex turns texts into regular expressions. They are anchored, since the
// modifier re searches and the value was compared with the whole field.
func toRegex(m *mapping) transformation {
	method := m.word("method", "ignore_case_brackets", "plain", "ignore_case_flag", "ignore_case_brackets")
	return textStep(func(s *stepRun, it *sigma.Item, pos sigma.Pos, parts []sigma.Part) ([]newValue, bool) {
		if len(parts) == 0 {
			return nil, false
		}
		if has(parts, sigma.Placeholder) {
			s.errorf(pos, sigma.CodePlaceholder, "put a step that replaces placeholders in front", "%s: a placeholder cannot stand in a regular expression", s.step)
			return nil, false
		}
		method := method
		if it.Has(sigma.ModCased) {
			method = "plain"
		}
		var b strings.Builder
		dot := false
		if parts[0].Kind != sigma.AnyRun {
			b.WriteByte('^')
		}
		for i, p := range parts {
			switch {
			case p.Kind == sigma.AnyRun && (i == 0 || i == len(parts)-1) && len(parts) > 1:
			case p.Kind == sigma.AnyRun:
				b.WriteString(".*")
				dot = true
			case p.Kind == sigma.AnyOne:
				b.WriteByte('.')
				dot = true
			case method == "ignore_case_brackets":
				for _, c := range p.Text {
					lower, upper := unicode.ToLower(c), unicode.ToUpper(c)
					if lower != upper {
						b.WriteString("[" + string(lower) + string(upper) + "]")
					} else {
						b.WriteString(regexp.QuoteMeta(string(c)))
					}
				}
			default:
				b.WriteString(regexp.QuoteMeta(p.Text))
			}
		}
		if parts[len(parts)-1].Kind != sigma.AnyRun {
			b.WriteByte('$')
		}
		v := newValue{value: rawValue(pos, b.String()), re: true}
		if method == "ignore_case_flag" {
			v.flags = append(v.flags, sigma.ModReI)
		}
		if dot { // wildcards span line breaks
			v.value = rawValue(pos, "(?s)"+b.String())
		}
		return []newValue{v}, true
	})
}

var hashLengths = map[int]string{32: "MD5", 40: "SHA1", 64: "SHA256", 128: "SHA512"}

// hashesFields turns `Hashes: MD5=…` into a field for each algorithm.
func hashesFields(m *mapping) transformation {
	algorithms := m.needTexts("valid_hash_algos")
	prefix, drop := m.text("field_prefix"), m.bool("drop_algo_prefix")
	from := m.texts("field_to_parse")
	if from == nil {
		from = []string{"Hashes", "Hash"}
	}
	return transformation{item: func(s *stepRun, it *sigma.Item, full string) ([]conjunction, bool) {
		if !slices.Contains(from, full) {
			return nil, false
		}
		var names []string
		values := map[string][]sigma.Value{}
		for _, v := range it.Values {
			k, parts := view(it, v)
			if k != kindText {
				return nil, false
			}
			pos, text := v.Position(), plainText(parts)
			var algorithm, hash string
			if part := strings.FieldsFunc(text, func(c rune) bool { return c == '|' }); strings.Contains(text, "|") && len(part) == 2 {
				algorithm, hash = part[0], part[1]
			} else if a, h, ok := strings.Cut(text, "="); ok && !strings.ContainsAny(h, "=|") {
				algorithm, hash = a, h
			} else {
				hash = text
				algorithm = hashLengths[len(strings.Trim(hash, "*?"))]
			}
			algorithm = strings.ToUpper(strings.TrimLeft(algorithm, "*"))
			hash = strings.Trim(hash, "*?")
			if !slices.Contains(algorithms, algorithm) {
				s.warnf(pos, sigma.CodeNeverMatches, "the step's valid_hash_algos are "+strings.Join(algorithms, ", "), "%s has no field for this hash and leaves it out", s.step)
				continue
			}
			name := prefix
			if !drop {
				name += algorithm
			}
			if name == "keyword" {
				name = ""
			} else if name == "" {
				s.errorf(pos, sigma.CodeField, "give it a field_prefix", "%s gives the hash no field", s.step)
				return nil, false
			}
			if values[name] == nil {
				names = append(names, name)
			}
			values[name] = append(values[name], textValue(pos, sigma.ParseParts(hash, false)))
		}
		if len(names) == 0 {
			s.errorf(it.Pos, sigma.CodeUnsupported, "the step's valid_hash_algos are "+strings.Join(algorithms, ", "), "%s finds no hash here that it has a field for", s.step)
			return nil, false
		}
		var items []*sigma.Item
		for _, name := range names {
			n := &sigma.Item{Pos: it.Pos, Field: sigma.Field{Pos: it.Field.Pos}, Values: values[name]}
			if name != "" {
				var ok bool
				if n.Field, ok = s.relative(it, inner(full, it, name), scope{old: outer(full, it), new: outer(full, it)}); !ok {
					return nil, false
				}
			}
			if name == "" { // keywords beside fields need a key
				n.Modifiers = []sigma.Modifier{{Pos: it.Pos, Name: sigma.ModContains}}
			}
			for _, mod := range it.Modifiers {
				if mod.Name == sigma.ModNeq || mod.Name == sigma.ModAll && len(n.Values) > 1 {
					n.Modifiers = append(n.Modifiers, mod)
				}
			}
			s.mark(it, n)
			items = append(items, n)
		}
		return combine(items, it.Has(sigma.ModAll) != it.Has(sigma.ModNeq)), true
	}}
}

// outer returns the list block's field that an item stands in, given the
// item's name as seen from the event, and inner a name beside it.
func outer(full string, it *sigma.Item) string {
	return strings.TrimSuffix(strings.TrimSuffix(full, scope{}.name(it.Field)), ".")
}

func inner(full string, it *sigma.Item, name string) string {
	if o := outer(full, it); o != "" {
		return o + "." + name
	}
	return name
}

// extractFields turns values into the named groups of a regular expression.
func extractFields(m *mapping) transformation {
	re := m.regexp("regex", true)
	prefix, preserve := m.text("field_prefix"), m.bool("preserve_unmatched")
	groups := re.SubexpNames()
	if re != never && !slices.ContainsFunc(groups, func(g string) bool { return g != "" }) {
		m.errorf(m.value["regex"], sigma.CodeRegex, "write (?P<name>…)", "the regular expression has no named group")
	}
	return transformation{item: func(s *stepRun, it *sigma.Item, full string) ([]conjunction, bool) {
		var alts []conjunction
		var left []sigma.Value
		for _, v := range it.Values {
			k, parts := view(it, v)
			if k != kindText {
				return nil, false
			}
			text := plainText(parts)
			found := re.FindStringSubmatch(text)
			if found == nil {
				if preserve {
					left = append(left, textValue(v.Position(), parts))
				} else {
					s.warnf(v.Position(), sigma.CodeNeverMatches, "preserve_unmatched keeps it", "%s finds nothing in this value and leaves it out", s.step)
				}
				continue
			}
			var items conjunction
			for i, g := range groups {
				if g == "" || found[i] == "" {
					continue
				}
				if prefix != "" {
					g = prefix + "." + g
				}
				n := &sigma.Item{Pos: it.Pos, Values: []sigma.Value{extracted(v.Position(), found[i])}}
				var ok bool
				if n.Field, ok = s.relative(it, inner(full, it, g), scope{old: outer(full, it), new: outer(full, it)}); !ok {
					return nil, false
				}
				s.mark(it, n)
				items = append(items, n)
			}
			if len(items) > 0 {
				alts = append(alts, items)
			}
		}
		if len(alts) == 0 {
			return nil, false
		}
		if it.Has(sigma.ModNeq) {
			s.errorf(it.Pos, sigma.CodeUnsupported, "write `not` in the condition", "%s cannot take apart a value that must not be there", s.step)
			return nil, false
		}
		if len(left) > 0 {
			n := *it
			n.Modifiers, n.Values = nil, left
			alts = append(alts, conjunction{&n})
		}
		if it.Has(sigma.ModAll) {
			return []conjunction{slices.Concat(alts...)}, true
		}
		return alts, true
	}}
}

// extracted gives a captured text the type that it looks like.
func extracted(pos sigma.Pos, s string) sigma.Value {
	switch n, ok := parseNumber(s); {
	case strings.EqualFold(s, "null") || strings.EqualFold(s, "none"):
		return sigma.Null{Pos: pos}
	case ok && (s == "0" || s[0] != '0'):
		return sigma.Number{Pos: pos, Number: n}
	}
	return textValue(pos, sigma.ParseParts(s, false))
}

// placeholderStep replaces placeholders by what values says: patterns of which
// one stands in the placeholder's place. ok is false where it says nothing.
func placeholderStep(m *mapping, values func(s *stepRun, pos sigma.Pos, name string) (out [][]sigma.Part, ok bool)) transformation {
	include, exclude := m.texts("include"), m.texts("exclude")
	if include != nil && exclude != nil {
		m.errorf(m.value["exclude"], sigma.CodeBadValue, "drop one of them", "include and exclude exclude each other")
	}
	mine := func(p sigma.Part) bool {
		return p.Kind == sigma.Placeholder && (include == nil || slices.Contains(include, p.Text)) && !slices.Contains(exclude, p.Text)
	}
	return transformation{item: func(s *stepRun, it *sigma.Item, _ string) ([]conjunction, bool) {
		n := *it
		n.Values = nil
		changed, left := false, false
		for _, v := range it.Values {
			text, ok := v.(sigma.String)
			if !ok || !slices.ContainsFunc(text.Parts, mine) {
				n.Values = append(n.Values, v)
				left = left || ok && has(text.Parts, sigma.Placeholder)
				continue
			}
			changed = true
			heads := [][]sigma.Part{nil}
			for _, p := range text.Parts {
				tails := [][]sigma.Part{{p}}
				if mine(p) {
					if tails, ok = values(s, text.Pos, p.Text); !ok {
						return nil, false
					}
				}
				if len(heads)*len(tails)+len(n.Values) > maxValues {
					s.errorf(text.Pos, sigma.CodeLimit, "", "%s turns this into more than %d values", s.step, maxValues)
					return nil, false
				}
				var next [][]sigma.Part
				for _, h := range heads {
					for _, t := range tails {
						joined := partsBuilder(slices.Clone(h))
						joined.add(t...)
						next = append(next, joined)
					}
				}
				heads = next
			}
			for _, parts := range heads {
				left = left || has(parts, sigma.Placeholder)
				v := textValue(text.Pos, parts)
				if takesPlain(it) && !has(parts, sigma.Placeholder) {
					if err := checkPlain(it, parts); err != nil {
						s.errorf(text.Pos, sigma.CodePlaceholder, "", "%s: %v", s.step, err)
						return nil, false
					}
					v = rawValue(text.Pos, literalText(parts))
				}
				n.Values = append(n.Values, v)
			}
		}
		if !changed {
			return nil, false
		}
		if len(n.Values) == 0 {
			s.errorf(it.Pos, sigma.CodeEmptyList, "", "%s leaves no value", s.step)
			return nil, false
		}
		if !left {
			n.Modifiers = slices.DeleteFunc(slices.Clone(it.Modifiers), func(m sigma.Modifier) bool { return m.Name == sigma.ModExpand })
		}
		s.mark(it, &n)
		return []conjunction{{&n}}, true
	}}
}

// takesPlain reports whether the item's modifiers take values as they are.
func takesPlain(it *sigma.Item) bool {
	return slices.ContainsFunc(it.Modifiers, func(m sigma.Modifier) bool {
		switch m.Name {
		case sigma.ModAll, sigma.ModNeq, sigma.ModCased, sigma.ModExpand, sigma.ModContains, sigma.ModStartsWith, sigma.ModEndsWith, sigma.ModWindash:
			return false
		}
		return true
	})
}

func literalText(parts []sigma.Part) string {
	if len(parts) == 0 {
		return ""
	}
	return parts[0].Text
}

// checkPlain checks a value for an item that takes no wildcards.
func checkPlain(it *sigma.Item, parts []sigma.Part) error {
	if len(parts) != 1 || parts[0].Kind != sigma.Literal {
		return fmt.Errorf("%q stands where wildcards and empty text cannot", plainText(parts))
	}
	text := parts[0].Text
	for _, m := range it.Modifiers {
		switch m.Name {
		case sigma.ModCIDR:
			if _, err := netip.ParsePrefix(text); err != nil {
				if _, err := netip.ParseAddr(text); err != nil {
					return fmt.Errorf("%q is neither network nor address", text)
				}
			}
		case sigma.ModSince:
			if _, err := sigma.ParseTimespan(text); err != nil {
				return err
			}
			return nil
		case sigma.ModLT, sigma.ModLTE, sigma.ModGT, sigma.ModGTE, sigma.ModHour, sigma.ModMinute, sigma.ModDay, sigma.ModWeek, sigma.ModMonth, sigma.ModYear, sigma.ModWeekday:
			if _, ok := parseNumber(text); !ok && !it.Has(sigma.ModSince) {
				return fmt.Errorf("%q is no number", text)
			}
		}
	}
	return nil
}

func wildcardPlaceholders(m *mapping) transformation {
	return placeholderStep(m, func(*stepRun, sigma.Pos, string) ([][]sigma.Part, bool) {
		return [][]sigma.Part{{{Kind: sigma.AnyRun}}}, true
	})
}

func patterns(texts []string) [][]sigma.Part {
	out := make([][]sigma.Part, len(texts))
	for i, t := range texts {
		out[i] = sigma.ParseParts(t, false)
	}
	return out
}

func valuePlaceholders(m *mapping) transformation {
	return placeholderStep(m, func(s *stepRun, pos sigma.Pos, name string) ([][]sigma.Part, bool) {
		values, ok := s.p.vars[name]
		if !ok && s.p.opts.Placeholders != nil {
			values, ok = s.p.opts.Placeholders(name)
		}
		if ok {
			return patterns(values), true
		}
		var known []string
		for v := range s.p.vars {
			known = append(known, v)
		}
		slices.Sort(known)
		s.errorf(pos, sigma.CodeUnknownParameter, sigma.NearestHint(name, known, "define it under vars, or exclude it from the step so that the tenant profile fills it in"),
			"%s has no variable for %%%s%%", s.step, name)
		return nil, false
	})
}

// fileValues is what file_placeholders reads.
type fileValues struct {
	path   string
	csv    bool
	column string // of a CSV file: a header
	index  int    // or a number
	header bool
	filter *regexp.Regexp
	values [][]sigma.Part // nil: not read
}

func filePlaceholders(m *mapping) transformation {
	f := &fileValues{path: m.needText("path"), header: true, index: -1}
	switch format := m.text("format"); format {
	case "", "plaintext":
	case "csv":
		f.csv = true
	case "json", "yaml":
		m.errorf(m.value["format"], sigma.CodeUnsupported, "write the values one a line, or as CSV", "the step file_placeholders needs jq for %s", format)
	default:
		m.errorf(m.value["format"], sigma.CodeBadValue, "", "format is plaintext or csv, not %q", format)
	}
	if n := m.get("filter"); n != nil && !isNull(n) {
		f.filter = m.compile(n, m.scalarText(n, "filter"), false)
	}
	if n := m.get("csv_has_header"); n != nil {
		f.header = m.bool("csv_has_header")
	}
	switch c := m.get("csv_column"); {
	case c == nil && f.csv:
		m.errorf(m.at, sigma.CodeMissingKey, "", "the step file_placeholders lacks csv_column")
	case c != nil && c.ShortTag() == "!!int":
		if i, err := strconv.Atoi(c.Value); err == nil && i >= 0 {
			f.index = i
		} else {
			m.errorf(c, sigma.CodeBadValue, "", "columns count from 0")
		}
	case c != nil:
		if f.column = m.scalarText(c, "csv_column"); !f.header {
			m.errorf(c, sigma.CodeBadValue, "give its number, from 0", "a file without header has no column %q", f.column)
		}
	}
	m.get("jq_expression")
	t := placeholderStep(m, func(s *stepRun, pos sigma.Pos, name string) ([][]sigma.Part, bool) {
		files := s.do.files
		if files.values == nil {
			s.report(s.place.diagnostic(sigma.CodeUnsupported, "give the file system with Options.FS", "the step file_placeholders reads the file %s, and nobody gave it one", files.path))
			return nil, false
		}
		return files.values, true
	})
	t.files = f
	return t
}

// withFiles returns the steps with the files read that they name.
func withFiles(steps []*step, fsys fs.FS, ds *sigma.Diagnostics) []*step {
	out := slices.Clone(steps)
	for i, st := range steps {
		c := *st
		switch {
		case st.do.nested != nil:
			c.do.nested = withFiles(st.do.nested, fsys, ds)
		case st.do.files != nil:
			f := *st.do.files
			f.values = nil
			if fsys != nil {
				texts, err := f.read(fsys)
				if err != nil {
					*ds = append(*ds, st.diagnostic(sigma.CodeFile, "", "%v", err))
				}
				f.values = patterns(texts)
			}
			c.do.files = &f
		default:
			continue
		}
		out[i] = &c
	}
	return out
}

func (f *fileValues) read(fsys fs.FS) ([]string, error) {
	file, err := fsys.Open(path.Clean(f.path))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxValueFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxValueFile:
		return nil, fmt.Errorf("%s has more than %d bytes", f.path, maxValueFile)
	}
	var out []string
	if !f.csv {
		for line := range strings.Lines(string(data)) {
			if line = strings.TrimSpace(line); line != "" {
				out = append(out, line)
			}
		}
	} else {
		r := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(data), "\ufeff")))
		r.FieldsPerRecord = -1
		column := f.index
		for first := true; ; first = false {
			row, err := r.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.path, err)
			}
			if first && f.header {
				if f.column != "" {
					if column = slices.Index(row, f.column); column < 0 {
						return nil, fmt.Errorf("%s has no column %q; it has %s", f.path, f.column, strings.Join(row, ", "))
					}
				}
				continue
			}
			if column >= 0 && column < len(row) {
				out = append(out, row[column])
			}
		}
	}
	if f.filter != nil {
		out = slices.DeleteFunc(out, func(v string) bool { return !f.filter.MatchString(v) })
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s has no value", f.path)
	}
	return out, nil
}
