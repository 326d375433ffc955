package backends

import (
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// ClickHouse prints for ClickHouse; events are JSON in a String column. It is
// printed, not executed. Lists in JSON are taken apart to the depth of listDepth.
var ClickHouse = &Dialect{
	name: "clickhouse", title: "ClickHouse", printedOnly: true,
	ident: backQuoted, quote: backslashQuoted, isNotTrue: notCoalesced,
	lower:      func(x string) string { return "lower(" + x + ")" }, // ASCII letters; lowerUTF8 would fold all
	foldsASCII: true,
	translate: func(x string, from, to []rune) string {
		return strings.Replace(translateFunction(x, from, to), "translate", "translateUTF8", 1)
	},
	like: likeOperator, likeEscape: '\\', noEscapeClause: true,
	position: calls("position"),
	regexp:   func(x, re string) string { return "match(" + x + ", " + re + ")" },
	regexps:  re2Syntax,
	textType: "String",
	number: func(t string) string {
		return "toFloat64OrNull(CASE WHEN " + clickHouseNumberForm(t) + " THEN " + t + " END)"
	},
	integer:  func(i int64) string { return strconv.FormatInt(i, 10) },
	realText: func(x string) string { return "toString(" + x + ")" },
	timeOf: func(t string) string {
		return "parseDateTime64BestEffortOrNull(CASE WHEN match(" + t + ", '^" + timeForm + "(Z|[+-][0-9]{2}:[0-9]{2})?$') THEN " + t + " END, 6, 'UTC')"
	},
	part: func(t string, d ir.Derivation) (string, bool) {
		function := map[ir.DerivationKind]string{ir.Minute: "toMinute", ir.Hour: "toHour", ir.Day: "toDayOfMonth", ir.Weekday: "toDayOfWeek", ir.Week: "toISOWeek", ir.Month: "toMonth", ir.Year: "toYear"}[d.Kind]
		return function + "(toTimeZone(" + t + ", " + zoned(d) + "))", true
	},
	micros: func(t string) string { return "toUnixTimestamp64Micro(" + t + ")" },
	types: map[ir.Type]string{ir.TypeInt: "Nullable(Int32)", ir.TypeLong: "Nullable(Int64)", ir.TypeReal: "Nullable(Float64)", ir.TypeBool: "Nullable(Bool)", ir.TypeDatetime: "Nullable(DateTime64(6, 'UTC'))",
		ir.TypeGUID: "Nullable(UUID)", ir.TypeString: "Nullable(String)"},
	json: &jsonDialect{
		get:   func(v place) string { return clickHouseJSON("JSONExtractRaw", v) },
		kind:  clickHouseKind,
		text:  func(v place) string { return clickHouseJSON("JSONExtractString", v) },
		key:   func(k string) bool { return !strings.ContainsRune(k, 0) },
		texts: []string{"String"}, numbers: []string{"Int64", "UInt64", "Double"}, bools: []string{"Bool"}, nulls: []string{"Null"}, objects: []string{"Object"}, arrays: []string{"Array"},
		isBool: func(v place, truth bool) string {
			return clickHouseJSON("JSONExtractRaw", v) + " = '" + boolText(truth) + "'"
		},
		exists: func(v place, name, body string, whole bool) string {
			list := "[" + clickHouseJSON("JSONExtractRaw", v) + "]"
			if whole {
				list = "CASE WHEN " + notIn(clickHouseKind(v), "Null") + " THEN " + list + " ELSE [] END"
			}
			for range listDepth {
				list = "arrayFlatten(arrayMap(y -> CASE WHEN JSONType(y) = 'Array' THEN JSONExtractArrayRaw(y) ELSE [y] END, " + list + "))"
			}
			return "arrayExists(" + name + " -> ifNull(" + body + ", FALSE), " + list + ")"
		},
		element: func(name string) place { return place{base: name} },
		parse: func(t string) string {
			return "CASE WHEN isValidJSON(" + t + ") AND toString(JSONType(" + t + ")) IN ('Object', 'Array') THEN " + t + " END"
		},
		wrap: func(t string) string { return "toJSONString(" + t + ")" },
		number: func(v place, numbers, texts bool) string {
			kind, raw, text := clickHouseKind(v), clickHouseJSON("JSONExtractRaw", v), clickHouseJSON("JSONExtractString", v)
			s := "toFloat64OrNull(CASE"
			if numbers {
				s += " WHEN " + in(kind, "Int64", "UInt64", "Double") + " THEN " + raw
			}
			if texts {
				s += " WHEN " + kind + " = 'String' AND " + clickHouseNumberForm(text) + " THEN " + text
			}
			return s + " END)"
		},
		integer:    func(v place) string { return "toInt64OrNull(" + clickHouseJSON("JSONExtractRaw", v) + ")" },
		numberText: func(v place) string { return clickHouseJSON("JSONExtractRaw", v) },
	},
}

func clickHouseNumberForm(t string) string {
	return "match(" + t + ", '^-?[0-9]{1,15}([.][0-9]{1,15})?$')"
}

// clickHouseJSON calls a function of a JSON text and keys; lists count from 1.
func clickHouseJSON(function string, v place) string {
	if len(v.path) == 0 && function == "JSONExtractRaw" {
		return v.base
	}
	var b strings.Builder
	b.WriteString(function + "(" + v.base)
	for _, s := range v.path {
		if s.list {
			b.WriteString(", " + strconv.Itoa(s.index+1))
		} else {
			q, _ := backslashQuoted(s.key)
			b.WriteString(", " + q)
		}
	}
	return b.String() + ")"
}

// clickHouseKind is null where there is nothing; JSONType says Null of that too.
func clickHouseKind(v place) string {
	kind := "toString(" + clickHouseJSON("JSONType", v) + ")"
	if len(v.path) == 0 {
		return kind
	}
	return "CASE WHEN " + clickHouseJSON("JSONHas", v) + " THEN " + kind + " END"
}
