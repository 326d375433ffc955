package backends

import (
	"fmt"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// DuckDB prints for DuckDB 1.3 and newer; zones and datetimes in text need its
// icu extension, which its releases bring along. Lists in JSON are taken apart
// to a depth of 4.
var DuckDB = dialect(duckDBDialect)

var duckDBDialect = Dialect{
	name:  "duckdb",
	title: "DuckDB",
	quote: func(s string) (string, bool) {
		q := "'" + strings.ReplaceAll(s, "'", "''") + "'"
		if strings.ContainsRune(s, 0) {
			return "(" + strings.ReplaceAll(q, "\x00", "' || chr(0) || '") + ")", true
		}
		return q, true
	},
	regexp:   func(x, re string) string { return "regexp_matches(" + x + ", " + re + ")" },
	regexps:  re2Syntax,
	lateral:  "LATERAL ",
	textType: "VARCHAR",
	number:   func(t string) string { return duckDBNumber(duckDBNumberForm(t), t) },
	realText: func(x string) string { return duckDBRealText("CAST(" + x + " AS VARCHAR)") },
	timeOf: func(t string) string {
		return "TRY_CAST(CASE WHEN regexp_full_match(" + t + ", '" + timeForm + "(Z|[+-][0-9]{2}:[0-9]{2})') THEN " + t +
			" WHEN regexp_full_match(" + t + ", '" + timeForm + "') THEN " + t + " || 'Z' END AS TIMESTAMPTZ)"
	},
	part:   datePart,
	micros: func(t string) string { return "epoch_us(" + t + ")" },
	types: map[ir.Type]string{ir.TypeInt: "INTEGER", ir.TypeLong: "BIGINT", ir.TypeReal: "DOUBLE", ir.TypeBool: "BOOLEAN", ir.TypeDatetime: "TIMESTAMPTZ",
		ir.TypeGUID: "UUID", ir.TypeJSON: "JSON", ir.TypeString: "VARCHAR"},
	timestampOf: func(us string) string { return "make_timestamptz(CAST(" + us + " AS BIGINT))" },
	divide:      infix("//"),
	as:          "MATERIALIZED ",
	lists: &listDialect{
		of: func(value string) string { return "[" + value + "]" },
		each: func(v place, name, where, list string, whole bool) string {
			if whole {
				where = allOf(comparison(duckDBNoList(name)), cond{where, ir.PrecedenceOr}).text
			}
			elements := duckDBElements(v, whole)
			if where != "TRUE" {
				elements = "list_filter(" + elements + ", lambda " + name + ": " + where + ")"
			}
			return "flatten(list_transform(" + elements + ", lambda " + name + ": " + list + "))"
		},
		tidy: func(list string, once bool) string {
			if once { // without nulls too
				return "list_distinct(" + list + ")"
			}
			return "list_filter(" + list + ", lambda x: x IS NOT NULL)"
		},
		rows: func(list, name string, _ ir.Type) (from, value string) {
			return " LEFT JOIN LATERAL (SELECT unnest(" + list + ") AS k) AS " + name + " ON TRUE", name + ".k"
		},
		joined: func(list string) string { return "array_to_string(list_sort(" + list + "), '\x1f')" },
		raised: func(t string, us int64) string { // a recursion would look through all hits at each step
			return fmt.Sprintf("list_reduce(list_transform(list_sort(list(DISTINCT %[1]s) FILTER (%[1]s IS NOT NULL)), lambda x: [x]), lambda raised, x: CASE WHEN x[1] > raised[-1] + %[2]d THEN list_append(raised, x[1]) ELSE raised END)", t, us)
		},
		has: calls("list_contains"),
	},
	json: &jsonDialect{
		get:     func(v place) string { return duckDBPath("json_extract", v, "") },
		kind:    func(v place) string { return duckDBPath("json_type", v, "") },
		text:    func(v place) string { return duckDBPath("json_extract_string", v, "") },
		key:     func(k string) bool { return k != "" && !strings.ContainsRune(k, 0) },
		texts:   []string{"VARCHAR"},
		numbers: []string{"UBIGINT", "BIGINT", "DOUBLE"},
		bools:   []string{"BOOLEAN"},
		nulls:   []string{"NULL"},
		objects: []string{"OBJECT"},
		arrays:  []string{"ARRAY"},
		isBool: func(v place, truth bool) string {
			return duckDBPath("json_extract", v, "") + " = '" + boolText(truth) + "'::JSON"
		},
		exists: func(v place, name, body string, whole bool) string {
			if whole {
				body = duckDBNoList(name) + " AND (" + body + ")"
			}
			return "len(list_filter(" + duckDBElements(v, whole) + ", lambda " + name + ": " + body + ")) > 0"
		},
		rows: func(v place, name string, whole bool) (from, where string) {
			from = "(SELECT unnest(" + duckDBElements(v, whole) + ") AS " + name + ") AS of_" + name
			if whole {
				return from, duckDBNoList(name)
			}
			return from, "TRUE"
		},
		leaves: func(v place, name, body string) string {
			return "len(list_filter(" + duckDBPath("json_extract", v, "..*") + ", lambda " + name + ": " + body + ")) > 0"
		},
		parse: func(t string) string {
			j := "TRY_CAST(" + t + " AS JSON)"
			return "CASE WHEN json_type(" + j + ") IN ('OBJECT', 'ARRAY') AND NOT regexp_matches(" + t + ", '" + duckDBLoose + "') THEN " + j + " END"
		},
		wrap: func(t string) string { return "to_json(" + t + ")" },
		number: func(v place, numbers, texts bool) string {
			t := duckDBPath("json_extract_string", v, "")
			return "TRY_CAST(" + jsonKinds(duckDBPath("json_type", v, ""), t, duckDBNumberForm(t), []string{"UBIGINT", "BIGINT", "DOUBLE"}, "VARCHAR", numbers, texts) + " AS DOUBLE)"
		},
		integer:    duckDBInteger,
		numberText: duckDBNumberText,
		exact: func(v place) string {
			real := duckDBNumber(in(duckDBPath("json_type", v, ""), "UBIGINT", "DOUBLE"), duckDBPath("json_extract_string", v, ""))
			return "coalesce(CAST(" + duckDBInteger(v) + " AS HUGEINT), TRY_CAST(" + real + " AS HUGEINT))"
		},
	},
}

// duckDBLoose finds, outside strings, what DuckDB reads as JSON and no other
// reader does: a comma before a closing bracket, NaN, Infinity and Inf.
const duckDBLoose = `^([^"]|"([^"\\]|\\.)*")*(,\s*[\]}]|[nN][aA]|[iI])`

// duckDBElements is the list of a value and of what is in lists in it.
func duckDBElements(v place, whole bool) string {
	first := "[" + duckDBPath("json_extract", v, "") + "]"
	if whole {
		first = "CASE WHEN " + duckDBPath("json_type", v, "") + " NOT IN ('ARRAY', 'NULL') THEN " + first + " END"
	}
	lists := []string{first}
	for depth := 1; depth <= listDepth; depth++ {
		lists = append(lists, duckDBPath("json_extract", v, strings.Repeat("[*]", depth)))
	}
	return "list_concat(" + strings.Join(lists, ", ") + ")"
}

func duckDBNoList(name string) string { return "json_type(" + name + ") <> 'ARRAY'" }

// listDepth is how deep a list may stand in lists, in dialects that cannot take
// them apart to any depth.
const listDepth = 4

func duckDBNumberForm(t string) string {
	return "regexp_full_match(" + t + ", '" + ir.NumberTextForm + "')"
}

func duckDBNumber(when, t string) string {
	return "TRY_CAST(CASE WHEN " + when + " THEN " + t + " END AS DOUBLE)"
}

// duckDBRealText is the text d of a fraction, as DuckDB casts one, without its
// exponent.
func duckDBRealText(d string) string {
	digits := "regexp_replace(split_part(" + d + ", 'e', 1), '[-.]', '', 'g')"
	exponent := "CAST(split_part(" + d + ", 'e', 2) AS INTEGER)"
	return "CASE WHEN " + d + " LIKE '%e%' THEN CASE WHEN " + d + " LIKE '-%' THEN '-' ELSE '' END || CASE WHEN " + exponent + " > 0 THEN rpad(" + digits + ", " + exponent +
		" + 1, '0') ELSE '0.' || repeat('0', -1 - " + exponent + ") || " + digits + " END ELSE regexp_replace(" + d + ", '\\.0$', '') END"
}

// duckDBNumberText is the text of a JSON number: an integer of 64 bits as it is,
// others as fractions.
func duckDBNumberText(v place) string {
	t := duckDBPath("json_extract_string", v, "")
	return "coalesce(CAST(" + duckDBInteger(v) + " AS VARCHAR), " + duckDBRealText("CAST(TRY_CAST("+t+" AS DOUBLE) AS VARCHAR)") + ")"
}

func duckDBInteger(v place) string {
	return "TRY_CAST(CASE WHEN " + in(duckDBPath("json_type", v, ""), "UBIGINT", "BIGINT") + " THEN " + duckDBPath("json_extract_string", v, "") + " END AS BIGINT)"
}

// duckDBPath calls a function of a JSON value and a path.
func duckDBPath(function string, v place, tail string) string {
	if len(v.path) == 0 && tail == "" {
		switch function {
		case "json_extract":
			return v.base
		case "json_type":
			return "json_type(" + v.base + ")"
		}
	}
	var b strings.Builder
	b.WriteByte('$')
	for _, s := range v.path {
		switch {
		case s.list:
			fmt.Fprintf(&b, "[%d]", s.index)
		case plainName(s.key):
			b.WriteString("." + s.key)
		default:
			b.WriteString(`."` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s.key) + `"`)
		}
	}
	q, _ := singleQuoted(b.String() + tail)
	return function + "(" + v.base + ", " + q + ")"
}

func translateFunction(x string, from, to []rune) string {
	f, _ := singleQuoted(string(from))
	t, _ := singleQuoted(string(to))
	return "translate(" + x + ", " + f + ", " + t + ")"
}

func likeOperator(x, pattern, escape string) string {
	if escape != "" {
		escape = " ESCAPE " + escape
	}
	return x + " LIKE " + pattern + escape
}
