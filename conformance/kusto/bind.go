package kusto

import (
	"fmt"
	"sort"
	"strings"
)

// Binding turns what was parsed into what runs: names find their columns and
// tables, types are checked, constants are evaluated. It needs the tables, so
// it is done at each run.

// env is what an expression reads while it is evaluated.
type env struct {
	row    []Value
	rows   [][]Value // of the operator's input, for prev() and next()
	i      int       // row's place in rows
	window []Value   // results of window functions for row
	aggs   []Value   // results of aggregations for a group
	states [][]Value // of scan's steps
}

// expr is a bound scalar expression.
type expr struct {
	typ   Type
	eval  func(*env) Value
	konst bool
	val   Value  // of a constant
	name  string // that a column made of it gets; "" for a generated one
	id    int    // of the column that it is, else 0
}

func constant(t Type, v Value) *expr {
	return &expr{typ: t, konst: true, val: v, eval: func(*env) Value { return v }}
}

// column is a column of a bound tabular expression. Columns with one id hold
// one value in a record, however often they are passed on.
type column struct {
	Column
	id int
}

// plan is a bound tabular expression.
type plan struct {
	cols       []column
	serialized bool
	run        func() [][]Value
}

// scope is what names stand for.
type scope struct {
	parent *scope
	names  map[string]*binding
}

// binding is what one name stands for: an expression or function of a let
// statement, a bound argument, or a table.
type binding struct {
	scope *scope    // where x or fn is bound
	x     node      // of let
	fn    *function // of let
	arg   *expr     // scalar argument
	rows  *rowScope // whose columns arg may read
	table *plan     // tabular let or argument, once bound
	busy  bool
}

func (s *scope) find(name string) *binding {
	for ; s != nil; s = s.parent {
		if b := s.names[name]; b != nil {
			return b
		}
	}
	return nil
}

// rowScope is the record that an expression reads.
type rowScope struct {
	cols       []column
	serialized bool // window functions are allowed
	op         string
	windows    []*windowCall
	inWindow   bool
	aggs       *aggregates // of summarize
	steps      *scanScope  // of scan
}

func (r *rowScope) index(name string) int {
	for i, c := range r.cols {
		if c.Name == name {
			return i
		}
	}
	return -1
}

type binder struct {
	db      *Database
	c       Choices
	work    int
	depth   int
	ids     int
	inApply int // subqueries that may have no source but the implicit one
	inSub   int // subqueries of any kind
	tables  map[string]*plan
	cells   int
}

func (b *binder) count(pos int) {
	if b.work++; b.work > maxBound {
		fail(pos, "the query grows beyond %d expressions when its functions are called", maxBound)
	}
}

func (b *binder) enter(pos int) {
	if b.depth++; b.depth > maxDepth {
		fail(pos, "the query is nested more than %d deep", maxDepth)
	}
}

func (b *binder) leave() { b.depth-- }

func (b *binder) newID() int { b.ids++; return b.ids }

// spend counts the cells that operators make.
func (b *binder) spend(pos, rows, width int) {
	if rows > maxRows {
		fail(pos, "the operator gives more than %d rows", maxRows)
	}
	if b.cells += rows * (width + 1); b.cells > maxCells {
		fail(pos, "the query makes more than %d values", maxCells)
	}
}

// Columns binds the query to a database and returns the columns of its
// result: a check of names and types without a run.
func (q *Query) Columns(db *Database) (cols []Column, err error) {
	defer catch(q.text, &err)
	return columnsOf(q.bind(db).cols), nil
}

// Run binds the query to a database and evaluates it.
func (q *Query) Run(db *Database) (t *Table, err error) {
	defer catch(q.text, &err)
	p := q.bind(db)
	return &Table{Columns: columnsOf(p.cols), Rows: p.run()}, nil
}

func (q *Query) bind(db *Database) *plan {
	b := &binder{db: db, c: db.Choices, tables: map[string]*plan{}}
	return b.table(q.body, b.lets(q.lets, nil))
}

func columnsOf(cols []column) []Column {
	out := make([]Column, len(cols))
	for i, c := range cols {
		out[i] = c.Column
	}
	return out
}

// lets opens a scope for each let statement, which sees those before it.
func (b *binder) lets(lets []letNode, s *scope) *scope {
	for _, l := range lets {
		s = &scope{s, map[string]*binding{l.name: {scope: s, x: l.x, fn: l.fn}}}
	}
	return s
}

// isTable tells a tabular expression from a scalar one.
func (b *binder) isTable(x node, s *scope, r *rowScope) bool {
	switch x := x.(type) {
	case *pipeNode:
		return true
	case *nameNode:
		if r != nil && r.index(x.name) >= 0 {
			return false
		}
		if d := s.find(x.name); d != nil {
			return d.isTable(b)
		}
		return b.db.Tables[x.name] != nil
	case *callNode:
		if d := s.find(x.name); d != nil {
			return d.fn != nil && b.bodyIsTable(d)
		}
		return x.name == "_GetWatchlist" || x.name == "materialize" || x.name == "table"
	}
	return false
}

func (d *binding) isTable(b *binder) bool {
	switch {
	case d.arg != nil:
		return false
	case d.table != nil:
		return true
	case d.fn != nil:
		return len(d.fn.params) == 0 && b.bodyIsTable(d)
	case d.busy:
		return false
	}
	d.busy = true
	defer func() { d.busy = false }()
	return b.isTable(d.x, d.scope, nil)
}

func (b *binder) bodyIsTable(d *binding) bool {
	s := b.lets(d.fn.lets, d.scope)
	in := &scope{s, map[string]*binding{}}
	for _, p := range d.fn.params {
		if p.typ == 0 {
			in.names[p.name] = &binding{table: &plan{}}
		} else {
			in.names[p.name] = &binding{arg: constant(p.typ, null(p.typ))}
		}
	}
	return b.isTable(d.fn.body, in, nil)
}

// table binds a tabular expression.
func (b *binder) table(x node, s *scope) *plan {
	b.count(x.at())
	b.enter(x.at())
	defer b.leave()
	switch x := x.(type) {
	case *pipeNode:
		p := b.table(x.src, s)
		return b.ops(p, x.ops, s)
	case *nameNode:
		return b.tableName(x, s)
	case *callNode:
		return b.tableCall(x, s)
	case *tableNode:
		return b.datatable(x, s)
	case *rangeNode:
		return b.rangeTable(x, s)
	case *printNode:
		return b.print(x, s)
	case *unionNode:
		return b.union(x, nil, s)
	}
	fail(x.at(), "expected a tabular expression")
	return nil
}

func (b *binder) ops(p *plan, ops []opNode, s *scope) *plan {
	for _, o := range ops {
		if as, ok := o.(*asOp); ok {
			if b.inSub > 0 {
				refuse(o.at(), "as in a subquery")
			}
			p = p.once()
			s = &scope{s, map[string]*binding{as.name: {table: p}}}
			continue
		}
		p = b.op(p, o, s)
	}
	return p
}

// once makes a plan run no more than once.
func (p *plan) once() *plan {
	var rows [][]Value
	done := false
	run := p.run
	return &plan{p.cols, p.serialized, func() [][]Value {
		if !done {
			rows, done = run(), true
		}
		return rows
	}}
}

func (b *binder) tableName(x *nameNode, s *scope) *plan {
	if d := s.find(x.name); d != nil {
		switch {
		case d.table != nil:
			return d.table
		case d.arg != nil:
			fail(x.at(), "'%s' is a scalar, not a table", x.name)
		case d.fn != nil:
			return b.callTable(x.at(), x.name, d, nil, s)
		case !d.isTable(b):
			fail(x.at(), "'%s' is a scalar, not a table", x.name)
		}
		d.table = b.table(d.x, d.scope).once()
		return d.table
	}
	if t := b.db.Tables[x.name]; t != nil {
		return b.stored(x.at(), "table "+x.name, t)
	}
	fail(x.at(), "no table is named '%s'%s", x.name, nearest(x.name, tableNames(b.db.Tables)))
	return nil
}

func tableNames(m map[string]*Table) []string {
	var out []string
	for n := range m {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

// nearest is a hint at a name that differs by case only.
func nearest(name string, known []string) string {
	for _, k := range known {
		if strings.EqualFold(k, name) {
			return fmt.Sprintf("; there is '%s' (names are case-sensitive)", k)
		}
	}
	return ""
}

// stored is a table of the database, its values checked against its columns.
func (b *binder) stored(pos int, what string, t *Table) *plan {
	if p := b.tables[what]; p != nil {
		return p
	}
	p := &plan{}
	for _, c := range t.Columns {
		if c.Type < TypeBool || c.Type > TypeDynamic {
			fail(pos, "the column %s of %s has no type", c.Name, what)
		}
		p.cols = append(p.cols, column{c, b.newID()})
	}
	p.run = func() [][]Value {
		out := make([][]Value, len(t.Rows))
		for i, r := range t.Rows {
			if len(r) != len(t.Columns) {
				fail(pos, "row %d of %s has %d values for %d columns", i, what, len(r), len(t.Columns))
			}
			out[i] = r
			for j, v := range r {
				if fits(t.Columns[j].Type, v) {
					continue
				}
				c, err := Convert(t.Columns[j].Type, v)
				if err != nil {
					fail(pos, "row %d of %s: column %s: %v", i, what, t.Columns[j].Name, err)
				}
				if &out[i][0] == &r[0] {
					out[i] = append([]Value(nil), r...)
				}
				out[i][j] = c
			}
		}
		return out
	}
	p = p.once()
	b.tables[what] = p
	return p
}

// fits reports whether v needs no conversion to be a value of t.
func fits(t Type, v any) bool {
	switch v.(type) {
	case nil:
		return t != TypeString
	case bool:
		return t == TypeBool || t == TypeDynamic
	case int32:
		return t == TypeInt
	case int64:
		return t == TypeLong || t == TypeDynamic
	case float64:
		return t == TypeReal || t == TypeDynamic
	case string:
		return t == TypeString || t == TypeDynamic
	case Datetime:
		return t == TypeDatetime || t == TypeDynamic
	case Timespan:
		return t == TypeTimespan || t == TypeDynamic
	case GUID:
		return t == TypeGUID || t == TypeDynamic
	}
	return false
}
