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

	"github.com/rulewright/rulewright/sigma"
)

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
		case sigma.ModDate:
			if _, err := sigma.ParseDate(text); err != nil {
				return err
			}
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
