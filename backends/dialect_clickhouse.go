package backends

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// ClickHouse prints for ClickHouse 26; events are JSON in a String
// column. Lists in JSON are taken apart to a depth of 4; keywords search to
// one of 16.
var ClickHouse = dialect(clickHouseDialect)

var clickHouseDialect = Dialect{
	name: "clickhouse", title: "ClickHouse",
	ident: backQuoted, quote: backslashQuoted, isNotTrue: notCoalesced,
	// ASCII letters; lowerUTF8 would fold all
	foldsASCII: true,
	translate: func(x string, from, to []rune) string {
		return strings.Replace(translateFunction(x, from, to), "translate", "translateUTF8", 1)
	},
	likeEscape: '\\', noEscapeClause: true,
	position: calls("position"),
	regexp:   func(x, re string) string { return "match(" + x + ", " + re + ")" },
	regexps:  re2Syntax,
	// A long chain of OR within a function takes a time that grows with its square.
	patternsApart: 8,
	textType:      "Nullable(String)",
	number: func(t string) string {
		return "toFloat64OrNull(CASE WHEN " + clickHouseNumberForm(t) + " THEN " + t + " END)"
	},
	realText: func(x string) string { return clickHouseNumberText("toString(" + x + ")") },
	timeOf: func(t string) string {
		return "parseDateTime64BestEffortOrNull(CASE WHEN match(" + t + ", '^" + timeForm + "(Z|[+-][0-9]{2}:[0-9]{2})?$') THEN " + t + " END, 6, 'UTC')"
	},
	part: func(t string, d ir.Derivation) (string, bool) {
		function := map[ir.DerivationKind]string{ir.Minute: "toMinute", ir.Hour: "toHour", ir.Day: "toDayOfMonth", ir.Weekday: "toDayOfWeek", ir.Week: "toISOWeek", ir.Month: "toMonth", ir.Year: "toYear"}[d.Kind]
		return function + "(toTimeZone(" + t + ", " + zoned(d) + "))", true
	},
	// Nullable, so that there is no time where there is no row before.
	micros: func(t string) string {
		return "toUnixTimestamp64Micro(CAST(" + t + " AS Nullable(DateTime64(6, 'UTC'))))"
	},
	types: map[ir.Type]string{ir.TypeInt: "Nullable(Int32)", ir.TypeLong: "Nullable(Int64)", ir.TypeReal: "Nullable(Float64)", ir.TypeBool: "Nullable(Bool)", ir.TypeDatetime: "Nullable(DateTime64(6, 'UTC'))",
		ir.TypeGUID: "Nullable(UUID)", ir.TypeString: "Nullable(String)"},
	timestampOf: func(us string) string {
		return "fromUnixTimestamp64Micro(CAST(" + us + " AS Nullable(Int64)), 'UTC')"
	},
	divide: infix("DIV"), timeFrame: clickHouseSeconds, longestFrame: (math.MaxInt32 - 1) * second,
	// A name means the column, where it is given to something else as well.
	settings: "\nSETTINGS prefer_column_name_to_alias = 1",
	lists: &listDialect{
		of: func(value string) string { return "[" + value + "]" },
		each: func(v place, name, where, list string, whole bool) string {
			elements := clickHouseElements(v, whole)
			if where != "TRUE" {
				elements = "arrayFilter(" + name + " -> ifNull(" + where + ", FALSE), " + elements + ")"
			}
			return "arrayFlatten(arrayMap(" + name + " -> " + list + ", " + elements + "))"
		},
		tidy: func(list string, once bool) string {
			list = "arrayFilter(x -> isNotNull(x), " + list + ")"
			if once {
				list = "arrayDistinct(" + list + ")"
			}
			return list
		},
		rows: func(list, name string, t ir.Type) (from, value string) { // null, where nothing is, only if a value may be
			typ := map[ir.Type]string{ir.TypeString: "Nullable(String)", ir.TypeReal: "Nullable(Float64)"}[t]
			return " LEFT ARRAY JOIN CAST(" + list + " AS Array(" + typ + ")) AS " + name, name
		},
		joined: func(list string) string { return "arrayStringConcat(arraySort(" + list + "), '\x1f')" },
		raised: func(t string, us int64) string {
			return fmt.Sprintf("arrayFold((raised, x) -> if(empty(raised) OR x > raised[-1] + %d, arrayPushBack(raised, x), raised), arraySort(groupUniqArray(assumeNotNull(%s))), CAST([] AS Array(Int64)))", us, t)
		},
		has: calls("has"),
	},
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
			list := clickHouseOpened("multiIf(toString(JSONType(y)) = 'Array', JSONExtractArrayRaw(y), toString(JSONType(y)) = 'Object', arrayMap(z -> z.2, JSONExtractKeysAndValuesRaw(y)), [y])",
				leafDepth, "[ifNull("+clickHouseJSON("JSONExtractRaw", v)+", '')]")
			return "arrayExists(" + name + " -> ifNull(" + body + ", FALSE), " + list + ")"
		},
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
		integer: func(v place) string { return "toInt64OrNull(" + clickHouseJSON("JSONExtractRaw", v) + ")" },
		exact: func(v place) string {
			raw := clickHouseJSON("JSONExtractRaw", v)
			return "coalesce(toInt256(toInt64OrNull(" + raw + ")), accurateCastOrNull(toFloat64OrNull(" + raw + "), 'Int256'))"
		},
		numberText: func(v place) string { return clickHouseNumberText(clickHouseJSON("JSONExtractRaw", v)) },
	},
}

// clickHouseSeconds is a time as seconds, of which there are at most 31 bits in a
// frame. The microseconds of a second are counted in 1/2^20, so that the fraction
// is exact, for all times that ClickHouse has, and a second more is 1 more.
func clickHouseSeconds(t string, us int64) (order, offset string) {
	return fmt.Sprintf("(intDiv(%[1]s - positiveModulo(%[1]s, 1000000), 1000000) - 4294967296) + positiveModulo(%[1]s, 1000000) / 1048576", t), strconv.FormatInt(us/second, 10)
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
	return clickHouseOpened("if(toString(JSONType(y)) = 'Array', JSONExtractArrayRaw(y), [y])", listDepth, list)
}

// clickHouseOpened puts what an element y opens to in its place, so many times.
func clickHouseOpened(element string, times int, list string) string {
	return fmt.Sprintf("arrayFold((ys, _) -> arrayFlatten(arrayMap(y -> %s, ys)), range(%d), %s)", element, times, list)
}

// clickHouseKind is null where there is nothing; JSONType says Null of that too.
func clickHouseKind(v place) string {
	kind := "toString(" + clickHouseJSON("JSONType", v) + ")"
	if len(v.path) == 0 {
		return kind
	}
	return "CASE WHEN " + clickHouseJSON("JSONHas", v) + " THEN " + kind + " END"
}
