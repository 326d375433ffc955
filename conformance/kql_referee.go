package conformance

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance/kusto"
)

// KQL prints the rule as KQL and runs the text in the interpreter of package
// kusto. Rows of Log Analytics and of advanced hunting are put into the table
// that the query pipeline of their rule names, under columns of the types that
// it says; other events are put whole into the column Event of a table Events.
// The text is run under every choice that the documentation leaves open, which
// must not make a difference.
//
// A rule that was lowered for a table of a query pipeline is taken as it is.
func KQL() Referee { return kqlReferee{} }

// kqlReferee runs each text as change, if any, makes it, a test's mistakes, and
// that of a history as call does.
type kqlReferee struct {
	change func(string) string
	call   func(*ir.Rule, string) string
}

func (kqlReferee) Name() string { return "kql" }

// errUnchanged says that a text has nothing that a change is about.
var errUnchanged = errors.New("unchanged")

// kqlRow is a column that tells which event a row of the result is.
const kqlRow = "rulewright_row"

func (k kqlReferee) Verdicts(_ context.Context, q Question) ([]Verdict, error) {
	rule, target := q.Rule, backends.Target{}
	if p := queryPipeline(q); p != nil {
		opts := q.Options
		opts.Pipeline, opts.Table = p, q.Rule.Source.Table
		rules, ds := compiler.Lower(q.Document, opts)
		if ds.HasErrors() {
			return nil, ds
		}
		i := slices.IndexFunc(rules, func(r *ir.Rule) bool { return r.Source.Table == q.Rule.Source.Table })
		if i < 0 {
			return nil, fmt.Errorf("pipeline %s has no table %s", p.Name(), q.Rule.Source.Table)
		}
		rule = rules[i]
	} else if rule.Source.Form != "" || rule.Source.Table == "" {
		target = backends.Target{Table: "Events", Event: "Event"}
	}
	each := *rule
	each.Once = nil // a verdict is about one event
	query, err := backends.KQL(&each, target)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	var table *kusto.Table
	if target.Event != "" {
		table, err = eventTable(q.Events)
	} else {
		table, err = typedTable(rule, q.Events)
	}
	if err != nil {
		return nil, err
	}
	text := query.Text
	if k.change != nil {
		if text = k.change(text); text == query.Text {
			return nil, errUnchanged
		}
	}
	matched, err := runKQL(text, query.Table, table)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, text)
	}
	verdicts := make([]Verdict, len(q.Events))
	for i := range verdicts {
		verdicts[i].Match = matched[i]
	}
	return verdicts, nil
}

// queryPipeline returns the pipeline that prints the question's rule for the
// rows that its events are; nil if they are no rows.
func queryPipeline(q Question) *compiler.Pipeline {
	name := map[event.Form]string{"log-analytics": "sentinel", "mde-hunting": "defender"}[q.Source.Form]
	if name == "" || q.Document == nil || q.Rule.Source.Table == "" {
		return nil
	}
	p, err := compiler.BuiltinPipeline(name)
	if err != nil {
		return nil
	}
	return p
}

// runKQL runs a query over one table and says of which rows it has results. The
// result must have the table's columns and no others, and each row at most
// once.
func runKQL(text, name string, table *kusto.Table) (map[int]bool, error) {
	query, err := kusto.Parse(text)
	if err != nil {
		return nil, err
	}
	var first map[int]bool
	for i, choices := range kqlChoices {
		out, err := query.Run(&kusto.Database{Tables: map[string]*kusto.Table{name: table}, Choices: choices})
		if err != nil {
			return nil, err
		}
		if !slices.Equal(out.Columns, table.Columns) {
			return nil, fmt.Errorf("the result has the columns %v", out.Columns)
		}
		matched := map[int]bool{}
		for _, n := range out.Column(kqlRow) {
			row := int(n.(int64))
			if matched[row] {
				return nil, fmt.Errorf("row %d is in the result twice", row)
			}
			matched[row] = true
		}
		if i == 0 {
			first = matched
			continue
		}
		for row := range table.Rows {
			if first[row] != matched[row] {
				return nil, errors.New("the verdict depends on what the documentation leaves open")
			}
		}
	}
	return first, nil
}

// eventTable is a table of events as they are.
func eventTable(events []any) (*kusto.Table, error) {
	t := &kusto.Table{Columns: []kusto.Column{{Name: kqlRow, Type: kusto.TypeLong}, {Name: "Event", Type: kusto.TypeDynamic}}}
	for i, ev := range events {
		v, err := asJSON(ev)
		if err != nil {
			return nil, err
		}
		t.Rows = append(t.Rows, []kusto.Value{int64(i), v})
	}
	return t, nil
}

// asJSON is an event as its JSON reads.
func asJSON(ev any) (any, error) {
	text, err := json.Marshal(ev)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	err = d.Decode(&v)
	return v, err
}

// typedTable is a table with the columns that the rule reads, filled as the
// store does it that the rows come from: text in a dynamic column that is an
// object or list is one.
func typedTable(r *ir.Rule, events []any) (*kusto.Table, error) {
	t := &kusto.Table{Columns: []kusto.Column{{Name: kqlRow, Type: kusto.TypeLong}}}
	var add func(f ir.Field)
	add = func(f ir.Field) {
		if f.Join != nil {
			for _, p := range f.Join.Parts {
				add(ir.Field{Column: p.Column, ColumnType: cmp.Or(p.Type, ir.TypeString)})
			}
			return
		}
		if f.Column == "" || slices.ContainsFunc(t.Columns, func(c kusto.Column) bool { return c.Name == f.Column }) {
			return
		}
		typ, ok := map[ir.Type]kusto.Type{ir.TypeString: kusto.TypeString, ir.TypeInt: kusto.TypeInt, ir.TypeLong: kusto.TypeLong, ir.TypeReal: kusto.TypeReal,
			ir.TypeBool: kusto.TypeBool, ir.TypeDatetime: kusto.TypeDatetime, ir.TypeGUID: kusto.TypeGUID, ir.TypeTimespan: kusto.TypeTimespan}[f.ColumnType]
		if !ok {
			typ = kusto.TypeDynamic
		}
		t.Columns = append(t.Columns, kusto.Column{Name: f.Column, Type: typ})
	}
	add(r.Source.Time)
	for _, f := range r.Source.Messages {
		add(f)
	}
	for _, f := range fieldsOf(r.Predicate()) {
		add(f)
	}
	for i, ev := range events {
		v, err := asJSON(ev)
		if err != nil {
			return nil, err
		}
		o, _ := v.(map[string]any)
		row := []kusto.Value{int64(i)}
		for _, c := range t.Columns[1:] {
			cell, err := stored(c.Type, o[c.Name])
			if err != nil {
				return nil, fmt.Errorf("column %s: %w", c.Name, err)
			}
			row = append(row, cell)
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

// fieldsOf returns the fields of a predicate that start at the row.
func fieldsOf(e ir.Expr) []ir.Field {
	var out []ir.Field
	switch e := e.(type) {
	case *ir.Any:
		return []ir.Field{e.Over}
	case *ir.Match:
		out = append(out, e.Field)
		if d := e.Field.Derive; d != nil && d.From != nil {
			out = append(out, *d.From)
		}
		for _, v := range e.Values {
			if ref, ok := v.(ir.FieldRef); ok {
				out = append(out, ref.Field)
			}
		}
		return out
	}
	for _, x := range ir.Children(e) {
		out = append(out, fieldsOf(x)...)
	}
	return out
}

// stored is what a column of the type holds for a value of an event.
func stored(typ kusto.Type, v any) (kusto.Value, error) {
	text, isText := v.(string)
	switch typ {
	case kusto.TypeString:
		switch v := v.(type) {
		case nil:
			return "", nil
		case string:
			return v, nil
		case json.Number:
			return string(v), nil
		case bool:
			return strconv.FormatBool(v), nil
		}
		b, err := json.Marshal(v)
		return string(b), err
	case kusto.TypeDynamic:
		if parsed, ok := parseJSON(text); isText && ok {
			return parsed, nil
		}
		return v, nil
	case kusto.TypeDatetime:
		if t, ok := event.ParseTime(text); ok {
			return t, nil
		}
		return nil, nil
	case kusto.TypeGUID:
		if g, ok := kusto.ParseGUID(text); ok {
			return g, nil
		}
		return nil, nil
	case kusto.TypeBool:
		if isText {
			b, err := strconv.ParseBool(strings.ToLower(text))
			if err != nil {
				return nil, nil
			}
			return b, nil
		}
	case kusto.TypeInt, kusto.TypeLong, kusto.TypeReal:
		if isText {
			return json.Number(text), nil
		}
	}
	return v, nil
}
