package backends

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// SQLite prints for SQLite 3.46 and newer. Of regular expressions it takes those
// that GLOB says as well; for others see SQLiteWithRegexp. IPv6 networks are
// refused without them.
var SQLite = dialect(sqliteDialect)

var sqliteDialect = Dialect{
	name:       "sqlite",
	title:      "SQLite",
	foldsASCII: true,
	translate: func(x string, from, to []rune) string {
		for i := range from {
			f, _ := singleQuoted(string(from[i]))
			t, _ := singleQuoted(string(to[i]))
			x = "replace(" + x + ", " + f + ", " + t + ")"
		}
		return x
	},
	likeAnyCase: true,
	glob:        sqliteGlob,
	found:       sqliteFound,
	position:    calls("instr"),
	textType:    "TEXT",
	number: func(t string) string {
		return "CASE WHEN " + sqliteNumberForm(t) + " THEN CAST(" + t + " AS NUMERIC) END"
	},
	exactNumbers: true,
	integer: func(i int64) string {
		if i == math.MinInt64 { // else a negated fraction
			return "(-9223372036854775807 - 1)"
		}
		return strconv.FormatInt(i, 10)
	},
	realText: sqliteRealText,
	timeOf: func(t string) string {
		return "CASE WHEN " + t + " GLOB '[1-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9]:[0-5][0-9]*' AND date(substr(" + t + ", 1, 10)) = substr(" + t +
			", 1, 10) AND substr(" + t + ", 12, 2) < '24' AND unixepoch(" + t + ") IS NOT NULL THEN " + t + " END"
	},
	part: func(t string, d ir.Derivation) (string, bool) {
		shift, ok := sqliteZone(t, d.Zone)
		if !ok {
			return "", false
		}
		format := map[ir.DerivationKind]string{ir.Minute: "%M", ir.Hour: "%H", ir.Day: "%d", ir.Weekday: "%u", ir.Week: "%V", ir.Month: "%m", ir.Year: "%Y"}[d.Kind]
		return "CAST(strftime('" + format + "', " + t + shift + ") AS INTEGER)", true
	},
	micros: func(t string) string {
		fraction := "substr(" + t + ", 21)" // behind the dot, with the zone
		digits := "substr(" + fraction + ", 1, min(instr(" + fraction + " || 'Z', 'Z'), instr(" + fraction + " || '+', '+'), instr(" + fraction + " || '-', '-')) - 1)"
		return "(unixepoch(" + t + ") * 1000000 + CASE substr(" + t + ", 20, 1) WHEN '.' THEN CAST(substr(" + digits + " || '000000', 1, 6) AS INTEGER) ELSE 0 END)"
	},
	types: map[ir.Type]string{ir.TypeInt: "INTEGER", ir.TypeLong: "INTEGER", ir.TypeReal: "REAL", ir.TypeBool: "INTEGER", ir.TypeDatetime: "TEXT",
		ir.TypeGUID: "TEXT", ir.TypeJSON: "TEXT", ir.TypeString: "TEXT"},
	maxTables: sqliteMaxTables,
	noRegexp:  "the dialect sqlite-regexp has them, where the program defines REGEXP",
	timestampOf: func(us string) string {
		return "strftime('%Y-%m-%dT%H:%M:%S', (" + us + ") / 1000000, 'unixepoch') || printf('.%06dZ', (" + us + ") % 1000000)"
	},
	as: "MATERIALIZED ",
	lists: &listDialect{
		of: func(value string) string { return "json_array(" + value + ")" },
		each: func(v place, name, where, list string, whole bool) string {
			from, is := sqliteRows(v, name, whole)
			return "(SELECT json_group_array(of_" + name + ".value) FROM " + from + ", json_each(" + list + ") AS of_" + name + " WHERE " + allOf(cond{is, ir.PrecedenceAnd}, cond{where, ir.PrecedenceOr}).text + ")"
		},
		tidy: func(list string, once bool) string {
			return "(SELECT json_group_array(" + distinct(once) + "x.value) FROM json_each(" + list + ") AS x WHERE x.value IS NOT NULL)"
		},
		rows: func(list, name string, _ ir.Type) (from, value string) {
			return " LEFT JOIN json_each(" + list + ") AS " + name, name + ".value"
		},
		joined: func(list string) string {
			return "(SELECT group_concat(x.value, '\x1f' ORDER BY x.value) FROM json_each(" + list + ") AS x)"
		},
	},
	json: &jsonDialect{
		get:     sqliteGet,
		kind:    func(v place) string { return sqliteAt(v, "type") },
		text:    func(v place) string { return sqliteAt(v, "atom") },
		key:     func(k string) bool { return !strings.ContainsAny(k, "\"\\\x00") },
		texts:   []string{"text"},
		numbers: []string{"integer", "real"},
		bools:   []string{"true", "false"},
		nulls:   []string{"null"},
		objects: []string{"object"},
		arrays:  []string{"array"},
		isBool:  func(v place, truth bool) string { return sqliteAt(v, "type") + " = '" + boolText(truth) + "'" },
		exists: func(v place, name, body string, whole bool) string {
			from, where := sqliteRows(v, name, whole)
			return "EXISTS (SELECT 1 FROM " + from + " WHERE " + where + " AND (" + body + "))"
		},
		rows: sqliteRows,
		leaves: func(v place, name, body string) string {
			return "EXISTS (SELECT 1 FROM json_tree(" + sqliteGet(v) + ") AS " + name + " WHERE " + body + ")"
		},
		element: func(name string) place { return place{base: name, row: true} },
		parse: func(t string) string {
			return "CASE WHEN json_valid(" + t + ") THEN CASE WHEN json_type(" + t + ") IN ('object', 'array') THEN " + t + " END END"
		},
		wrap: func(t string) string { return "json_quote(" + t + ")" },
		number: func(v place, numbers, texts bool) string {
			t, kind := sqliteAt(v, "atom"), sqliteAt(v, "type")
			s := "CASE"
			if numbers {
				s += " WHEN " + in(kind, "integer", "real") + " THEN " + t
			}
			if texts {
				s += " WHEN " + kind + " = 'text' AND " + sqliteNumberForm(t) + " THEN CAST(" + t + " AS NUMERIC)"
			}
			return s + " END"
		},
		numberText: func(v place) string {
			return "CASE typeof(" + sqliteAt(v, "atom") + ") WHEN 'integer' THEN CAST(" + sqliteAt(v, "atom") + " AS TEXT) ELSE " + sqliteRealText(sqliteAt(v, "atom")) + " END"
		},
	},
}

// sqliteMaxTables keeps queries below SQLITE_LIMIT_EXPR_DEPTH, 1,000: SQLite puts
// no further expression in where the tables of all before have come to that.
const sqliteMaxTables = 999

// SQLiteWithRegexp is SQLite in a program that defines its REGEXP operator as a
// search of RE2 or of Go's regexp, with the expression in front: regexp(expression, text).
var SQLiteWithRegexp = func() *Dialect {
	d := *SQLite
	d.name, d.title = "sqlite-regexp", "SQLite where the program defines REGEXP as a search of RE2"
	d.regexp = func(x, re string) string { return x + " REGEXP " + re }
	d.regexps = re2Syntax
	return &d
}()

// sqliteRows takes lists apart; keys of objects in them have a dot in their path.
func sqliteRows(v place, name string, whole bool) (from, where string) {
	doc := sqliteGet(v)
	where = name + ".fullkey NOT LIKE '%.%'"
	if whole {
		doc = "nullif(" + doc + ", 'null')"
		where += " AND " + name + ".type <> 'array'"
	}
	return "json_tree(" + doc + ") AS " + name, where
}

// sqliteNumberForm asks whether a text has the form of a number.
func sqliteNumberForm(t string) string {
	digits := "ltrim(" + t + ", '-')"
	return t + " NOT GLOB '*[^0-9.-]*' AND substr(" + t + ", 2) NOT LIKE '%-%' AND " + digits + " GLOB '[0-9]*' AND " + digits + " NOT LIKE '%.' AND " + digits + " NOT LIKE '%.%.%'" +
		" AND instr(" + digits + " || '.', '.') <= 16 AND length(" + digits + ") - instr(" + digits + " || '.', '.') <= 15"
}

// sqliteRealText is the shortest decimal of a fraction, if that has no more than
// 16 digits.
func sqliteRealText(x string) string {
	return "CASE WHEN " + x + " IS NOT NULL THEN rtrim(rtrim(printf('%.40f', " + x + "), '0'), '.') END"
}

// sqliteGet is the JSON text of a place.
func sqliteGet(v place) string {
	switch {
	case v.row && len(v.path) == 0:
		n := v.base
		return "CASE " + n + ".type WHEN 'object' THEN " + n + ".value WHEN 'null' THEN 'null' WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE json_quote(" + n + ".value) END"
	case len(v.path) == 0:
		return v.base
	}
	return "(" + sqliteBase(v) + " -> " + sqlitePath(v) + ")"
}

// sqliteAt is the type of a place, or its atom: the scalar there.
func sqliteAt(v place, what string) string {
	switch {
	case v.row && len(v.path) == 0:
		return v.base + "." + what
	case what == "type" && len(v.path) == 0:
		return "json_type(" + v.base + ")"
	case what == "type":
		return "json_type(" + sqliteBase(v) + ", " + sqlitePath(v) + ")"
	}
	return "(" + sqliteBase(v) + " ->> " + sqlitePath(v) + ")"
}

func sqliteBase(v place) string {
	if v.row {
		return "CASE " + v.base + ".type WHEN 'object' THEN " + v.base + ".value END"
	}
	return v.base
}

func sqlitePath(v place) string {
	var b strings.Builder
	b.WriteByte('$')
	for _, s := range v.path {
		switch {
		case s.list:
			fmt.Fprintf(&b, "[%d]", s.index)
		case plainName(s.key):
			b.WriteString("." + s.key)
		default:
			b.WriteString(`."` + s.key + `"`)
		}
	}
	q, _ := singleQuoted(b.String())
	return q
}

// sqliteGlob fits a whole text, letter case and all.
func sqliteGlob(x string, p ir.Pattern, quote func(string) (string, bool)) (string, bool) {
	var b strings.Builder
	for _, part := range p {
		switch part.Kind {
		case ir.AnyRun:
			b.WriteByte('*')
		case ir.AnyOne:
			b.WriteByte('?')
		default:
			b.WriteString(strings.NewReplacer("*", "[*]", "?", "[?]", "[", "[[]").Replace(part.Text))
		}
	}
	q, ok := quote(b.String())
	return x + " GLOB " + q, ok
}

// sqliteZone shifts a time into a zone.
func sqliteZone(t, zone string) (string, bool) {
	if zone == "" || zone == "UTC" {
		return "", true
	}
	pieces, err := zonePieces(zone, firstZoneYear, lastZoneYear)
	if err != nil {
		return "", false
	}
	var b strings.Builder
	fmt.Fprintf(&b, ", CASE WHEN unixepoch(%s) < %d THEN NULL", t, pieces[0].from)
	for i, p := range pieces[:len(pieces)-1] {
		fmt.Fprintf(&b, " WHEN unixepoch(%s) < %d THEN '%+d seconds'", t, pieces[i+1].from, p.offset)
	}
	b.WriteString(" END")
	return b.String(), true
}
