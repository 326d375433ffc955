package backends

import (
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// ClickHouse prints for ClickHouse 26; events are JSON in a String
// column. Lists in JSON are taken apart to the depth of listDepth, keywords
// search to that of leafDepth.
var ClickHouse = &Dialect{
	name: "clickhouse", title: "ClickHouse",
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
	// A long chain of OR within a function takes a time that grows with its square.
	patternsApart: 8,
	textType:      "Nullable(String)",
	number: func(t string) string {
		return "toFloat64OrNull(CASE WHEN " + clickHouseNumberForm(t) + " THEN " + t + " END)"
	},
	integer:  func(i int64) string { return strconv.FormatInt(i, 10) },
	realText: func(x string) string { return clickHouseNumberText("toString(" + x + ")") },
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
			return "arrayExists(" + name + " -> ifNull(" + body + ", FALSE), " + clickHouseElements(v, whole) + ")"
		},
		leaves: func(v place, name, body string) string {
			list := "[ifNull(" + clickHouseJSON("JSONExtractRaw", v) + ", '')]"
			for range leafDepth {
				list = "arrayFlatten(arrayMap(y -> multiIf(toString(JSONType(y)) = 'Array', JSONExtractArrayRaw(y), toString(JSONType(y)) = 'Object', arrayMap(z -> z.2, JSONExtractKeysAndValuesRaw(y)), [y]), " + list + "))"
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
		numberText: func(v place) string { return clickHouseNumberText(clickHouseJSON("JSONExtractRaw", v)) },
	},
}

func clickHouseNumberForm(t string) string {
	form, _ := backslashQuoted(`\A` + ir.NumberTextForm + `\z`)
	return "match(" + t + ", " + form + ")"
}

// clickHouseNumberText is a number's text t without exponent. Numbers from 1e46
// on, and below 1e-30, have none.
func clickHouseNumberText(t string) string {
	return "CASE WHEN " + t + " LIKE '%e%' THEN toString(toDecimal256OrNull(" + t + ", 30)) ELSE " + t + " END"
}

// leafDepth is how deep keywords search a JSON event, in dialects that cannot
// search it to any depth.
const leafDepth = 16

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

// clickHouseElements is the list of what is in a value, lists taken apart. An
// array holds no null: the text of what is not there is empty.
func clickHouseElements(v place, whole bool) string {
	list := "[ifNull(" + clickHouseJSON("JSONExtractRaw", v) + ", '')]"
	if whole {
		list = "arrayFilter(y -> toString(JSONType(y)) <> 'Null', " + list + ")"
	}
	for range listDepth {
		list = "arrayFlatten(arrayMap(y -> if(toString(JSONType(y)) = 'Array', JSONExtractArrayRaw(y), [y]), " + list + "))"
	}
	return list
}

// clickHouseKind is null where there is nothing; JSONType says Null of that too.
func clickHouseKind(v place) string {
	kind := "toString(" + clickHouseJSON("JSONType", v) + ")"
	if len(v.path) == 0 {
		return kind
	}
	return "CASE WHEN " + clickHouseJSON("JSONHas", v) + " THEN " + kind + " END"
}
