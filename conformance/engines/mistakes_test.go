package engines

import (
	"context"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/conformance"
)

// mistakes are those that a printer could make, by what they change in a query
// for SQLite.
var mistakes = []struct{ name, right, wrong string }{
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
}

// TestMistakes plants mistakes of the printer, one at a time: each is found.
func TestMistakes(t *testing.T) {
	e, err := SQLite(true)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	columns, err := e.Table("typed", typedColumns)
	if err != nil {
		t.Fatal(err)
	}
	events, typed := ofRandom(min(*pairs, 3000), stores("sqlite")), ofTyped(t, 1000, "sqlite")
	for _, m := range mistakes {
		table, all := e.events, events
		if strings.HasSuffix(m.name, " of columns") {
			table, all = columns, typed
		}
		var changed []asked
		var questions []conformance.Question
		table.change = func(text string) string { return strings.ReplaceAll(text, m.right, m.wrong) }
		for i, q := range texts(table, all) {
			if strings.Contains(q, m.right) && leftOut(all[i].Rule.Predicate(), all[i].Events[0]) == "" {
				changed = append(changed, all[i])
				questions = append(questions, all[i].Question)
			}
		}
		found, failed := 0, 0
		for i, a := range table.Batch(context.Background(), questions) {
			switch {
			case a.Err != nil:
				failed++
			case a.Verdicts[0].Match != changed[i].want && deviates("sqlite", changed[i]) == "":
				found++
			}
		}
		if found+failed == 0 {
			t.Errorf("%s: not found in %d queries that it changes", m.name, len(questions))
		}
		t.Logf("%s: %d verdicts and %d failures of %d", m.name, found, failed, len(questions))
	}
	t.Logf("%d mistakes", len(mistakes))
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
