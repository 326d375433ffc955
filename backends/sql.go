package backends

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// SQL prints a rule as a query of a dialect: the rows of its table that it is
// true of, all columns. It refuses, at the author's line, what the dialect
// cannot say exactly.
//
// The query is two-valued: a null is never what keeps a row from a result under
// a negation. Nothing that a row may hold makes the query fail.
func SQL(r *ir.Rule, d *Dialect, t Target) (*Query, error) {
	if len(r.Lacks) > 0 {
		return nil, refuse(r, nil, d.title, "a rule with parameters without a value (%s) is not supported", strings.Join(r.Lacks, ", "))
	}
	if read := readBindings(r, nil); len(read) > 0 {
		return nil, refuse(r, nil, d.title, "a parameter that is only known when the query runs (%s) is not supported", read[0].Name)
	}
	if r.Correlation != nil {
		return sqlCorrelated(r, d, t)
	}
	p := &sqlPrinter{rule: r, d: d, target: t}
	if r.Once != nil {
		q, err := sqlOnce(r, d, t)
		if err == nil && t.Entities {
			err = p.entities(q)
		}
		return q, err
	}
	table := r.Source.Table
	if table == "" {
		table = t.Table
	}
	if table == "" {
		return nil, refuse(r, nil, d.title, "the rule's logsource has no table, name one: that is not supported")
	}
	where, err := p.predicate(r.Predicate())
	if err != nil {
		return nil, err
	}
	name, err := sqlTable(r, d, table)
	if err != nil {
		return nil, err
	}
	q := &Query{Table: table, Time: sqlTimeColumn(r, t)}
	q.Text = "SELECT *\nFROM " + name + "\nWHERE " + where
	if t.Entities {
		err = p.entities(q)
	}
	return q, err
}

// sqlTable is a table's name, of several parts if it has dots.
func sqlTable(r *ir.Rule, d *Dialect, table string) (string, error) {
	if r.Source.Function { // whose text is Kusto's: no other database has it
		return "", refuse(r, nil, d.title, "%s is a function of Kusto, not a table (a pipeline can name a table of yours that has its columns); it is not supported", table)
	}
	var parts []string
	for part := range strings.SplitSeq(table, ".") {
		if part == "" || strings.ContainsRune(part, 0) {
			return "", refuse(r, nil, d.title, "the table name %q is not supported", table)
		}
		parts = append(parts, d.ident(part))
	}
	return strings.Join(parts, "."), nil
}

func sqlTimeColumn(r *ir.Rule, t Target) string {
	if c := r.Source.Time.Column; c != "" {
		return c
	}
	return t.Time
}

// sqlPredicate prints a tree as a condition on a row of the rule's table. The
// condition may be unknown where the tree is false, so it belongs into WHERE,
// FILTER or CASE WHEN, or into Dialect.isNotTrue.
func sqlPredicate(r *ir.Rule, e ir.Expr, d *Dialect, t Target) (string, error) {
	return (&sqlPrinter{rule: r, d: d, target: t}).predicate(e)
}

func (p *sqlPrinter) predicate(e ir.Expr) (string, error) {
	d := p.d
	return ir.Emit(ir.Simplify(e), &ir.Syntax{
		And: " AND ", Or: " OR ", True: "TRUE", False: "FALSE", List: lines,
		Not: func(x string) (string, ir.Precedence) { return d.isNotTrue(x), ir.PrecedenceNot },
		Leaf: func(m *ir.Match, _ bool, depth int) (string, ir.Precedence, error) {
			p.at, p.names = m, 0
			c, err := p.match(m, depth)
			return c.text, c.prec, err
		},
		Any: func(a *ir.Any, body string, _ bool, depth int) (string, ir.Precedence, error) {
			p.at, p.names = a, 0
			c, err := p.any(a, body, depth)
			return c.text, c.prec, err
		},
	})
}

// lines writes a long conjunction or disjunction a part a line.
func lines(op string, parts []string) string {
	const width = 100
	parts = balanced(op, parts)
	n := 0
	for _, part := range parts {
		n += len(part)
	}
	if n <= width {
		return strings.Join(parts, op)
	}
	return strings.Join(parts, "\n "+op)
}

// sqlPrinter prints the leaves of one tree.
type sqlPrinter struct {
	rule   *ir.Rule
	d      *Dialect
	target Target
	at     ir.Expr // what is being printed
	names  int     // of elements that were given in it
	// rows, if not nil: elements of lists become rows, not questions.
	rows *sqlRows
	// list, if not nil: elements of lists become a list, not questions.
	list *sqlList
}

func (p *sqlPrinter) refuse(format string, args ...any) error {
	return refuse(p.rule, p.at, p.d.title, format, args...)
}

// fresh is a name for an element within a leaf, elementName that of a list block.
func (p *sqlPrinter) fresh() string {
	p.names++
	return fmt.Sprintf("v%d", p.names)
}

func elementName(depth int) string { return fmt.Sprintf("e%d", depth) }

func (p *sqlPrinter) quote(s string) (string, error) {
	q, ok := p.d.quote(s)
	if !ok {
		return "", p.refuse("a text with a NUL in it is not supported")
	}
	return q, nil
}

// cond is a condition and how tightly its text binds.
type cond struct {
	text string
	prec ir.Precedence
}

func atom(s string) cond { return cond{s, ir.PrecedenceAtom} }

// comparison is looser than an atom: x = y, x LIKE y, x IS NULL.
func comparison(s string) cond { return cond{s, ir.PrecedenceNot} }

func (c cond) is(v bool) bool { return v && c.text == "TRUE" || !v && c.text == "FALSE" }

func constant(v bool) cond {
	if v {
		return atom("TRUE")
	}
	return atom("FALSE")
}

func (c cond) within(p ir.Precedence) string {
	if c.prec < p {
		return "(" + c.text + ")"
	}
	return c.text
}

func allOf(cs ...cond) cond { return joined(" AND ", ir.PrecedenceAnd, true, cs) }
func anyOf(cs ...cond) cond { return joined(" OR ", ir.PrecedenceOr, false, cs) }

func joined(op string, prec ir.Precedence, unit bool, cs []cond) cond {
	var kept []cond
	for _, c := range cs {
		switch {
		case c.text == "" || c.is(unit):
		case c.is(!unit):
			return constant(!unit)
		default:
			kept = append(kept, c)
		}
	}
	switch len(kept) {
	case 0:
		return constant(unit)
	case 1:
		return kept[0]
	}
	parts := make([]string, len(kept))
	for i, c := range kept {
		parts[i] = c.within(prec)
	}
	return cond{strings.Join(balanced(op, parts), op), prec}
}

// balanced puts the parts of a long chain in parentheses, so many together that
// no chain is longer than sqlParts: an engine takes a chain for one level a part
// and refuses expressions that are too deep, SQLite those of 1000 levels.
func balanced(op string, parts []string) []string {
	const sqlParts = 50
	for len(parts) > sqlParts {
		var groups []string
		for group := range slices.Chunk(parts, sqlParts) {
			if len(group) > 1 {
				group = []string{"(" + strings.Join(group, op) + ")"}
			}
			groups = append(groups, group...)
		}
		parts = groups
	}
	return parts
}

func (p *sqlPrinter) not(c cond) cond {
	switch {
	case c.is(true):
		return constant(false)
	case c.is(false):
		return constant(true)
	}
	return comparison(p.d.isNotTrue(c.within(ir.PrecedenceAtom)))
}
