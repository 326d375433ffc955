package backends

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// keywords prints a search in every text of an event: in the message columns
// of its table.
func (p *kqlPrinter) keywords(m *ir.Match, negated bool) (string, error) {
	if p.event != "" {
		text, err := p.jsonKeywords(m, "tostring("+kqlName(p.event)+")")
		return text, err
	}
	if len(p.rule.Source.Messages) == 0 {
		return "", p.refuse(m, "the pipeline names no message columns for %s; keywords cannot be said", p.rule.Source.Table)
	}
	var parts []string
	for _, f := range p.rule.Source.Messages {
		steps := f.Steps()
		if len(steps) != 1 {
			return "", p.refuse(m, "the message field %s is no column; keywords cannot be said", f.Name)
		}
		name := kqlName(steps[0].Key)
		switch {
		case f.ColumnType == ir.TypeJSON || f.ColumnType == ir.TypeUnknown:
			text, err := p.jsonKeywords(m, "tostring("+name+")")
			if err != nil {
				return "", err
			}
			parts = append(parts, text)
		case f.Type == ir.TypeJSON || steps[0].JSON:
			text, err := p.jsonKeywords(m, name)
			if err != nil {
				return "", err
			}
			parts = append(parts, text)
		default:
			one := *m
			one.Field = f
			p.origin[&one] = m
			text, err := p.leaf(&kqlScope{}, &one, negated)
			if err != nil {
				return "", err
			}
			if text != "false" {
				parts = append(parts, text)
			}
		}
	}
	if len(parts) == 0 {
		return "false", nil
	}
	return kqlJoin(" or ", parenthesised(parts, ir.PrecedenceOr)), nil
}

// jsonKeywords searches the scalars in a JSON text by one regular expression: a
// text that is no key stands behind a colon, comma or bracket and has a comma or
// bracket behind it.
func (p *kqlPrinter) jsonKeywords(m *ir.Match, text string) (string, error) {
	const (
		any  = `(?:[^"\\]|\\.)`
		from = `[:\[,]\s*`
		to   = `\s*[,\]}]`
	)
	var bodies, bare []string
	for _, v := range m.Values {
		body, lead, tail := "", any+"*", any+"*"
		switch v := v.(type) {
		case ir.String:
			body = jsonRegexp(string(v))
			switch m.Op {
			case ir.StartsWith:
				lead = ""
			case ir.EndsWith:
				tail = ""
			case ir.Equal:
				lead, tail = "", ""
			}
			if plainScalar.MatchString(string(v)) {
				l, t := `[-0-9.a-zA-Z]*`, `[-0-9.a-zA-Z]*`
				if lead == "" {
					l = ""
				}
				if tail == "" {
					t = ""
				}
				bare = append(bare, l+body+t)
			}
		case ir.Pattern:
			lead, tail = "", ""
			for _, part := range v {
				switch part.Kind {
				case ir.AnyRun:
					body += any + "*"
				case ir.AnyOne:
					body += any
				default:
					body += jsonRegexp(part.Text)
				}
			}
		default:
			return "", p.refuse(m, "keywords in columns of JSON can be texts only; this cannot be said")
		}
		bodies = append(bodies, lead+body+tail)
	}
	flags := "(?is)"
	if m.Cased {
		flags = "(?s)"
	}
	re := `"(?:` + strings.Join(bodies, "|") + `)"`
	if len(bare) > 0 {
		re = `(?:` + re + `|` + strings.Join(bare, "|") + `)`
	}
	return text + " matches regex " + kqlString(flags+from+re+to), nil
}

// plainScalar is what part of a number or boolean looks like.
var plainScalar = regexp.MustCompile(`(?i)\A(?:[-0-9.]+|t|tr|tru|true|r|ru|rue|u|ue|e|f|fa|fal|fals|false|a|al|als|alse|l|ls|lse|s|se)\z`)

// jsonRegexp is literal text as it stands in a JSON string.
func jsonRegexp(s string) string {
	var b strings.Builder
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteString(regexp.QuoteMeta(`\` + string(c)))
		case c == '\n':
			b.WriteString(`\\n`)
		case c == '\r':
			b.WriteString(`\\r`)
		case c == '\t':
			b.WriteString(`\\t`)
		case c < ' ':
			fmt.Fprintf(&b, `\\u%04x`, c)
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return b.String()
}
