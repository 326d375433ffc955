package kusto

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

func init() {
	define("tolower", "s", TypeString, func(v []Value) Value { return strings.Map(lower, v[0].(string)) })
	define("toupper", "s", TypeString, func(v []Value) Value { return strings.Map(upper, v[0].(string)) })
	define("strlen", "s", TypeLong, func(v []Value) Value { return int64(utf8.RuneCountInString(v[0].(string))) })
	define("string_size", "s", TypeLong, func(v []Value) Value { return int64(len(v[0].(string))) })
	define("isascii", "s", TypeBool, func(v []Value) Value { return ascii(v[0].(string)) })
	defineNull("strcat", "*|*+", TypeString, func(c *call, v []Value) Value {
		var b strings.Builder
		for _, x := range v {
			b.WriteString(c.b.c.text(x))
		}
		return c.limit(b.String())
	})
	defineNull("strcat_delim", "s**+", TypeString, func(c *call, v []Value) Value {
		var parts []string
		for _, x := range v[1:] {
			parts = append(parts, c.b.c.text(x))
		}
		return c.limit(strings.Join(parts, v[0].(string)))
	})
	defineNull("strcat_array", "ys", TypeString, func(c *call, v []Value) Value {
		a, ok := v[0].([]any)
		if !ok {
			return ""
		}
		parts := make([]string, len(a))
		for i, x := range a {
			parts[i] = c.b.c.text(x)
		}
		return c.limit(strings.Join(parts, v[1].(string)))
	})
	define("substring", "si|i", TypeString, func(v []Value) Value {
		r := []rune(v[0].(string))
		n := int64(len(r))
		from := whole(v[1])
		if from < 0 {
			from = max(0, from+n)
		}
		from = min(from, n)
		to := n
		if len(v) > 2 {
			to = min(n, from+max(0, min(whole(v[2]), n)))
		}
		return string(r[from:to])
	})
	define("split", "ss|i", TypeDynamic, func(v []Value) Value {
		var parts []string
		if v[1] == "" {
			parts = []string{v[0].(string)}
		} else {
			parts = strings.Split(v[0].(string), v[1].(string))
		}
		if len(v) > 2 {
			i := whole(v[2])
			if i < 0 || i >= int64(len(parts)) {
				return nil
			}
			parts = parts[i : i+1]
		}
		return anys(parts)
	})
	defineCall("replace_string", "sss", TypeString, func(c *call, v []Value) Value {
		s, from, to := v[0].(string), v[1].(string), v[2].(string)
		if from == "" {
			return s
		}
		if len(to) > len(from) && len(s)+strings.Count(s, from)*(len(to)-len(from)) > maxString {
			fail(c.pos, "replace_string() gives a string of more than %d bytes", maxString)
		}
		return strings.ReplaceAll(s, from, to)
	})
	define("strcmp", "ss", TypeLong, func(v []Value) Value { return int64(strings.Compare(v[0].(string), v[1].(string))) })
	define("reverse", "s", TypeString, func(v []Value) Value {
		r := []rune(v[0].(string))
		slices.Reverse(r)
		return string(r)
	})
	defineCall("strrep", "si|s", TypeString, func(c *call, v []Value) Value {
		s, n, d := v[0].(string), whole(v[1]), ""
		if len(v) > 2 {
			d = v[2].(string)
		}
		if n < 0 || n > 1024 || int64(len(s)+len(d))*n > maxString {
			refuse(c.pos, "strrep() %d times", n)
		}
		return strings.TrimSuffix(strings.Repeat(s+d, int(n)), d)
	})
	defineNull("indexof", "**|iii", TypeLong, func(c *call, v []Value) Value { return indexOf(c, v) })
	define("unicode_codepoints_from_string", "s", TypeDynamic, func(v []Value) Value {
		out := []any{}
		for _, r := range v[0].(string) {
			out = append(out, int64(r))
		}
		return out
	})
	define("url_decode", "s", TypeString, func(v []Value) Value {
		s, err := url.PathUnescape(v[0].(string))
		if err != nil || !utf8.ValidString(s) {
			return v[0]
		}
		return s
	})
	define("base64_decode_tostring", "s", TypeString, func(v []Value) Value {
		b, err := base64.StdEncoding.Strict().DecodeString(v[0].(string))
		if err != nil || !utf8.Valid(b) {
			return ""
		}
		return string(b)
	})
	define("base64_encode_tostring", "s", TypeString, func(v []Value) Value {
		return base64.StdEncoding.EncodeToString([]byte(v[0].(string)))
	})
	hash := func(name string, f func(c *call, v []Value) Value) {
		special(name, "*", func(c *call) *expr {
			if c.args[0].typ == TypeDynamic {
				fail(c.argPos(0), "%s() does not take a dynamic value; add an explicit cast", c.name)
			}
			return c.result(TypeString, func(v []Value) Value { return f(c, v) })
		})
	}
	hash("hash_sha256", func(c *call, v []Value) Value {
		h := sha256.Sum256([]byte(c.b.c.text(v[0])))
		return hex.EncodeToString(h[:])
	})
	hash("hash_sha1", func(c *call, v []Value) Value {
		h := sha1.Sum([]byte(c.b.c.text(v[0])))
		return hex.EncodeToString(h[:])
	})
	hash("hash_md5", func(c *call, v []Value) Value {
		h := md5.Sum([]byte(c.b.c.text(v[0])))
		return hex.EncodeToString(h[:])
	})
	define("regex_quote", "s", TypeString, func(v []Value) Value { return regexp.QuoteMeta(v[0].(string)) })

	special("replace_regex", "sss", func(c *call) *expr {
		re, pos := c.b.regex(c.pos, c.args[1]), c.pos
		return &expr{typ: TypeString, eval: func(e *env) Value {
			s := c.args[0].eval(e).(string)
			return c.limit(rewrite(re(e).on(pos, s), s, c.args[2].eval(e).(string)))
		}}
	})
	trimmer := func(name string, start, end bool) {
		special(name, "ss", func(c *call) *expr {
			text := func(e *expr, f func(string) string) *expr {
				return fold(&expr{typ: TypeString, eval: func(n *env) Value { return f(e.eval(n).(string)) }}, e)
			}
			head := c.b.regex(c.pos, text(c.args[0], func(s string) string { return `\A(?:` + s + `)+` }))
			tail := c.b.regex(c.pos, text(c.args[0], func(s string) string { return `(?:` + s + `)+\z` }))
			pos := c.pos
			return &expr{typ: TypeString, eval: func(e *env) Value {
				s := c.args[1].eval(e).(string)
				if start {
					if m := head(e).on(pos, s).FindStringIndex(s); m != nil {
						s = s[m[1]:]
					}
				}
				if end {
					if m := tail(e).on(pos, s).FindStringIndex(s); m != nil {
						s = s[:m[0]]
					}
				}
				return s
			}}
		})
	}
	trimmer("trim", true, true)
	trimmer("trim_start", true, false)
	trimmer("trim_end", false, true)
	special("extract", "sis|*", func(c *call) *expr {
		re, pos, t := c.b.regex(c.pos, c.args[0]), c.pos, c.typeof
		if t == 0 {
			t = TypeString
		}
		if len(c.args) > 3 {
			fail(c.argPos(3), "the fourth argument of extract() is typeof(…)")
		}
		return &expr{typ: t, eval: func(e *env) Value {
			s, n := c.args[2].eval(e).(string), c.args[1].eval(e)
			m := re(e).on(pos, s).FindStringSubmatch(s)
			if m == nil || n == nil || whole(n) < 0 || whole(n) >= int64(len(m)) {
				return null(t)
			}
			return convertText(pos, t, m[whole(n)])
		}}
	})
	special("extract_all", "s*|*", func(c *call) *expr { return extractAll(c) })
	special("countof", "ss|s", func(c *call) *expr {
		regex := false
		if len(c.args) > 2 {
			k := c.args[2]
			if !k.konst || k.val != "normal" && k.val != "regex" {
				fail(c.argPos(2), `the kind of countof() is "normal" or "regex"`)
			}
			regex = k.val == "regex"
		}
		if regex {
			re, pos := c.b.regex(c.pos, c.args[1]), c.pos
			return c.countRegex(re, pos)
		}
		return c.result(TypeLong, func(v []Value) Value {
			s, t, n := v[0].(string), v[1].(string), int64(0)
			if t == "" {
				return n
			}
			for {
				i := strings.Index(s, t)
				if i < 0 {
					return n
				}
				n++
				_, w := utf8.DecodeRuneInString(s[i:])
				s = s[i+w:]
			}
		})
	})
}

func (c *call) countRegex(re func(*env) *pattern, pos int) *expr {
	return &expr{typ: TypeLong, eval: func(e *env) Value {
		s := c.args[0].eval(e).(string)
		return int64(len(re(e).on(pos, s).FindAllStringIndex(s, -1)))
	}}
}

func anys(s []string) []any {
	out := make([]any, len(s))
	for i, x := range s {
		out[i] = x
	}
	return out
}

// convertText is a string as a value of a type, null if it is none.
func convertText(pos int, t Type, s string) Value {
	switch t {
	case TypeBool:
		return toBool(s)
	case TypeInt:
		return toInt(s)
	case TypeLong:
		return toLong(s)
	case TypeReal:
		return toReal(s)
	case TypeDatetime:
		return toDatetime(pos, s)
	case TypeTimespan:
		return toTimespan(pos, s)
	case TypeGUID:
		return toGUID(s)
	case TypeDynamic:
		return parseJSON(s)
	}
	return s
}

// rewrite replaces the matches of re; \0 to \9 stand for groups.
func rewrite(re *regexp.Regexp, s, by string) string {
	var b strings.Builder
	last := 0
	for _, m := range re.FindAllStringSubmatchIndex(s, -1) {
		b.WriteString(s[last:m[0]])
		for i := 0; i < len(by); i++ {
			if by[i] == '\\' && i+1 < len(by) && digit(by[i+1]) {
				i++
				if g := int(by[i]-'0') * 2; g < len(m) && m[g] >= 0 {
					b.WriteString(s[m[g]:m[g+1]])
				}
				continue
			}
			b.WriteByte(by[i])
		}
		last = m[1]
		if b.Len() > maxString {
			break
		}
	}
	b.WriteString(s[last:])
	return b.String()
}

func extractAll(c *call) *expr {
	if c.args[0].typ != TypeString {
		fail(c.pos, "extract_all() needs a regular expression")
	}
	src := c.args[len(c.args)-1]
	if src.typ != TypeString || len(c.args) == 3 && c.args[1].typ != TypeDynamic {
		fail(c.pos, "extract_all() takes a regular expression, an array of groups, and a string")
	}
	re, pos := c.b.regex(c.pos, c.args[0]), c.pos
	return &expr{typ: TypeDynamic, eval: func(e *env) Value {
		s := src.eval(e).(string)
		p := re(e).on(pos, s)
		if p.NumSubexp() == 0 {
			fail(pos, "extract_all() needs a group in its regular expression")
		}
		var groups []int
		if len(c.args) == 3 {
			want, _ := c.args[1].eval(e).([]any)
			for _, g := range want {
				n := -1
				switch x := g.(type) {
				case int64:
					n = int(min(x, 1<<20))
				case string:
					n = p.SubexpIndex(x)
				}
				if n < 1 || n > p.NumSubexp() {
					fail(pos, "extract_all() is asked for a group that there is not")
				}
				groups = append(groups, n)
			}
		} else {
			for g := 1; g <= p.NumSubexp(); g++ {
				groups = append(groups, g)
			}
		}
		var out []any
		for _, m := range p.FindAllStringSubmatch(s, -1) {
			if len(groups) == 1 {
				out = append(out, m[groups[0]])
				continue
			}
			row := []any{}
			for _, g := range groups {
				row = append(row, m[g])
			}
			out = append(out, row)
		}
		if out == nil {
			return nil
		}
		return out
	}}
}

// indexOf finds an occurrence of a string, counted in characters. A negative
// start counts from the end.
func indexOf(c *call, v []Value) Value {
	s, t := []rune(c.b.c.text(v[0])), []rune(c.b.c.text(v[1]))
	start, length, nth := int64(0), int64(-1), int64(1)
	for i, p := range []*int64{&start, &length, &nth} {
		if len(v) > i+2 {
			if v[i+2] == nil {
				return nil
			}
			*p = whole(v[i+2])
		}
	}
	if nth < 0 || length < -1 {
		return nil
	}
	n := int64(len(s))
	if start < 0 {
		start = max(0, n+start)
	}
	// The length counts from where each search begins: a second occurrence is
	// searched for from behind the first one, in as many characters again.
	for from := start; ; {
		end := n
		if length >= 0 && length < n {
			end = min(n, from+length)
		}
		i := from
		for i+int64(len(t)) <= end && !slices.Equal(s[i:i+int64(len(t))], t) {
			i++
		}
		if i+int64(len(t)) > end {
			return int64(-1)
		}
		if nth--; nth <= 0 {
			return i
		}
		from = i + 1
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
