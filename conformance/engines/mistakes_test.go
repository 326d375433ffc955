package engines

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance"
)

// mistake is one that a printer could make, by what it changes in a query.
type mistake struct{ name, right, wrong string }

// mistakes are those of each engine's queries.
var mistakes = map[string][]mistake{"sqlite": {
	{"a null leaks under a negation of columns", " IS NOT TRUE", " IS FALSE"},
	{"LIKE without ESCAPE", ` ESCAPE '\'`, ""},
	{"equality with letter case", "lower(", "("},
	{"a test without its guard of kind", "v1.type = 'text' AND ", ""},
	{"lists are not taken apart", ".fullkey NOT LIKE '%.%'", ".fullkey = '$'"},
	{"long digits are a number", "<= 16", "<= 99"},
	{"cased as LIKE", " GLOB ", " LIKE "},
	{"a letter outside ASCII is not folded", "'Ä', 'ä'", "'Ä', 'Ä'"},
	{"a list in a text is not parsed", "IN ('object', 'array')", "IN ('object')"},
	{"an empty text of another field counts", " <> ''", " <> ' '"},
	{"a bound is left out", " >= ", " > "},
	{"an expression is not anchored", `\A`, ""},
	{"a null is something", "NOT IN ('null', 'array')", "NOT IN ('nil', 'array')"},
	{"all for any", " OR ", " AND "},
	{"1 is true", ".type = 'true'", ".type IN ('true', 'integer')"},
	{"a large integer is rounded", "9007199254740993", "9007199254740992"},
	{"a position is off by one", "[0]'", "[1]'"},
	{"a pattern is not of the whole text", " LIKE '", " LIKE '%"},
	{"a negation is lost", ") IS NOT TRUE", ")"},
	{"a null that a list stands for is an element", ", 'null')", ", 'nil')"},
	{"false is not there", ".type = 'false'", ".type = 'no'"},
	{"a text is no boolean", "= 'true'", "= 'yes'"},
	{"an hour is of another zone", "'+3600 seconds'", "'+0 seconds'"},
	{"the week begins on Sunday", "'%u'", "'%w'"},
	{"a dot ends at the line", "(?s:.)", "[^\\n]"},
	{"an upper-case IPv6 address is missed", "[Dd][Bb]8", "db8"},
	{"a quote in a text stays single", "''", "'"},
	{"a quoted key is read as a path", `."`, `.`},
	{"less for at most", " <= ", " < "},
	{"any element for the one by that name", "v1 WHERE v1.fullkey NOT LIKE '%.%' AND (json_type", "v1 WHERE 1 OR (json_type"},
	{"a number without its fraction", "printf('%.40f'", "printf('%.0f'"},
	{"a number of the text form that it is written in", "CAST(v1.atom AS TEXT)", "v1.atom"},
}, "duckdb": {
	{"a cast that fails the query", "TRY_CAST(", "CAST("},
	{"an integer of another field is a fraction", "HUGEINT", "DOUBLE"},
	{"an integer is read as a fraction", "END AS BIGINT)", "END AS DOUBLE)"},
	{"a number keeps its exponent", "LIKE '%e%'", "LIKE '%x%'"},
	{"a whole fraction keeps its point", "'\\.0$'", "'\\.00$'"},
	{"a null leaks under a negation of columns", " IS NOT TRUE", " IS FALSE"},
	{"equality with letter case", "lower(", "("},
	{"a list of lists is one level", "[*][*]", "[*]"},
	{"NaN is JSON", "|[nN][aA]|", "|[nN][xX]|"},
	{"long digits are a number", "{1,15}", "{1,99}"},
	{"a number may follow text", "regexp_full_match(", "regexp_matches("},
	{"a number is no text", "'UBIGINT', 'BIGINT', 'DOUBLE'", "'UBIGINT', 'BIGINT'"},
	{"an unsigned integer is no number", "'UBIGINT', ", ""},
	{"1 is true", "= 'true'::JSON", "IN ('true'::JSON, '1'::JSON)"},
	{"a null is something", "NOT IN ('NULL', 'ARRAY')", "NOT IN ('NIL', 'ARRAY')"},
	{"an object has a text", " = 'VARCHAR'", " IN ('VARCHAR', 'OBJECT')"},
	{"a bound is left out", " >= ", " > "},
	{"an address may follow text", "\\A", ""},
	{"an empty text of another field counts", " <> ''", " <> ' '"},
}, "postgres": {
	{"a cast that fails the query", " = 'string' AND ", " = 'string' OR "},
	{"a cast of a text that is no time", "THEN CAST(CASE WHEN", "ELSE CAST(CASE WHEN"},
	{"a null leaks under a negation of columns", " IS NOT TRUE", " IS FALSE"},
	{"equality with letter case", "lower(", "("},
	{"a list of lists is one level", strings.Repeat("[*]", 16), "[*]"},
	{"long digits are a number", "{1,15}", "{1,99}"},
	{"a number may follow text", "~ '^-?[0-9]", "~ '-?[0-9]"},
	{"a number keeps its zeros", "trim_scale(", "("},
	{"1 is true", " = 'true'::jsonb", " IN ('true'::jsonb, '1'::jsonb)"},
	{"a null that a list stands for is an element", "'null'::jsonb", "'\"nil\"'::jsonb"},
	{"an object has a text", " = 'string'", " IN ('string', 'object')"},
	{"any text is JSON", " = chr(2) THEN", " <> '' THEN"},
	{"an empty text of another field counts", " <> ''", " <> ' '"},
	{"a bound is left out", " <= ", " < "},
}}

// TestMistakes plants mistakes of the printer, one at a time: each is found, by
// a verdict or by a query that fails, among clashes or else random pairs.
func TestMistakes(t *testing.T) {
	for _, o := range open(t) {
		if len(mistakes[o.name]) == 0 {
			continue
		}
		t.Run(o.name, func(t *testing.T) {
			if o.err != nil {
				t.Skip(o.err)
			}
			hunt(t, o.name, o.Engine)
		})
	}
}

func hunt(t *testing.T, name string, e *Engine) {
	ctx := context.Background()
	clashes := conformance.Clashes()
	var clashing []*Table
	for i, c := range clashes {
		table, err := e.Table(fmt.Sprintf("clashes%d", i), []Column{{eventColumn, ir.TypeJSON}})
		if err != nil {
			t.Fatal(err)
		}
		table.target.Event = eventColumn
		if err := table.store(ctx, []*inquiry{{events: c.Events}}); err != nil {
			t.Fatal(err)
		}
		clashing = append(clashing, table)
	}
	columns, err := e.Table("typed", typedColumns)
	if err != nil {
		t.Fatal(err)
	}
	events, typed := ofRandom(min(*pairs, 3000), stores(name)), ofTyped(t, 1000, name)
	for _, m := range mistakes[name] {
		began := time.Now()
		if strings.HasSuffix(m.name, " of columns") {
			if how := foundInPairs(ctx, name, columns, typed, m); how == "" {
				t.Errorf("%s: not found", m.name)
			}
			continue
		}
		how := ""
		for i, c := range clashes {
			if how == "" {
				how = foundInClash(ctx, name, clashing[i], c, m)
			}
		}
		if how == "" {
			how = foundInPairs(ctx, name, e.events, events, m)
		}
		if how == "" {
			t.Errorf("%s: not found", m.name)
		}
		t.Logf("%s: %s, %v", m.name, how, time.Since(began).Round(time.Millisecond))
	}
	t.Logf("%d mistakes", len(mistakes[name]))
}

// foundInClash asks the changed queries of a clash until one fails or says what
// the reference does not; "" if none does.
func foundInClash(ctx context.Context, engine string, table *Table, c conformance.Clash, m mistake) string {
	for n, e := range c.Trees {
		text, err := table.query(conformance.Question{Rule: &ir.Rule{When: e}})
		if err != nil || !strings.Contains(text, m.right) {
			continue
		}
		in := &inquiry{text: strings.ReplaceAll(text, m.right, m.wrong), put: make([]*conformance.Verdict, len(c.Events))}
		for i := range in.put {
			in.put[i] = &conformance.Verdict{}
		}
		if err := table.putAll(ctx, []*inquiry{in}); err != nil {
			return fmt.Sprintf("the query of tree %d of clash %s fails", n, c.Name)
		}
		for i, ev := range c.Events {
			q := asked{Question: conformance.Question{Rule: &ir.Rule{When: e}, Events: []any{ev}}}
			if in.put[i].Match != conformance.Reference(e, ev) && leftOut(e, ev) == "" && deviates(engine, q) == "" {
				return fmt.Sprintf("a verdict of tree %d of clash %s", n, c.Name)
			}
		}
	}
	return ""
}

// foundInPairs does so with pairs of rule and event, some at a time.
func foundInPairs(ctx context.Context, engine string, table *Table, all []asked, m mistake) string {
	var changed []asked
	for i, q := range texts(table, all) {
		if strings.Contains(q, m.right) && leftOut(all[i].Rule.Predicate(), all[i].Events[0]) == "" {
			changed = append(changed, all[i])
		}
	}
	table.change = func(text string) string { return strings.ReplaceAll(text, m.right, m.wrong) }
	defer func() { table.change = nil }()
	for part := range slices.Chunk(changed, batchSize) {
		var questions []conformance.Question
		for _, q := range part {
			questions = append(questions, q.Question)
		}
		for i, a := range table.Batch(ctx, questions) {
			switch {
			case a.Err != nil:
				return "the query of a random pair fails"
			case a.Verdicts[0].Match != part[i].want && deviates(engine, part[i]) == "":
				return "the verdict of a random pair"
			}
		}
	}
	return ""
}

// texts are the queries for questions; "" for one that is refused.
func texts(t *Table, all []asked) []string {
	out := make([]string, len(all))
	for i, q := range all {
		if query, err := t.query(q.Question); err == nil {
			out[i] = query
		}
	}
	return out
}
