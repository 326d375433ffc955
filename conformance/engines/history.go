package engines

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance"
)

// The columns of the tables that hold a history: the event whole, its time, and
// its number.
const (
	historyEvent  = "event"
	historyTime   = "happened"
	historyNumber = "number"
)

// Hits prints each rule of the set for the dialect and runs the queries over the
// history, which is stored in one table for each table of its events.
func (e *Engine) Hits(ctx context.Context, q conformance.StreamQuestion) ([]conformance.StreamHit, error) {
	q.Rules = conformance.AsStored(q.Rules)
	target := backends.Target{Event: historyEvent, Time: historyTime}
	for _, r := range q.Rules {
		if r.Correlation == nil && r.Source.Table == "" {
			target.Table = "all_tables"
		}
	}
	tables := map[string][][]any{}
	name := func(table string) string {
		if target.Table != "" {
			return target.Table
		}
		return strings.ToLower(table)
	}
	for _, r := range q.Rules {
		if r.Correlation == nil {
			tables[name(r.Source.Table)] = nil
			if r.Source.Table != "" {
				r.Source.Table = name(r.Source.Table) // of a copy
			}
		}
	}
	for i, ev := range q.Events {
		text, err := jsonText(ev.Event)
		if err != nil {
			return nil, err
		}
		var at any
		if !ev.Time.IsZero() {
			at = ev.Time.UTC().Truncate(time.Microsecond).Format("2006-01-02T15:04:05.000000Z")
		}
		t := name(ev.Source.Table)
		tables[t] = append(tables[t], []any{i, text, at})
	}
	for t, rows := range tables {
		if err := e.fill(ctx, t, rows); err != nil {
			return nil, err
		}
	}
	return conformance.QueryHits(q, func(r *ir.Rule) ([]conformance.QueryRow, error) {
		query, err := backends.SQL(r, e.Dialect, target)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", conformance.ErrUnsupported, err)
		}
		rows, err := e.rows(ctx, r, query)
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, query.Text)
		}
		return rows, nil
	})
}

func (e *Engine) fill(ctx context.Context, table string, rows [][]any) error {
	for _, statement := range []string{
		"DROP TABLE IF EXISTS " + table,
		"CREATE TEMPORARY TABLE " + table + " (" + historyNumber + " INTEGER, " + historyEvent + " " + e.Dialect.ColumnType(ir.TypeJSON) + ", " + historyTime + " " + e.Dialect.ColumnType(ir.TypeDatetime) + ")",
	} {
		if _, err := e.db.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	if len(rows) == 0 {
		return nil
	}
	var b strings.Builder
	var args []any
	for i, row := range rows {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "(%s, %s, %s)", e.placeholder(3*i+1), e.placeholder(3*i+2), e.placeholder(3*i+3))
		args = append(args, row...)
	}
	_, err := e.db.ExecContext(ctx, "INSERT INTO "+table+" VALUES "+b.String(), args...)
	return err
}

func (e *Engine) rows(ctx context.Context, r *ir.Rule, query *backends.Query) ([]conformance.QueryRow, error) {
	rows, err := e.db.QueryContext(ctx, query.Text)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out []conformance.QueryRow
	for rows.Next() {
		values := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		value := func(name string) any {
			for i, c := range columns {
				if strings.EqualFold(c, name) {
					return values[i]
				}
			}
			return nil
		}
		var x conformance.QueryRow
		if r.Correlation == nil {
			if _, err := fmt.Sscan(fmt.Sprint(value(historyNumber)), &x.Event); err != nil {
				return nil, err
			}
			out = append(out, x)
			continue
		}
		switch t := value(query.Time).(type) {
		case time.Time:
			x.Time = t.UnixMicro()
		case string:
			at, err := time.Parse(time.RFC3339Nano, t)
			if err != nil {
				return nil, err
			}
			x.Time = at.UnixMicro()
		default:
			return nil, fmt.Errorf("the time of a hit is %v", t)
		}
		for _, g := range query.Group {
			x.Group = append(x.Group, fmt.Sprint(value(g)))
		}
		for _, g := range query.Tuple {
			x.Tuple = append(x.Tuple, fmt.Sprint(value(g)))
		}
		out = append(out, x)
	}
	return out, rows.Err()
}
