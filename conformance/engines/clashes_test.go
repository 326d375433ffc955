package engines

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance"
)

// clash puts each tree of a clash to each of its events.
func clash(t *testing.T, engine string, table *Table, c conformance.Clash, rows map[row]*counts) {
	ctx := context.Background()
	if err := table.store(ctx, []*inquiry{{events: c.Events}}); err != nil {
		t.Fatal(err)
	}
	count := func(what string, n int) {
		r := row{engine, what}
		if rows[r] == nil {
			rows[r] = &counts{}
		}
		rows[r][2] += n
	}
	var asks []*inquiry
	var trees []ir.Expr
	for _, e := range c.Trees {
		text, err := table.query(conformance.Question{Rule: &ir.Rule{When: e}})
		if err != nil {
			count("refused: "+refusal(err), len(c.Events))
			continue
		}
		in := &inquiry{text: text, put: make([]*conformance.Verdict, len(c.Events))}
		for i := range in.put {
			in.put[i] = &conformance.Verdict{}
		}
		asks, trees = append(asks, in), append(trees, e)
	}
	for part := range slices.Chunk(asks, batchSize) {
		if table.putAll(ctx, part) == nil {
			continue
		}
		for _, in := range part { // one by one, to see which it was
			if err := table.putAll(ctx, []*inquiry{in}); err != nil {
				t.Errorf("%v\n%s", err, clip(in.text))
			}
		}
	}
	const mostReported = 12
	wrong, verdicts := 0, 0
	for n, in := range asks {
		e := trees[n]
		for i, ev := range c.Events {
			q := asked{Question: conformance.Question{Rule: &ir.Rule{When: e}, Events: []any{ev}}}
			if why := leftOut(e, ev); why != "" {
				count(why, 1)
				continue
			}
			verdicts++
			if in.put[i].Match == conformance.Reference(e, ev) {
				continue
			}
			if why := deviates(engine, q); why != "" {
				count(why, 1)
				continue
			}
			if wrong++; wrong <= mostReported {
				text, _ := jsonText(ev)
				t.Errorf("%v of %s\ntree: %s\n%s", in.put[i].Match, text, ir.Print(e), clip(in.text))
			}
		}
	}
	t.Logf("%s: %d verdicts of %d trees, %d wrong", c.Name, verdicts, len(trees), wrong)
}

func everyNth(trees []ir.Expr, n int) []ir.Expr {
	var out []ir.Expr
	for i := 0; i < len(trees); i += n {
		out = append(out, trees[i])
	}
	return out
}

// putAll asks about all stored events, whichever question they were stored for.
func (t *Table) putAll(ctx context.Context, all []*inquiry) error {
	var parts []string
	for i, in := range all {
		parts = append(parts, fmt.Sprintf("SELECT %d AS question, number FROM (WITH %s AS (SELECT * FROM %s) %s) AS q%d", i, queryTable, t.name, in.text, i))
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
		all[i].put[n].Match = true
	}
	return rows.Err()
}
