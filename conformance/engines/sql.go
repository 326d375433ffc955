package engines

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance"
)

// Engine is a database that answers questions by the query that package
// backends prints for its dialect. It is not safe for concurrent use.
type Engine struct {
	Dialect *backends.Dialect
	db      *sql.DB
	// placeholder of the n-th argument of a statement, from 1.
	placeholder func(n int) string
	events      *Table
}

// Name returns the dialect's name.
func (e *Engine) Name() string { return e.Dialect.Name() }

// Close ends the connection.
func (e *Engine) Close() error { return e.db.Close() }

// Column of a table.
type Column struct {
	Name string
	Type ir.Type
}

// Table is where an engine puts events to ask about them.
type Table struct {
	engine  *Engine
	name    string
	columns []Column
	target  backends.Target
	// change, if not nil, is made to every query: a mistake of the printer that
	// a test plants.
	change func(text string) string
}

const (
	queryTable  = "events"
	eventColumn = "event"
)

func newEngine(d *backends.Dialect, db *sql.DB, placeholder func(int) string) (*Engine, error) {
	db.SetMaxOpenConns(1)
	e := &Engine{Dialect: d, db: db, placeholder: placeholder}
	var err error
	e.events, err = e.Table("all_events", []Column{{eventColumn, ir.TypeJSON}})
	if e.events != nil {
		e.events.target.Event = eventColumn
	}
	return e, err
}

// Table makes a table with a column for each of an event's keys.
func (e *Engine) Table(name string, columns []Column) (*Table, error) {
	var b strings.Builder
	b.WriteString("CREATE TEMPORARY TABLE " + name + " (question INTEGER, number INTEGER")
	for _, c := range columns {
		b.WriteString(", \"" + c.Name + "\" " + e.Dialect.ColumnType(c.Type))
	}
	if _, err := e.db.Exec(b.String() + ")"); err != nil {
		return nil, err
	}
	return &Table{engine: e, name: name, columns: columns}, nil
}

// row returns an event as the values of the table's columns.
func (t *Table) row(ev any) ([]any, error) {
	if t.target.Event != "" {
		text, err := jsonText(ev)
		return []any{text}, err
	}
	object, _ := ev.(map[string]any)
	values := make([]any, len(t.columns))
	for i, c := range t.columns {
		v, ok := object[c.Name]
		if n, isNumber := v.(json.Number); isNumber && c.Type != ir.TypeJSON {
			if v = any(nil); c.Type == ir.TypeReal {
				v, _ = n.Float64()
			} else {
				v, _ = n.Int64()
			}
		}
		if c.Type == ir.TypeJSON && ok {
			text, err := jsonText(v)
			if err != nil {
				return nil, err
			}
			v = text
		}
		values[i] = v
	}
	return values, nil
}

// Batch puts many questions in few statements, the whole events in a JSON column.
func (e *Engine) Batch(ctx context.Context, qs []conformance.Question) []Answer {
	return e.events.Batch(ctx, qs)
}

// Verdicts puts a question by itself.
func (e *Engine) Verdicts(ctx context.Context, q conformance.Question) ([]conformance.Verdict, error) {
	answers := e.Batch(ctx, []conformance.Question{q})
	return answers[0].Verdicts, answers[0].Err
}

// query is the question's query of the table.
func (t *Table) query(q conformance.Question) (string, error) {
	rule := *q.Rule
	rule.Source.Table, rule.Once = queryTable, nil // a verdict is about one event
	query, err := backends.SQL(&rule, t.engine.Dialect, t.target)
	if err != nil {
		return "", err
	}
	return query.Text, nil
}

// Answer is what an engine makes of a question.
type Answer struct {
	Verdicts []conformance.Verdict
	Err      error
	Text     string // of the query
}

// batchSize is how many queries are put in one statement.
const batchSize = 50

// inquiry is a query with the events of all questions that it is printed of.
type inquiry struct {
	text   string
	events []any
	put    []*conformance.Verdict // where the answers go
	answer []*Answer
}

// Batch puts many questions in few statements.
func (t *Table) Batch(ctx context.Context, qs []conformance.Question) []Answer {
	answers := make([]Answer, len(qs))
	var all []*inquiry
	known := map[string]*inquiry{}
	for i, q := range qs {
		query, err := t.query(q)
		if err != nil {
			answers[i].Err = fmt.Errorf("%w: %w", conformance.ErrUnsupported, err)
			continue
		}
		if t.change != nil {
			query = t.change(query)
		}
		answers[i].Text = query
		answers[i].Verdicts = make([]conformance.Verdict, len(q.Events))
		in := known[query]
		if in == nil {
			in = &inquiry{text: query}
			known[query] = in
			all = append(all, in)
		}
		for n, ev := range q.Events {
			in.events = append(in.events, ev)
			in.put = append(in.put, &answers[i].Verdicts[n])
			in.answer = append(in.answer, &answers[i])
		}
	}
	for from := 0; from < len(all); from += batchSize {
		t.batch(ctx, all[from:min(from+batchSize, len(all))])
	}
	return answers
}

func (t *Table) batch(ctx context.Context, all []*inquiry) {
	if err := t.store(ctx, all); err != nil {
		for _, in := range all {
			for _, a := range in.answer {
				a.Err = err
			}
		}
		return
	}
	if err := t.put(ctx, all, 0); err != nil {
		for i, in := range all { // one by one, to see which it was
			if err := t.put(ctx, all[i:i+1], i); err != nil {
				for _, a := range in.answer {
					a.Err = fmt.Errorf("%w\n%s", err, in.text)
				}
			}
		}
	}
}

// store puts the events of the inquiries into the table, and nothing else.
func (t *Table) store(ctx context.Context, all []*inquiry) error {
	tx, err := t.engine.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "DELETE FROM "+t.name); err != nil {
		return err
	}
	const rows = 100
	width := 2 + len(t.columns)
	var args []any
	insert := func() error {
		if len(args) == 0 {
			return nil
		}
		var b strings.Builder
		b.WriteString("INSERT INTO " + t.name + " VALUES ")
		for i := range args {
			switch {
			case i%width != 0:
				b.WriteString(", ")
			case i > 0:
				b.WriteString("), (")
			default:
				b.WriteString("(")
			}
			b.WriteString(t.engine.placeholder(i + 1))
		}
		_, err := tx.ExecContext(ctx, b.String()+")", args...)
		args = nil
		return err
	}
	for i, in := range all {
		for n, ev := range in.events {
			values, err := t.row(ev)
			if err != nil {
				return err
			}
			if args = append(append(args, i, n), values...); len(args) == width*rows {
				if err := insert(); err != nil {
					return err
				}
			}
		}
	}
	if err := insert(); err != nil {
		return err
	}
	return tx.Commit()
}

// put asks about stored events; first is the number of the first inquiry.
func (t *Table) put(ctx context.Context, all []*inquiry, first int) error {
	var parts []string
	for i, in := range all {
		parts = append(parts, fmt.Sprintf("SELECT question, number FROM (WITH %s AS (SELECT * FROM %s WHERE question = %d) %s) AS q%d", queryTable, t.name, first+i, in.text, i))
	}
	rows, err := t.engine.db.QueryContext(ctx, strings.Join(parts, "\nUNION ALL\n"))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var i, n int
		if err := rows.Scan(&i, &n); err != nil {
			return err
		}
		all[i-first].put[n].Match = true
	}
	return rows.Err()
}

// jsonText is an event as its JSON text.
func jsonText(ev any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(ev)
	return strings.TrimSuffix(b.String(), "\n"), err
}
