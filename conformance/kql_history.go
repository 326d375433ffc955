package conformance

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance/kusto"
)

// Hits prints each rule of the set as KQL and runs the texts over the history,
// which is stored in one table for each table of its events: the event whole in
// the column Event, its time in Time.
func (k kqlReferee) Hits(_ context.Context, q StreamQuestion) ([]StreamHit, error) {
	q.Rules = AsStored(q.Rules)
	db := kusto.Database{Tables: map[string]*kusto.Table{}}
	target := backends.Target{Event: "Event", Time: "Time"}
	for _, r := range q.Rules {
		if r.Correlation == nil && r.Source.Table == "" {
			target.Table = "Events"
		}
	}
	tableOf := func(name string) *kusto.Table {
		if target.Table != "" {
			name = target.Table
		}
		if db.Tables[name] == nil {
			db.Tables[name] = &kusto.Table{Columns: []kusto.Column{{Name: kqlRow, Type: kusto.TypeLong}, {Name: "Event", Type: kusto.TypeDynamic}, {Name: "Time", Type: kusto.TypeDatetime}}}
		}
		return db.Tables[name]
	}
	for _, r := range q.Rules {
		if r.Correlation == nil {
			tableOf(r.Source.Table)
		}
	}
	for i, e := range q.Events {
		v, err := asJSON(e.Event)
		if err != nil {
			return nil, err
		}
		var at any
		if !e.Time.IsZero() {
			at = e.Time
		}
		t := tableOf(e.Source.Table)
		t.Rows = append(t.Rows, []kusto.Value{int64(i), v, at})
	}
	return QueryHits(q, func(r *ir.Rule) ([]QueryRow, error) { return k.rows(&db, r, target) })
}

// rows runs a rule's query, under every choice that the documentation leaves
// open.
func (k kqlReferee) rows(db *kusto.Database, r *ir.Rule, target backends.Target) ([]QueryRow, error) {
	query, err := backends.KQL(r, target)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	if k.call != nil {
		query.Text = k.call(r, query.Text)
	}
	parsed, err := kusto.Parse(query.Text)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, query.Text)
	}
	var first []QueryRow
	for i, choices := range kqlChoices {
		run := *db
		run.Choices = choices
		out, err := parsed.Run(&run)
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, query.Text)
		}
		rows, err := queryRows(out, query, r)
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, query.Text)
		}
		if i == 0 {
			first = rows
		} else if !sameRows(first, rows) {
			return nil, errors.New("the hits depend on what the documentation leaves open\n" + query.Text)
		}
	}
	return first, nil
}

// kqlChoices are the two ways in which all that the documentation leaves open
// can be.
var kqlChoices = []kusto.Choices{{}, {ApplyToEmpty: true, JSONLong: true, RealPoint: true, NullEqualsNullFalse: true}}

func queryRows(out *kusto.Table, query *backends.Query, r *ir.Rule) ([]QueryRow, error) {
	index := func(name string) int {
		return slices.IndexFunc(out.Columns, func(c kusto.Column) bool { return c.Name == name })
	}
	var rows []QueryRow
	for _, row := range out.Rows {
		if r.Correlation == nil {
			rows = append(rows, QueryRow{Event: int(row[index(kqlRow)].(int64))})
			continue
		}
		x := QueryRow{Time: row[index(query.Time)].(kusto.Datetime).Time().UnixMicro()}
		for _, g := range query.Group {
			x.Group = append(x.Group, row[index(g)].(string))
		}
		for _, g := range query.Tuple {
			x.Tuple = append(x.Tuple, row[index(g)].(string))
		}
		rows = append(rows, x)
	}
	return rows, nil
}

func sameRows(a, b []QueryRow) bool {
	key := func(rows []QueryRow) []string {
		var keys []string
		for _, r := range rows {
			keys = append(keys, fmt.Sprintf("%v", r))
		}
		slices.Sort(keys)
		return keys
	}
	return slices.Equal(key(a), key(b))
}
