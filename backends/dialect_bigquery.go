package backends

import (
	"fmt"
	"strconv"

	"github.com/rulewright/rulewright/compiler/ir"
)

// BigQuery prints for BigQuery; events are of type JSON. It is printed, not
// executed.
var BigQuery = dialect(bigQueryDialect)

var bigQueryDialect = Dialect{
	name: "bigquery", title: "BigQuery", printedOnly: true,
	ident: backQuoted, quote: backslashQuoted, lower: func(x string) string { return "LOWER(" + x + ")" },
	foldsInContext: true,
	translate: func(x string, from, to []rune) string {
		return "TRANSLATE" + translateFunction(x, from, to)[len("translate"):]
	},
	likeEscape: '\\', noEscapeClause: true,
	position: calls("STRPOS"),
	regexp:   func(x, re string) string { return "REGEXP_CONTAINS(" + x + ", " + re + ")" },
	regexps:  re2Syntax,
	textType: "STRING",
	number: func(t string) string {
		return "SAFE_CAST(CASE WHEN " + bigQueryNumberForm(t) + " THEN " + t + " END AS FLOAT64)"
	},
	realText: func(x string) string { return "CAST(" + x + " AS STRING)" },
	timeOf: func(t string) string {
		return "SAFE_CAST(CASE WHEN REGEXP_CONTAINS(" + t + ", '^" + timeForm + "(Z|[+-][0-9]{2}:[0-9]{2})$') THEN REGEXP_REPLACE(" + t + ", '([.][0-9]{6})[0-9]+', '\\\\1') WHEN REGEXP_CONTAINS(" + t + ", '^" + timeForm + "$') THEN CONCAT(REGEXP_REPLACE(" + t + ", '([.][0-9]{6})[0-9]+', '\\\\1'), 'Z') END AS TIMESTAMP)"
	},
	part: func(t string, d ir.Derivation) (string, bool) {
		unit := map[ir.DerivationKind]string{ir.Minute: "MINUTE", ir.Hour: "HOUR", ir.Day: "DAY", ir.Weekday: "DAYOFWEEK", ir.Week: "ISOWEEK", ir.Month: "MONTH", ir.Year: "YEAR"}[d.Kind]
		x := fmt.Sprintf("EXTRACT(%s FROM DATETIME(%s, %s))", unit, t, zoned(d))
		if d.Kind == ir.Weekday { // 1 is Sunday there
			x = "(MOD(" + x + " + 5, 7) + 1)"
		}
		return x, true
	},
	micros:      func(t string) string { return "UNIX_MICROS(" + t + ")" },
	types:       map[ir.Type]string{ir.TypeInt: "INT64", ir.TypeLong: "INT64", ir.TypeReal: "FLOAT64", ir.TypeBool: "BOOL", ir.TypeDatetime: "TIMESTAMP", ir.TypeJSON: "JSON", ir.TypeString: "STRING"},
	timestampOf: func(us string) string { return "TIMESTAMP_MICROS(" + us + ")" },
	divide:      calls("DIV"), modulo: calls("MOD"),
	rowNumber: "GENERATE_UUID()",
	lists: &listDialect{
		of: func(value string) string { return "[" + value + "]" },
		each: func(v place, name, where, list string, whole bool) string {
			return "ARRAY(SELECT of_" + name + " FROM UNNEST(" + bigQueryElements(v, whole) + ") AS " + name + ", UNNEST(" + list + ") AS of_" + name + " WHERE " + where + ")"
		},
		tidy: func(list string, once bool) string {
			return "ARRAY(SELECT " + distinct(once) + "x FROM UNNEST(" + list + ") AS x WHERE x IS NOT NULL)"
		},
		rows: func(list, name string, _ ir.Type) (from, value string) {
			return " LEFT JOIN UNNEST(" + list + ") AS " + name, name
		},
		// A query recurs 500 times at most, and there is no fold.
		refusesOnce: true,
	},
	json: &jsonDialect{
		get:   bigQueryGet,
		kind:  func(v place) string { return "JSON_TYPE(" + bigQueryGet(v) + ")" },
		text:  bigQueryText,
		key:   bracketKey,
		texts: []string{"string"}, numbers: []string{"number"}, bools: []string{"boolean"}, nulls: []string{"null"}, objects: []string{"object"}, arrays: []string{"array"},
		isBool: func(v place, truth bool) string {
			return "CASE WHEN JSON_TYPE(" + bigQueryGet(v) + ") = 'boolean' THEN " + bigQueryText(v) + " END = '" + boolText(truth) + "'"
		},
		exists: func(v place, name, body string, whole bool) string {
			return "EXISTS (SELECT 1 FROM UNNEST(" + bigQueryElements(v, whole) + ") AS " + name + " WHERE " + body + ")"
		},
		parse: func(t string) string {
			j := "SAFE.PARSE_JSON(" + t + ")"
			return "CASE WHEN JSON_TYPE(" + j + ") IN ('object', 'array') THEN " + j + " END"
		},
		wrap: func(t string) string { return "TO_JSON(" + t + ")" },
		number: func(v place, numbers, texts bool) string {
			t := bigQueryText(v)
			return "SAFE_CAST(" + jsonKinds("JSON_TYPE("+bigQueryGet(v)+")", t, bigQueryNumberForm(t), []string{"number"}, "string", numbers, texts) + " AS FLOAT64)"
		},
		integer: func(v place) string {
			return "SAFE_CAST(" + jsonKinds("JSON_TYPE("+bigQueryGet(v)+")", bigQueryText(v), "", []string{"number"}, "", true, false) + " AS INT64)"
		},
		numberText: bigQueryText,
	},
}

// bigQueryElements is the list of what is in a value, lists taken apart.
func bigQueryElements(v place, whole bool) string {
	doc := bigQueryGet(v)
	if whole {
		doc = "CASE WHEN JSON_TYPE(" + doc + ") <> 'null' THEN " + doc + " END"
	}
	return "JSON_FLATTEN(" + doc + ")"
}

func bigQueryNumberForm(t string) string {
	return "REGEXP_CONTAINS(" + t + ", '^-?[0-9]{1,15}([.][0-9]{1,15})?$')"
}

func bigQueryPath(v place) string {
	path := "$"
	for _, s := range v.path {
		if s.list {
			path += "[" + strconv.Itoa(s.index) + "]"
		} else {
			path += `."` + s.key + `"`
		}
	}
	return path
}

func bigQueryGet(v place) string {
	if len(v.path) == 0 {
		return v.base
	}
	return "JSON_QUERY(" + v.base + ", '" + bigQueryPath(v) + "')"
}

func bigQueryText(v place) string {
	return "JSON_VALUE(" + v.base + ", '" + bigQueryPath(v) + "')"
}
