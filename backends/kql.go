package backends

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// KQL prints a rule as a query of Kusto: Microsoft Sentinel, Defender XDR,
// Azure Data Explorer. The result has the matching rows of the rule's table
// with all their columns, and behind them those of Query.Entities.
//
// What asks about lists is computed first, one Boolean column a question, by
// mv-apply over lists that are never empty, so that no row is lost on the way;
// the predicate with its nots comes after. In a table of a pipeline a list of
// lists is not looked into; in an Event column lists are flattened to a depth
// of KQLListDepth.
func KQL(r *ir.Rule, t Target) (*Query, error) {
	if len(r.Lacks) > 0 {
		return nil, refuse(r, nil, "KQL", "parameters without a value: %s; the rule cannot be said", strings.Join(r.Lacks, ", "))
	}
	if r.Correlation != nil {
		return kqlCorrelated(r, t)
	}
	p, table, err := newKQLPrinter(r, t)
	if err != nil {
		return nil, err
	}
	q := &Query{Table: table, Time: t.Time}
	if steps := r.Source.Time.Steps(); p.event == "" && len(steps) == 1 {
		q.Time = steps[0].Key
	}
	if err := p.print(q); err != nil {
		return nil, err
	}
	return q, nil
}

// newKQLPrinter returns the printer of a rule over one event, and the table
// that the rule reads.
func newKQLPrinter(r *ir.Rule, t Target) (*kqlPrinter, string, error) {
	p := &kqlPrinter{rule: r, target: t, origin: map[ir.Expr]ir.Expr{}, items: map[string]string{}, names: map[string]int{}, depth: 1}
	table := r.Source.Table
	if t.Event != "" && (r.Source.Form != "" || table == "") {
		p.event, p.depth = t.Event, KQLListDepth
		if t.Table != "" {
			table = t.Table
		}
	} else if table == "" {
		table = t.Table
	}
	if table == "" {
		return nil, "", p.refuse(nil, "the pipeline knows no table for the rule's logsource; it cannot be said")
	}
	return p, table, nil
}

// KQLListDepth is how many levels of lists, the outermost one among them, KQL
// takes apart in an Event column.
const KQLListDepth = 3

// kqlPrinter prints one rule.
type kqlPrinter struct {
	rule   *ir.Rule
	target Target
	event  string // the column with the whole event; "": a column each
	depth  int    // of lists in lists
	// scopes are where leaves stand: the row, then the element of each Any
	// around.
	scopes []*kqlScope
	names  map[string]int
	// columns are those that the rule reads; helpers have other names.
	columns map[string]bool
	items   map[string]string // names of elements, by the list
	origin  map[ir.Expr]ir.Expr
	// joins are the joined columns that the query adds; those that something
	// asks for while joining are added, others are written where they stand.
	joins   map[string]*ir.Join
	joining bool
	// addresses are those that conditions of the row read; extends are the
	// columns that the query adds behind the joined ones.
	addresses []string
	extends   []kqlExtend
}

// kqlExtend is a helper column of the row.
type kqlExtend struct{ name, value string }

// kqlScope is what paths start at: the row or the element of a list block.
type kqlScope struct {
	root    string // "": each first step is a column
	applies []*kqlApply
}

func (p *kqlPrinter) refuse(e ir.Expr, format string, args ...any) error {
	for p.origin[e] != nil {
		e = p.origin[e]
	}
	return refuse(p.rule, e, "KQL", format, args...)
}

// name makes a name for a helper column, other than those that the rule reads.
func (p *kqlPrinter) name(what string) string {
	if p.columns == nil {
		p.columns = columnsOf(p.rule)
		p.columns[p.event], p.columns[p.target.Time] = true, true
	}
	for {
		p.names[what]++
		if name := fmt.Sprintf("%s_%d", what, p.names[what]); !p.columns[name] {
			return name
		}
	}
}

// columnsOf has the columns of the table that a rule reads.
func columnsOf(r *ir.Rule) map[string]bool {
	columns := map[string]bool{}
	add := func(fs ...ir.Field) { addColumns(columns, fs...) }
	add(r.Source.Time)
	add(r.Source.Messages...)
	for _, e := range r.Entities {
		add(e.Field)
	}
	if r.Once != nil {
		add(r.Once.By...)
	}
	ir.Walk(r.Predicate(), func(e ir.Expr) bool {
		switch e := e.(type) {
		case *ir.Any:
			add(e.Over)
		case *ir.Match:
			add(e.Field)
			for _, v := range e.Values {
				if ref, ok := v.(ir.FieldRef); ok {
					add(ref.Field)
				}
			}
		}
		return true
	})
	return columns
}

// addColumns adds the columns that fields start at.
func addColumns(columns map[string]bool, fs ...ir.Field) {
	for _, f := range fs {
		columns[f.Column] = true
		if f.Column == "" && len(f.Path) > 0 {
			columns[f.Path[0].Key] = true
		}
		if f.Join != nil {
			for _, part := range f.Join.Parts {
				columns[part.Column] = true
			}
		}
		if f.Derive != nil && f.Derive.From != nil {
			columns[f.Derive.From.Column] = true
		}
	}
}

// enter makes a row of the table the place that leaves stand at.
func (p *kqlPrinter) enter() *kqlScope {
	row := &kqlScope{root: p.event}
	if p.event != "" {
		row.root = kqlName(p.event)
	}
	p.scopes = []*kqlScope{row}
	return row
}

// filter prints the operators that leave the rows that the rule is true of.
func (p *kqlPrinter) filter() (lines []string, row *kqlScope, err error) {
	row = p.enter()
	p.joining = true
	defer func() { p.joining = false }()
	var early, needs, dears, late []string
	for _, part := range conjuncts(p.regroup(ir.Simplify(p.rule.Predicate()))) {
		flags := p.names["match"]
		text, err := p.boolean(part)
		if err != nil {
			return nil, nil, err
		}
		switch {
		case text == "true":
			continue
		case p.names["match"] != flags || usesHelper(text):
			late = append(late, text)
		case dear(text):
			dears = append(dears, text)
		default:
			early = append(early, text)
			continue
		}
		if n := p.needOf(part, row.root, false); !n.plain() || p.names["match"] != flags {
			if text := n.print(); text != "" && !slices.Contains(needs, text) {
				needs = append(needs, text)
			}
		}
	}
	p.addressColumns(early, dears, late)
	var wheres []string
	for _, w := range slices.Concat(early, needs, dears) {
		wheres = append(wheres, "where "+w)
	}
	lines = p.joined(lines, wheres)
	lines = append(lines, row.operators()...)
	for _, w := range late {
		lines = append(lines, "where "+w)
	}
	return lines, row, nil
}

func (p *kqlPrinter) print(q *Query) error {
	where, row, err := p.filter()
	if err != nil {
		return err
	}
	lines := append([]string{p.table(q.Table)}, where...)
	var away []string
	for _, a := range row.applies {
		if n := a.chain[0].name; n != "" && !slices.Contains(away, n) {
			away = append(away, n)
		}
		for _, f := range a.flags {
			away = append(away, f.name)
		}
	}
	if len(away) > 0 {
		lines = append(lines, "project-away "+strings.Join(away, ", "))
	}
	if p.rule.Once != nil {
		arrived := ""
		if p.target.Since > 0 && !p.rule.Source.Function { // a view over tables has no time of arrival
			arrived = p.name("arrived")
			lines = slices.Insert(lines, 1, "extend "+arrived+" = ingestion_time()")
		}
		once, err := p.once(p.rule.Once, arrived)
		if err != nil {
			return err
		}
		lines = append(lines, once...)
	}
	if p.target.Entities {
		p.entities(q, &lines)
	}
	if added := p.addedNames(); len(added) > 0 {
		lines = append(lines, "project-away "+strings.Join(added, ", "))
	}
	lets, guards, err := kqlLists(p.rule, strings.Join(lines, "\n"))
	if err != nil {
		return err
	}
	for i, g := range guards {
		lines = slices.Insert(lines, 1+i, "where "+g)
	}
	q.Text = strings.Join(append(lets, strings.Join(lines, "\n| ")), "\n")
	return nil
}

// usesHelper reports whether a text may name an answer that an earlier part asked
// for.
func usesHelper(text string) bool { return strings.Contains(text, "match_") }

// conjuncts takes a predicate apart at its top-level ands, so that each part
// can be a line of its own.
func conjuncts(e ir.Expr) []ir.Expr {
	switch x := e.(type) {
	case *ir.And:
		var out []ir.Expr
		for _, c := range x.X {
			out = append(out, conjuncts(c)...)
		}
		return out
	case *ir.Selection:
		return conjuncts(x.X)
	case *ir.Not:
		inner := x.X
		for {
			s, ok := inner.(*ir.Selection)
			if !ok {
				break
			}
			inner = s.X
		}
		switch y := inner.(type) {
		case *ir.Or:
			var out []ir.Expr
			for _, c := range y.X {
				out = append(out, conjuncts(&ir.Not{X: c})...)
			}
			return out
		case *ir.Not:
			return conjuncts(y.X)
		}
	}
	return []ir.Expr{e}
}

// regroup joins matches in an Or that ask the same of the same field.
func (p *kqlPrinter) regroup(e ir.Expr) ir.Expr {
	return ir.Map(e, func(e ir.Expr) ir.Expr {
		or, ok := e.(*ir.Or)
		if !ok {
			return e
		}
		at := map[string]int{}
		var out []ir.Expr
		merged := false
		for _, x := range or.X {
			m, ok := unselected(x).(*ir.Match)
			if !ok || len(m.Values) == 0 {
				out = append(out, x)
				continue
			}
			key := fmt.Sprintf("%s\x00%s\x00%d\x00%t", m.Field.Spec(), m.Field.Column, m.Op, m.Cased)
			i, seen := at[key]
			if !seen {
				at[key] = len(out)
				out = append(out, x)
				continue
			}
			first := unselected(out[i]).(*ir.Match)
			both := *first
			both.Values = append(slices.Clone(first.Values), m.Values...)
			p.origin[&both] = first
			out[i], merged = &both, true
		}
		switch {
		case !merged:
			return e
		case len(out) == 1:
			return out[0]
		}
		return &ir.Or{X: out}
	})
}

func unselected(e ir.Expr) ir.Expr {
	for {
		s, ok := e.(*ir.Selection)
		if !ok {
			return e
		}
		e = s.X
	}
}

// boolean prints a predicate over a row.
func (p *kqlPrinter) boolean(e ir.Expr) (string, error) {
	return ir.Emit(e, &ir.Syntax{
		And: " and ", Or: " or ", True: "true", False: "false",
		List: kqlJoin,
		Not:  kqlNot,
		Leaf: func(m *ir.Match, negated bool, depth int) (string, ir.Precedence, error) {
			text, err := p.leaf(p.scope(depth), m, negated)
			return text, kqlPrecedence(text), err
		},
		Any: func(a *ir.Any, body string, negated bool, depth int) (string, ir.Precedence, error) {
			text, err := p.any(p.scope(depth), a, body, p.scope(depth+1))
			p.scopes = p.scopes[:depth+1]
			return text, ir.PrecedenceAtom, err
		},
	})
}

// scope returns the scope that many Anys deep. The element of the innermost is
// named when something first asks for it.
func (p *kqlPrinter) scope(depth int) *kqlScope {
	for len(p.scopes) <= depth {
		p.scopes = append(p.scopes, &kqlScope{root: p.name("item")})
	}
	return p.scopes[depth]
}

// kqlPrecedence says how tightly a leaf binds that this package printed.
func kqlPrecedence(text string) ir.Precedence {
	depth, lowest := 0, ir.PrecedenceAtom
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			i = literalEnd(text, i)
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case depth == 0 && strings.HasPrefix(text[i:], "or ") && i > 0 && isSpace(text[i-1]):
			return ir.PrecedenceOr
		case depth == 0 && strings.HasPrefix(text[i:], "and ") && i > 0 && isSpace(text[i-1]):
			lowest = ir.PrecedenceAnd
		}
	}
	return lowest
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' }
