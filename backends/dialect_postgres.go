package backends

import (
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// PostgreSQL prints for PostgreSQL 13 and newer with a UTF-8 database. JSON is
// of type jsonb; lists in it are taken apart to a depth of 16.
var PostgreSQL = dialect(postgreSQLDialect)

var postgreSQLDialect = Dialect{
	name:  "postgres",
	title: "PostgreSQL",
	// The collation C folds ASCII letters whatever the database's own does.
	lower:      func(x string) string { return `lower(` + x + ` COLLATE "C")` },
	foldsASCII: true,
	likeEscape: '\\',
	regexp:     func(x, re string) string { return x + " ~ " + re },
	regexps:    postgresSyntax,
	lateral:    "LATERAL ",
	textType:   "text",
	number: func(t string) string {
		return "CASE WHEN " + postgresNumberForm(t) + " THEN CAST(" + t + " AS numeric) END"
	},
	exactNumbers: true,
	realText:     func(x string) string { return "trim_scale(CAST(CAST(" + x + " AS text) AS numeric))::text" },
	timeOf: func(t string) string {
		// Of a fraction six digits: more would be rounded.
		cut := "regexp_replace(" + t + `, '([.][0-9]{6})[0-9]+', '\1')`
		return "CASE WHEN " + t + " ~ '^(" + postgresDays + ")[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?(Z|[+-](0[0-9]|1[0-5]):[0-5][0-9])?$' THEN CAST(CASE WHEN " + t +
			" ~ '(Z|[+-][0-9]{2}:[0-9]{2})$' THEN " + cut + " ELSE " + cut + " || 'Z' END AS timestamptz) END"
	},
	part:   datePart,
	micros: func(t string) string { return "CAST(extract(epoch FROM " + t + ") * 1000000 AS bigint)" },
	types: map[ir.Type]string{ir.TypeInt: "integer", ir.TypeLong: "bigint", ir.TypeReal: "double precision", ir.TypeBool: "boolean", ir.TypeDatetime: "timestamptz",
		ir.TypeGUID: "uuid", ir.TypeJSON: "jsonb", ir.TypeString: "text"},
	timestampOf: func(us string) string { return "TIMESTAMPTZ 'epoch' + (" + us + ") * INTERVAL '1 microsecond'" },
	as:          "MATERIALIZED ",
	lists: &listDialect{
		of: func(value string) string { return "ARRAY[" + value + "]" },
		each: func(v place, name, where, list string, whole bool) string {
			from, is := postgresRows(v, name, whole)
			return "ARRAY(SELECT of_" + name + " FROM " + from + ", unnest(" + list + ") AS of_" + name + " WHERE " + allOf(cond{is, ir.PrecedenceAnd}, cond{where, ir.PrecedenceOr}).text + ")"
		},
		tidy: func(list string, once bool) string {
			return "ARRAY(SELECT " + distinct(once) + "x FROM unnest(" + list + ") AS x WHERE x IS NOT NULL)"
		},
		rows: func(list, name string, _ ir.Type) (from, value string) {
			return " LEFT JOIN LATERAL unnest(" + list + ") AS " + name + "(k) ON TRUE", name + ".k"
		},
		joined: func(list string) string {
			return "array_to_string(ARRAY(SELECT x FROM unnest(" + list + ") AS x ORDER BY x), '\x1f')"
		},
	},
	json: &jsonDialect{
		get:     postgresGet,
		kind:    func(v place) string { return "jsonb_typeof(" + postgresGet(v) + ")" },
		text:    postgresText,
		key:     func(k string) bool { return !strings.ContainsRune(k, 0) },
		texts:   []string{"string"},
		numbers: []string{"number"},
		bools:   []string{"boolean"},
		nulls:   []string{"null"},
		objects: []string{"object"},
		arrays:  []string{"array"},
		isBool:  func(v place, truth bool) string { return postgresGet(v) + " = '" + boolText(truth) + "'::jsonb" },
		exists: func(v place, name, body string, whole bool) string {
			from, where := postgresRows(v, name, whole)
			return "EXISTS (SELECT 1 FROM " + from + " WHERE " + allOf(cond{where, ir.PrecedenceAnd}, cond{body, ir.PrecedenceOr}).text + ")"
		},
		rows: postgresRows,
		leaves: func(v place, name, body string) string {
			return "EXISTS (SELECT 1 FROM jsonb_path_query(" + postgresGet(v) + ", 'strict $.**') AS " + name + " WHERE " + body + ")"
		},
		parse: postgresParse,
		wrap:  func(t string) string { return "to_jsonb(" + t + ")" },
		number: func(v place, numbers, texts bool) string {
			t := postgresText(v)
			return jsonKinds("jsonb_typeof("+postgresGet(v)+")", "CAST("+t+" AS numeric)", postgresNumberForm(t), []string{"number"}, "string", numbers, texts)
		},
		numberText: func(v place) string {
			return "CASE WHEN jsonb_typeof(" + postgresGet(v) + ") = 'number' THEN trim_scale(CAST(" + postgresText(v) + " AS numeric))::text END"
		},
	},
}

// postgresDays are the days that there are, in years of four digits.
const postgresDays = `[1-9][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))` +
	`|([1-9][0-9](0[48]|[2468][048]|[13579][26])|(1[26]|[2468][048]|[3579][26])00)-02-29`

// postgresListDepth is how deep a list may stand in lists.
const postgresListDepth = 16

// postgresRows takes lists apart.
func postgresRows(v place, name string, whole bool) (from, where string) {
	doc := postgresGet(v)
	where = "TRUE"
	if whole {
		doc = "nullif(" + doc + ", 'null'::jsonb)"
		where = "jsonb_typeof(" + name + ") <> 'array'"
	}
	return "jsonb_path_query(" + doc + ", '$" + strings.Repeat("[*]", postgresListDepth) + "') AS " + name, where
}

func postgresNumberForm(t string) string {
	return t + ` ~ '^` + ir.NumberTextForm + `$'`
}

// postgresGet is the jsonb at a place.
func postgresGet(v place) string {
	if len(v.path) == 0 {
		return v.base
	}
	return "(" + v.base + postgresPath(v.path, "->") + ")"
}

// postgresText is the scalar at a place as text.
func postgresText(v place) string {
	if len(v.path) == 0 {
		return "(" + v.base + " #>> '{}')"
	}
	return "(" + v.base + postgresPath(v.path, "->>") + ")"
}

func postgresPath(path []placeStep, last string) string {
	var b strings.Builder
	for i, s := range path {
		op := "->"
		if i == len(path)-1 {
			op = last
		}
		q, _ := singleQuoted(s.key)
		if s.list {
			q = strconv.Itoa(s.index)
		}
		b.WriteString(" " + op + " " + q)
	}
	return b.String()
}

// postgresParse is the JSON object or list in a text, or null. A cast would fail
// the query where there is none, and not every version can ask before. So the
// text is reduced: strings become one sign, other scalars another, then lists
// and objects of them, from the inside to a depth of jsonDepth.
func postgresParse(t string) string {
	const jsonDepth = 16
	r := `regexp_replace(` + t + `, '"([^"\\\u0001-\u001f]|\\(["\\/bfnrt]|u(?!0000|[dD][89a-fA-F])[0-9a-fA-F]{4}|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))*"', chr(1), 'g')`
	r = `regexp_replace(` + r + `, 'true|false|null|-?(0|[1-9][0-9]{0,99})([.][0-9]{1,99})?([eE][+-]?[0-9]{1,3})?', chr(2), 'g')`
	r = `regexp_replace(` + r + `, '[ \t\n\r]+', '', 'g')`
	for range jsonDepth {
		r = `regexp_replace(` + r + `, '\[([\u0001\u0002](,[\u0001\u0002])*)?\]|\{(\u0001:[\u0001\u0002](,\u0001:[\u0001\u0002])*)?\}', chr(2), 'g')`
	}
	return "CASE WHEN " + t + ` ~ '^[ \t\n\r]*[[{]' AND ` + t + ` !~ '[\u0001\u0002]' AND ` + r + " = chr(2) THEN CAST(" + t + " AS jsonb) END"
}
