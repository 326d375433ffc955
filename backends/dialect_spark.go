package backends

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// Spark prints for Spark 4 and Databricks; events are of type VARIANT. It is
// printed, not executed. Lists in JSON are taken apart to a depth of 4.
var Spark = dialect(sparkDialect)

var sparkDialect = Dialect{
	name: "spark", title: "Spark, Databricks", printedOnly: true,
	ident: func(name string) string {
		if plainName(name) && !reserved[strings.ToLower(name)] {
			return name
		}
		return "`" + strings.ReplaceAll(name, "`", "``") + "`"
	},
	quote: backslashQuoted, foldsInContext: true, // a final sigma
	likeEscape: '\\',
	position:   calls("instr"),
	regexp:     func(x, re string) string { return "regexp_like(" + x + ", " + re + ")" },
	regexps:    javaSyntax,
	textType:   "STRING",
	number: func(t string) string {
		return "try_cast(CASE WHEN " + sparkNumberForm(t) + " THEN " + t + " END AS DOUBLE)"
	},
	integer:  func(i int64) string { return strconv.FormatInt(i, 10) + "L" },
	realText: func(x string) string { return "CAST(" + x + " AS STRING)" },
	timeOf: func(t string) string {
		return "try_cast(CASE WHEN regexp_like(" + t + ", '^" + timeForm + "(Z|[+-][0-9]{2}:[0-9]{2})$') THEN " + t + " WHEN regexp_like(" + t + ", '^" + timeForm + "$') THEN " + t + " || 'Z' END AS TIMESTAMP)"
	},
	part: func(t string, d ir.Derivation) (string, bool) {
		unit := map[ir.DerivationKind]string{ir.Minute: "MINUTE", ir.Hour: "HOUR", ir.Day: "DAY", ir.Weekday: "DAYOFWEEK_ISO", ir.Week: "WEEK", ir.Month: "MONTH", ir.Year: "YEAR"}[d.Kind]
		// Without the session's zone, which a TIMESTAMP is shown in.
		return "CAST(date_part('" + unit + "', convert_timezone('UTC', " + zoned(d) + ", timestampadd(MICROSECOND, unix_micros(" + t + "), TIMESTAMP_NTZ '1970-01-01 00:00:00'))) AS BIGINT)", true
	},
	micros:      func(t string) string { return "unix_micros(" + t + ")" },
	types:       map[ir.Type]string{ir.TypeInt: "INT", ir.TypeLong: "BIGINT", ir.TypeReal: "DOUBLE", ir.TypeBool: "BOOLEAN", ir.TypeDatetime: "TIMESTAMP", ir.TypeJSON: "VARIANT", ir.TypeString: "STRING"},
	timestampOf: func(us string) string { return "timestamp_micros(" + us + ")" },
	divide:      infix("DIV"), rowNumber: "monotonically_increasing_id()",
	lists: &listDialect{
		of:   func(value string) string { return "array(" + value + ")" },
		each: transformed(sparkElements),
		tidy: withoutNulls,
		rows: func(list, name string, _ ir.Type) (from, value string) {
			return " LATERAL VIEW OUTER explode(" + list + ") " + name + " AS k_" + name, name + ".k_" + name
		},
		joined: func(list string) string { return "array_join(array_sort(" + list + "), '\x1f')" },
		raised: func(t string, us int64) string {
			return fmt.Sprintf("aggregate(array_sort(collect_set(%s)), CAST(array() AS ARRAY<BIGINT>), (raised, x) -> IF(coalesce(x > array_max(raised) + %d, TRUE), array_append(raised, x), raised))", t, us)
		},
		has: calls("array_contains"),
	},
	json: &jsonDialect{
		get:   sparkGet,
		kind:  sparkKind,
		text:  sparkText,
		key:   bracketKey,
		texts: []string{"STRING"}, numbers: []string{"BIGINT", "DECIMAL", "DOUBLE"}, bools: []string{"BOOLEAN"}, nulls: []string{"VOID"}, objects: []string{"OBJECT"}, arrays: []string{"ARRAY"},
		isBool: func(v place, truth bool) string {
			return "CASE WHEN " + sparkKind(v) + " = 'BOOLEAN' THEN " + sparkText(v) + " END = '" + boolText(truth) + "'"
		},
		exists: func(v place, name, body string, whole bool) string {
			return "exists(" + sparkElements(v, whole) + ", " + name + " -> " + body + ")"
		},
		parse: func(t string) string {
			j := place{base: "try_parse_json(" + t + ")"}
			return "CASE WHEN " + in(sparkKind(j), "OBJECT", "ARRAY") + " THEN " + j.base + " END"
		},
		wrap: func(t string) string { return "CAST(" + t + " AS VARIANT)" },
		number: func(v place, numbers, texts bool) string {
			return "try_cast(" + jsonKinds(sparkKind(v), sparkText(v), sparkNumberForm(sparkText(v)), []string{"BIGINT", "DECIMAL", "DOUBLE"}, "STRING", numbers, texts) + " AS DOUBLE)"
		},
		integer: func(v place) string {
			return "CASE WHEN " + sparkKind(v) + " = 'BIGINT' THEN try_variant_get(" + sparkGet(v) + ", '$', 'BIGINT') END"
		},
		numberText: sparkText,
	},
}

// sparkElements is the list of what is in a value, lists taken apart.
func sparkElements(v place, whole bool) string {
	list := "array(" + sparkGet(v) + ")"
	if whole {
		list = "CASE WHEN " + notIn(sparkKind(v), "VOID") + " THEN " + list + " END"
	}
	for range listDepth {
		list = "flatten(transform(" + list + ", y -> CASE WHEN " + sparkKind(place{base: "y"}) + " = 'ARRAY' THEN try_variant_get(y, '$', 'ARRAY<VARIANT>') ELSE array(y) END))"
	}
	return list
}

func sparkNumberForm(t string) string {
	return "regexp_like(" + t + ", '^-?[0-9]{1,15}([.][0-9]{1,15})?$')"
}

func sparkGet(v place) string {
	if len(v.path) == 0 {
		return v.base
	}
	return "try_variant_get(" + v.base + ", '" + bracketPath("$", v.path) + "', 'VARIANT')"
}

func sparkKind(v place) string {
	return "regexp_extract(schema_of_variant(" + sparkGet(v) + "), '^[A-Z]+', 0)"
}

func sparkText(v place) string {
	return "try_variant_get(" + v.base + ", '" + bracketPath("$", v.path) + "', 'STRING')"
}
