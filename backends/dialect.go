package backends

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// A Dialect is how one engine writes SQL. The generator decides what a query
// asks; a Dialect is data and small functions that write it down. Those of this
// package are variables; a Dialect is not changed after it was made.
type Dialect struct {
	name, title string
	// printedOnly: no engine of this dialect has run the conformance suite. The
	// text form of a fraction in JSON is the engine's own there.
	printedOnly bool

	// ident quotes a name, quote a text. quote refuses what the engine cannot
	// store.
	ident func(string) string
	quote func(string) (string, bool)
	// isNotTrue writes a negation that is true of an operand that is unknown.
	isNotTrue func(string) string

	// lower folds a text; foldsASCII says that it leaves all but ASCII letters
	// as they are, foldsInContext that it is not a mapping of code points.
	lower          func(string) string
	foldsASCII     bool
	foldsInContext bool
	// translate replaces each code point of from by that of to.
	translate func(x string, from, to []rune) string
	// like fits a whole text with wildcards; anyCase: like folds ASCII letters.
	like        func(x, pattern, escape string) string
	likeAnyCase bool
	// likeEscape is the character that escapes where none is named; 0: none.
	likeEscape byte
	// noEscapeClause: likeEscape is the only one there is.
	noEscapeClause bool
	// instead of like where case matters, if likeAnyCase.
	glob func(x string, p ir.Pattern, quote func(string) (string, bool)) (string, bool)

	// position is the place of a text in another, 0 for none.
	position func(x, what string) string

	// found searches a text for a simple regular expression where regexp is nil; ok
	// is false for what it cannot say. nil: there is no such thing.
	found func(x, re string, quote func(string) (string, bool)) (cond string, ok bool)
	// regexp searches a text; nil: there is no such thing, and noRegexp says what
	// else there is.
	regexp   func(x, re string) string
	noRegexp string
	regexps  *regexpSyntax
	// patternsApart is how many patterns are asked of a text one by one: more
	// are one regular expression. 0: any number is asked one by one.
	patternsApart int

	// textType casts a number, boolean or GUID to text.
	textType string
	// number is a text of number form as a number, null for other texts.
	number func(text string) string
	// exactNumbers: integers and fractions compare by their exact value.
	exactNumbers bool
	// integer writes a literal.
	integer func(int64) string
	// realText is the text form of a fraction column.
	realText func(x string) string

	// timeOf reads RFC 3339, null for other texts; part takes a number out of
	// what timeOf gives or a datetime column, or says that it cannot; micros are
	// the microseconds since 1970.
	timeOf func(text string) string
	part   func(t string, d ir.Derivation) (string, bool)
	micros func(t string) string
	types  map[ir.Type]string
	// timestampOf is the inverse of micros. divide and modulo are of integers,
	// towards zero.
	timestampOf    func(us string) string
	divide, modulo func(x, by string) string
	// timeFrame is what a frame that reaches us microseconds back is ordered by,
	// and how far that is; nil: t and us. longestFrame is the longest one; 0: no
	// limit.
	timeFrame    func(t string, us int64) (order, offset string)
	longestFrame int64
	// rowNumber tells rows apart.
	rowNumber string
	// as stands between the name of a common table expression and its text, where
	// more than AS does; settings behind the whole query.
	as, settings string
	// maxTables is how many tables a query may come to where the engine puts a
	// common table expression in wherever it is named; 0: no limit.
	maxTables int

	// lateral stands in front of rows made of an earlier table's columns.
	lateral string

	json  *jsonDialect
	lists *listDialect
}

// dialect fills in what most engines have alike and a dialect does not say.
func dialect(d Dialect) *Dialect {
	usual(&d.ident, doubleQuoted)
	usual(&d.quote, singleQuoted)
	usual(&d.isNotTrue, notTrue)
	usual(&d.lower, func(x string) string { return "lower(" + x + ")" })
	usual(&d.translate, translateFunction)
	usual(&d.like, likeOperator)
	usual(&d.position, calls("strpos"))
	usual(&d.integer, func(i int64) string { return strconv.FormatInt(i, 10) })
	usual(&d.divide, infix("/"))
	usual(&d.modulo, infix("%"))
	usual(&d.json.element, func(name string) place { return place{base: name} })
	if d.rowNumber == "" {
		d.rowNumber = "ROW_NUMBER() OVER ()"
	}
	return &d
}

// usual sets a function that is not there.
func usual[F function](f *F, to F) {
	if *f == nil {
		*f = to
	}
}

type function interface {
	func(string) string | func(string) (string, bool) | func(x, y string) string | func(x, y, z string) string |
		func(string, []rune, []rune) string | func(int64) string | func(string) place
}

// listDialect is how a row holds lists of texts or numbers, and how each value
// in one becomes a row.
type listDialect struct {
	// of is a list of one. each is the lists that the elements of v have for
	// which where holds, one behind another; elements are those of
	// jsonDialect.exists. tidy leaves nulls out, and all but one of equal values
	// where once is asked for.
	of   func(value string) string
	each func(v place, name, where, list string, whole bool) string
	tidy func(list string, once bool) string
	// rows stands behind a table in FROM and makes a row for each value of the
	// table's column list, with null where there is none.
	rows func(list, name string, t ir.Type) (from, value string)
	// joined is a list of texts as one, in order.
	joined func(list string) string
	// raised aggregates times: the list of the first, and of each first one
	// that comes more than us behind the listed one before. has asks whether
	// such a list has a time. nil: the query is recursive.
	raised func(t string, us int64) string
	has    func(list, t string) string
	// refusesOnce: there is neither.
	refusesOnce bool
}

// jsonDialect is how values inside a JSON document are reached.
type jsonDialect struct {
	// get is the value at a place, as JSON; null where there is none. kind is
	// the name of its type and text what a scalar there is as text.
	get, kind, text func(v place) string
	// key reports whether a path can name the key.
	key func(string) bool
	// The names of types.
	texts, numbers, bools, nulls, objects, arrays []string
	// isBool asks for a boolean of that value.
	isBool func(v place, truth bool) string
	// exists is true if body is of one element of v, lists taken apart; a
	// scalar is a list of one. whole: lists themselves and a null that v is are
	// no elements.
	exists func(v place, name, body string, whole bool) string
	// rows makes a row for each element of v, to stand behind the table in FROM,
	// and what must hold of it.
	rows func(v place, name string, whole bool) (from, where string)
	// leaves is exists for all scalars below v; nil: there is no such thing.
	leaves func(v place, name, body string) string
	// element is the place that exists and leaves give a name to.
	element func(name string) place
	// parse is the JSON object or list in a text, or null; wrap a text as JSON.
	parse, wrap func(text string) string
	// number is a number, or text of number form, as a number; null for what is
	// not asked for. integer gives a number only if it is one of 64 bits; needed
	// unless exactNumbers.
	number  func(v place, numbers, texts bool) string
	integer func(v place) string
	// exact is a number as an integer wide enough for all that it could be taken
	// for where it is compared as a fraction; null for others, and for fractions
	// that no integer of 64 bits is rounded to. nil: integer serves, and an integer
	// may be taken for a fraction that it is rounded to.
	exact func(v place) string
	// numberText is the text form of a number.
	numberText func(v place) string
}

// place is a value in a JSON document: at a path below an expression that
// yields JSON. In a dialect whose elements are rows, row is the row's name.
type place struct {
	base string
	path []placeStep
	row  bool
}

type placeStep struct {
	key   string
	index int // if key is not asked for
	list  bool
}

func (v place) key(k string) place {
	return place{v.base, append(v.path[:len(v.path):len(v.path)], placeStep{key: k}), v.row}
}

func (v place) at(i int) place {
	return place{v.base, append(v.path[:len(v.path):len(v.path)], placeStep{index: i, list: true}), v.row}
}

// Name returns the dialect's name, as DialectNamed takes it.
func (d *Dialect) Name() string { return d.name }

// Title returns the engines that speak it.
func (d *Dialect) Title() string { return d.title }

// Executed says whether the conformance suite runs queries of the dialect in
// its engine. Of the other dialects docs/sql.md says which a parser has read.
func (d *Dialect) Executed() bool { return !d.printedOnly }

// ColumnType returns the type of a column in which the dialect's queries expect
// what a pipeline calls t: a JSON document, a time with a zone.
func (d *Dialect) ColumnType(t ir.Type) string {
	if name, ok := d.types[t]; ok {
		return name
	}
	return d.types[ir.TypeString]
}

// Dialects returns all dialects.
func Dialects() []*Dialect {
	return []*Dialect{DuckDB, SQLite, SQLiteWithRegexp, PostgreSQL, ClickHouse, Trino, Spark, Snowflake, BigQuery}
}

// DialectNamed returns the dialect of that name; false, with a hint, where there
// is none.
func DialectNamed(name string) (d *Dialect, hint string, ok bool) {
	var known []string
	for _, d := range Dialects() {
		if strings.EqualFold(d.name, name) {
			return d, "", true
		}
		known = append(known, d.name)
	}
	if near := sigma.Nearest(name, known); near != "" {
		return nil, "did you mean " + near + "?", false
	}
	return nil, "there are " + strings.Join(known, ", "), false
}

// doubleQuoted is a name in standard SQL.
func doubleQuoted(name string) string {
	if plainName(name) && !reserved[strings.ToLower(name)] {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

func plainName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// reserved are words that some engine does not take as a name.
var reserved = func() map[string]bool {
	words := map[string]bool{}
	for _, w := range strings.Fields(`all alter analyse analyze and any array as asc asymmetric at authorization between both by case cast check collate column
		constraint create cross cube current current_date current_time current_timestamp current_user database default deferrable delete desc describe distinct drop
		else end escape except exclude execute exists explain extract false fetch filter first following for foreign from full function grant group grouping groups having
		hash if ignore ilike in index initially inner insert intersect interval into is isnull join key lambda last lateral leading left like limit localtime localtimestamp lookup
		match merge natural new no not notnull null nulls of off offset on only or order others outer over overlaps partition pivot placing positional preceding prepare primary proto
		qualify range recursive references regexp respect returning right rollup row rows schema select session_user set show similar some start struct summarize symmetric
		system table tablesample then ties time timestamp to top trailing treat trigger true unbounded union unique unnest unpivot update user using values variadic verbose view
		when where window with within without`) {
		words[w] = true
	}
	return words
}()

// singleQuoted is a text in standard SQL, for engines without NUL.
func singleQuoted(s string) (string, bool) {
	if strings.ContainsRune(s, 0) {
		return "", false
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'", true
}

// in asks whether x is one of a few names.
func in(x string, names ...string) string {
	if len(names) == 1 {
		return x + " = '" + names[0] + "'"
	}
	return x + " IN ('" + strings.Join(names, "', '") + "')"
}

func notTrue(x string) string { return x + " IS NOT TRUE" }

// backslashQuoted is a text where a backslash escapes.
func backslashQuoted(s string) (string, bool) {
	if strings.ContainsRune(s, 0) {
		return "", false
	}
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + "'", true
}

// backQuoted is a name in backticks where it needs quotes.
func backQuoted(name string) string {
	if plainName(name) && !reserved[strings.ToLower(name)] {
		return name
	}
	return "`" + strings.NewReplacer(`\`, `\\`, "`", "\\`").Replace(name) + "`"
}

func notCoalesced(x string) string { return "NOT coalesce(" + x + ", FALSE)" }

// bracketPath is a JSON path with every key in brackets.
func bracketPath(start string, path []placeStep) string {
	var b strings.Builder
	b.WriteString(start)
	for _, s := range path {
		if s.list {
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		} else {
			b.WriteString(`["` + s.key + `"]`)
		}
	}
	return b.String()
}

// bracketKey reports whether bracketPath can name a key.
func bracketKey(k string) bool { return !strings.ContainsAny(k, "\"\\\x00'`") }

// jsonKinds asks for a number's or a text's kind and gives the text; null else.
func jsonKinds(kind, text, form string, numberKinds []string, textKind string, numbers, texts bool) string {
	var when []string
	if numbers {
		when = append(when, in(kind, numberKinds...))
	}
	if texts {
		when = append(when, kind+" = '"+textKind+"' AND "+form)
	}
	return "CASE WHEN " + strings.Join(when, " OR ") + " THEN " + text + " END"
}

// zoned is a time zone's literal, UTC for none.
func zoned(d ir.Derivation) string {
	if d.Zone == "" {
		return "'UTC'"
	}
	return "'" + strings.ReplaceAll(d.Zone, "'", "''") + "'"
}

// infix writes an operator between two operands.
func infix(op string) func(x, y string) string {
	return func(x, y string) string { return x + " " + op + " " + y }
}

// transformed is listDialect.each in terms of elements, the list of what is in a
// value, for engines that have flatten, transform and filter.
func transformed(elements func(v place, whole bool) string) func(v place, name, where, list string, whole bool) string {
	return func(v place, name, where, list string, whole bool) string {
		of := elements(v, whole)
		if where != "TRUE" {
			of = "filter(" + of + ", " + name + " -> " + where + ")"
		}
		return "flatten(transform(" + of + ", " + name + " -> " + list + "))"
	}
}

// withoutNulls is listDialect.tidy for such engines.
func withoutNulls(list string, once bool) string {
	list = "filter(" + list + ", x -> x IS NOT NULL)"
	if once {
		list = "array_distinct(" + list + ")"
	}
	return list
}

// datePart takes a part out of a time, where weeks and their days are ISO's.
func datePart(t string, d ir.Derivation) (string, bool) {
	return fmt.Sprintf("date_part('%s', timezone(%s, %s))", isoPart(d.Kind), zoned(d), t), true
}

// isoPart names a part of a time as date_part and extract do.
func isoPart(k ir.DerivationKind) string {
	if k == ir.Weekday {
		return "isodow"
	}
	return k.String()
}

// distinct stands in front of what is taken once.
func distinct(once bool) string {
	if once {
		return "DISTINCT "
	}
	return ""
}

// calls writes a call of a function of two arguments.
func calls(function string) func(x, y string) string {
	return func(x, y string) string { return function + "(" + x + ", " + y + ")" }
}

// timeForm is RFC 3339 without a zone, of the years that every engine knows, as
// a regular expression that all dialects read alike.
const timeForm = `[1-9][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]+)?`
