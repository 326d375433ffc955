package backends

import (
	"fmt"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// Snowflake prints for Snowflake; events are of type VARIANT. It is printed, not
// executed. Its regular expressions have no lines and no word boundaries, which
// are refused.
var Snowflake = dialect(snowflakeDialect)

var snowflakeDialect = Dialect{
	name: "snowflake", title: "Snowflake", printedOnly: true,
	quote: backslashQuoted, isNotTrue: notCoalesced,
	foldsInContext: true,
	position:       func(x, what string) string { return "CHARINDEX(" + what + ", " + x + ")" },
	// REGEXP_LIKE and RLIKE ask for the whole text.
	regexp:   func(x, re string) string { return "REGEXP_INSTR(" + x + ", " + re + ", 1, 1, 0, 'cs') > 0" },
	regexps:  snowflakeSyntax,
	textType: "VARCHAR",
	number: func(t string) string {
		return "TRY_TO_DOUBLE(CASE WHEN " + snowflakeNumberForm(t) + " THEN " + t + " END)"
	},
	realText: func(x string) string { return "TO_VARCHAR(" + x + ")" },
	timeOf: func(t string) string {
		const form = timeForm
		return "TRY_TO_TIMESTAMP_TZ(CASE WHEN REGEXP_LIKE(" + t + ", '" + form + "(Z|[+-][0-9]{2}:[0-9]{2})') THEN " + t + " WHEN REGEXP_LIKE(" + t + ", '" + form + "') THEN " + t + " || 'Z' END)"
	},
	part: func(t string, d ir.Derivation) (string, bool) {
		unit := map[ir.DerivationKind]string{ir.Minute: "minute", ir.Hour: "hour", ir.Day: "day", ir.Weekday: "dayofweekiso", ir.Week: "weekiso", ir.Month: "month", ir.Year: "year"}[d.Kind]
		return "DATE_PART(" + unit + ", CONVERT_TIMEZONE(" + zoned(d) + ", " + t + "))", true
	},
	micros:      func(t string) string { return "DATE_PART(epoch_microsecond, " + t + ")" },
	types:       map[ir.Type]string{ir.TypeInt: "NUMBER(38, 0)", ir.TypeLong: "NUMBER(38, 0)", ir.TypeReal: "DOUBLE", ir.TypeBool: "BOOLEAN", ir.TypeDatetime: "TIMESTAMP_TZ", ir.TypeJSON: "VARIANT", ir.TypeString: "VARCHAR"},
	timestampOf: func(us string) string { return "TO_TIMESTAMP_TZ(" + us + ", 6)" },
	// A quotient is a decimal.
	divide: func(x, by string) string { return "((" + x + " - MOD(" + x + ", " + by + ")) / " + by + ")" },
	modulo: calls("MOD"),
	// The parser at hand reads no frame of numbers.
	timeFrame: func(t string, us int64) (order, offset string) {
		return "TO_TIMESTAMP_NTZ(" + t + ", 6)", fmt.Sprintf("INTERVAL '%d seconds'", us/second)
	},
	rowNumber: "UUID_STRING()",
	lists: &listDialect{
		of: func(value string) string { return "ARRAY_CONSTRUCT(" + value + ")" },
		each: func(v place, name, where, list string, whole bool) string {
			elements := snowflakeElements(v, whole)
			if where != "TRUE" {
				elements = "FILTER(" + elements + ", " + name + " -> (" + where + "))"
			}
			return "ARRAY_FLATTEN(TRANSFORM(" + elements + ", " + name + " -> " + list + "))"
		},
		tidy: func(list string, once bool) string {
			list = "ARRAY_COMPACT(" + list + ")"
			if once {
				list = "ARRAY_DISTINCT(" + list + ")"
			}
			return list
		},
		rows: func(list, name string, t ir.Type) (from, value string) {
			typ := map[ir.Type]string{ir.TypeString: "VARCHAR", ir.TypeReal: "DOUBLE"}[t]
			return ", LATERAL FLATTEN(INPUT => " + list + ", OUTER => TRUE) AS " + name, "CAST(" + name + ".value AS " + typ + ")"
		},
		joined: func(list string) string { return "ARRAY_TO_STRING(ARRAY_SORT(" + list + "), CHR(31))" },
		raised: func(t string, us int64) string {
			return fmt.Sprintf("REDUCE(ARRAY_SORT(ARRAY_AGG(DISTINCT %s)), ARRAY_CONSTRUCT(), (raised, x) -> IFF(coalesce(x > ARRAY_MAX(raised) + %d, TRUE), ARRAY_APPEND(raised, x), raised))", t, us)
		},
		has: func(list, t string) string { return "ARRAY_CONTAINS(TO_VARIANT(" + t + "), " + list + ")" },
	},
	json: &jsonDialect{
		get:   snowflakeGet,
		kind:  func(v place) string { return "TYPEOF(" + snowflakeGet(v) + ")" },
		text:  func(v place) string { return "TO_VARCHAR(" + snowflakeGet(v) + ")" },
		key:   bracketKey,
		texts: []string{"VARCHAR"}, numbers: []string{"INTEGER", "DECIMAL", "DOUBLE"}, bools: []string{"BOOLEAN"}, nulls: []string{"NULL_VALUE"}, objects: []string{"OBJECT"}, arrays: []string{"ARRAY"},
		isBool: func(v place, truth bool) string {
			return "AS_BOOLEAN(" + snowflakeGet(v) + ") = " + strings.ToUpper(boolText(truth))
		},
		exists: func(v place, name, body string, whole bool) string {
			return "ARRAY_SIZE(FILTER(" + snowflakeElements(v, whole) + ", " + name + " -> (" + body + "))) > 0"
		},
		parse: func(t string) string {
			j := "TRY_PARSE_JSON(" + t + ")"
			return "CASE WHEN TYPEOF(" + j + ") IN ('OBJECT', 'ARRAY') THEN " + j + " END"
		},
		wrap: func(t string) string { return "TO_VARIANT(" + t + ")" },
		number: func(v place, numbers, texts bool) string {
			t := "TO_VARCHAR(" + snowflakeGet(v) + ")"
			return "TRY_TO_DOUBLE(" + jsonKinds("TYPEOF("+snowflakeGet(v)+")", t, snowflakeNumberForm(t), []string{"INTEGER", "DECIMAL", "DOUBLE"}, "VARCHAR", numbers, texts) + ")"
		},
		integer: func(v place) string {
			return "CASE WHEN TYPEOF(" + snowflakeGet(v) + ") = 'INTEGER' THEN AS_INTEGER(" + snowflakeGet(v) + ") END"
		},
		numberText: func(v place) string { return "TO_VARCHAR(" + snowflakeGet(v) + ")" },
	},
}

// snowflakeElements is the list of what is in a value, lists taken apart.
func snowflakeElements(v place, whole bool) string {
	list := "ARRAY_CONSTRUCT(" + snowflakeGet(v) + ")"
	if whole {
		list = "CASE WHEN TYPEOF(" + snowflakeGet(v) + ") <> 'NULL_VALUE' THEN " + list + " END"
	}
	for range listDepth {
		list = "ARRAY_FLATTEN(TRANSFORM(" + list + ", y -> IFF(IS_ARRAY(y), y, ARRAY_CONSTRUCT(y))))"
	}
	return list
}

func snowflakeNumberForm(t string) string {
	return "REGEXP_LIKE(" + t + ", '-?[0-9]{1,15}([.][0-9]{1,15})?')"
}

func snowflakeGet(v place) string {
	if len(v.path) == 0 {
		return v.base
	}
	return "GET_PATH(" + v.base + ", '" + bracketPath("", v.path) + "')"
}
