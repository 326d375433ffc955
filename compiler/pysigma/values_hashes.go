package pysigma

import (
	"slices"
	"strings"

	"github.com/rulewright/rulewright/sigma"
)

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
