package pysigma

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"gopkg.in/yaml.v3"

	"github.com/rulewright/rulewright/sigma"
)

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
