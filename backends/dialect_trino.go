package backends

import (
	"fmt"

	"github.com/rulewright/rulewright/compiler/ir"
)

// Trino prints for Trino and Athena; events are of type JSON. It is printed, not
// executed. Lists in JSON are taken apart to a depth of 4.
var Trino = dialect(trinoDialect)

var trinoDialect = Dialect{
	name: "trino", title: "Trino, Athena", printedOnly: true,
	isNotTrue: notCoalesced,
	regexp:    func(x, re string) string { return "regexp_like(" + x + ", " + re + ")" },
	regexps:   javaSyntax,
	textType:  "varchar",
	number: func(t string) string {
		return "TRY_CAST(CASE WHEN " + trinoNumberForm(t) + " THEN " + t + " END AS double)"
	},
	realText: func(x string) string { return "CAST(" + x + " AS varchar)" },
	timeOf: func(t string) string {
		return "TRY(from_iso8601_timestamp_nanos(CASE WHEN regexp_like(" + t + ", '^" + timeForm + "(Z|[+-][0-9]{2}:[0-9]{2})$') THEN replace(" + t + ", ' ', 'T') WHEN regexp_like(" + t + ", '^" + timeForm + "$') THEN replace(" + t + ", ' ', 'T') || 'Z' END))"
	},
	part: func(t string, d ir.Derivation) (string, bool) {
		function := d.Kind.String()
		if d.Kind == ir.Weekday {
			function = "day_of_week"
		}
		return function + "(at_timezone(" + t + ", " + zoned(d) + "))", true
	},
	micros:      func(t string) string { return "CAST(to_unixtime(" + t + ") * 1000000 AS bigint)" },
	types:       map[ir.Type]string{ir.TypeInt: "integer", ir.TypeLong: "bigint", ir.TypeReal: "double", ir.TypeBool: "boolean", ir.TypeDatetime: "timestamp(6) with time zone", ir.TypeGUID: "uuid", ir.TypeJSON: "json", ir.TypeString: "varchar"},
	timestampOf: func(us string) string { return "from_unixtime_nanos((" + us + ") * 1000)" },
	lists: &listDialect{
		of:   func(value string) string { return "ARRAY[" + value + "]" },
		each: transformed(trinoElements),
		tidy: withoutNulls,
		rows: func(list, name string, _ ir.Type) (from, value string) {
			return " LEFT JOIN UNNEST(" + list + ") AS " + name + " (k) ON TRUE", name + ".k"
		},
		joined: func(list string) string { return "array_join(array_sort(" + list + "), chr(31))" },
		raised: func(t string, us int64) string {
			return fmt.Sprintf("reduce(array_sort(array_agg(DISTINCT %s)), CAST(ARRAY[] AS array(bigint)), (raised, x) -> IF(coalesce(x > array_max(raised) + %d, TRUE), raised || x, raised), raised -> raised)", t, us)
		},
		has: calls("contains"),
	},
	json: &jsonDialect{
		get:   trinoGet,
		kind:  trinoKind,
		text:  func(v place) string { return "json_extract_scalar(" + v.base + ", '" + bracketPath("$", v.path) + "')" },
		key:   bracketKey,
		texts: []string{"string"}, numbers: []string{"number"}, bools: []string{"boolean"}, nulls: []string{"null"}, objects: []string{"object"}, arrays: []string{"array"},
		isBool: func(v place, truth bool) string {
			return "json_format(" + trinoGet(v) + ") = '" + boolText(truth) + "'"
		},
		exists: func(v place, name, body string, whole bool) string {
			return "any_match(" + trinoElements(v, whole) + ", " + name + " -> " + body + ")"
		},
		parse: func(t string) string {
			j := "TRY(json_parse(" + t + "))"
			return "CASE WHEN substr(json_format(" + j + "), 1, 1) IN ('{', '[') THEN " + j + " END"
		},
		wrap: func(t string) string { return "CAST(" + t + " AS json)" },
		number: func(v place, numbers, texts bool) string {
			t := "json_extract_scalar(" + v.base + ", '" + bracketPath("$", v.path) + "')"
			return "TRY_CAST(" + jsonKinds(trinoKind(v), t, trinoNumberForm(t), []string{"number"}, "string", numbers, texts) + " AS double)"
		},
		integer:    func(v place) string { return "TRY_CAST(json_format(" + trinoGet(v) + ") AS bigint)" },
		numberText: func(v place) string { return "json_extract_scalar(" + v.base + ", '" + bracketPath("$", v.path) + "')" },
	},
}

// trinoElements is the list of what is in a value, lists taken apart.
func trinoElements(v place, whole bool) string {
	list := "ARRAY[" + trinoGet(v) + "]"
	if whole {
		list = "CASE WHEN " + notIn(trinoKind(v), "null") + " THEN " + list + " END"
	}
	for range listDepth {
		list = "flatten(transform(" + list + ", y -> CASE WHEN json_array_length(y) IS NOT NULL THEN CAST(y AS array(json)) ELSE ARRAY[y] END))"
	}
	return list
}

func trinoNumberForm(t string) string {
	return "regexp_like(" + t + ", '\\A" + ir.NumberTextForm + "\\z')"
}

func trinoGet(v place) string {
	if len(v.path) == 0 {
		return v.base
	}
	return "json_extract(" + v.base + ", '" + bracketPath("$", v.path) + "')"
}

func trinoKind(v place) string {
	return "CASE substr(json_format(" + trinoGet(v) + "), 1, 1) WHEN '\"' THEN 'string' WHEN '{' THEN 'object' WHEN '[' THEN 'array' WHEN 't' THEN 'boolean' WHEN 'f' THEN 'boolean' WHEN 'n' THEN 'null'" +
		" ELSE CASE WHEN " + trinoGet(v) + " IS NOT NULL THEN 'number' END END"
}
