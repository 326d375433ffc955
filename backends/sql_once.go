package backends

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// sqlOnce prints a rule with once: of the rows of one key the first, then the
// first that comes later than the time asked for behind the one before. The
// result has columns besides those of the table whose names begin with rw_: rw_e
// tells the rows apart, rw_t is their time. Rows without a time are all raised.
func sqlOnce(r *ir.Rule, d *Dialect, t Target) (*Query, error) {
	x, err := newSQLCorrelation(r, d, t)
	if err != nil {
		return nil, err
	}
	table, err := sqlTable(r, d, tableOf(r, t))
	if err != nil {
		return nil, err
	}
	at, err := x.micros(r)
	if err != nil {
		return nil, err
	}
	where, err := sqlPredicate(r, r.Predicate(), d, t)
	if err != nil {
		return nil, err
	}
	columns := []string{"s.*", d.rowNumber + " AS rw_e", at + " AS rw_t"}
	var keys []string
	for i, f := range r.Once.By {
		key, many, err := x.scalarsIn(r, f, false)
		if err != nil {
			return nil, err
		}
		if many {
			key = d.lists.joined(key)
		}
		keys = append(keys, "rw_"+groupColumn(i))
		columns = append(columns, "COALESCE("+key+", '') AS "+keys[i])
	}
	rows := x.cte("rows", "SELECT "+strings.Join(columns, ", ")+" FROM "+table+" s WHERE "+where)
	raised := x.once(r.Once.For, rows, "rw_t", keys, []string{"rw_e"}, true)
	q := &Query{Table: tableOf(r, t), Time: sqlTimeColumn(r, t)}
	q.Text = "WITH " + strings.Join(x.with, ",\n") + "\nSELECT *\nFROM " + raised + d.settings
	return q, nil
}

// once keeps the rows that are raised of those with a time and a key: of a
// key's rows the first, then the first that comes later than the time asked for
// behind the raised one before. Of several at once it is the first in the order
// of the other columns. If timeless, rows without a time are kept, apart from the
// others: engines do not agree where in an order they stand.
func (x *sqlCorrelation) once(us int64, hits, at string, keys, order []string, timeless bool) string {
	lists := x.d.lists
	ordered := append([]string{at}, order...)
	partition, or := keys, func(of string) string { return "" }
	if timeless {
		partition = append(slices.Clone(keys), at+" IS NULL")
		or = func(of string) string { return " OR " + of + at + " IS NULL" }
	}
	nth := "ROW_NUMBER() OVER " + window(append(slices.Clone(keys), at), ordered...) + " AS rw_nth"
	var on []string
	for _, k := range keys {
		on = append(on, "h."+k+" = r."+k)
	}
	if lists.raised != nil {
		by, join := "", " CROSS JOIN "
		if len(keys) > 0 {
			by, join = " GROUP BY "+strings.Join(keys, ", "), " JOIN "
		}
		// Times and keys are the same if they are made anew, numbers of rows are not.
		times := x.cte("times", "SELECT "+strings.Join(append(slices.Clone(keys), lists.raised(at, us)+" AS rw_raised"), ", ")+" FROM "+hits+by)
		numbered := x.cte("hits", "SELECT h.*, "+nth+" FROM "+hits+" h")
		text := "SELECT h.* FROM " + numbered + " h" + join + times + " r"
		if len(on) > 0 {
			text += " ON " + strings.Join(on, " AND ")
		}
		return x.cte("hits", text+" WHERE h.rw_nth = 1 AND "+lists.has("r.rw_raised", "h."+at)+or("h."))
	}
	numbered := x.cte("hits", fmt.Sprintf("SELECT h.*, %s, ROW_NUMBER() OVER %s AS rw_place, FIRST_VALUE(%s) OVER %s AS rw_next FROM %s h",
		nth, window(partition, ordered...), at, framed(window(partition, at), "RANGE BETWEEN %d FOLLOWING AND UNBOUNDED FOLLOWING", us+1), hits))
	// The recursion stands inside: an engine may not keep what it has made of the
	// other expressions where all are called recursive.
	on = append([]string{"h." + at + " = r.rw_next", "h.rw_nth = 1"}, on...)
	return x.cte("hits", fmt.Sprintf("WITH RECURSIVE raised AS (\n  SELECT * FROM %[1]s WHERE rw_place = 1%[3]s\n  UNION ALL\n  SELECT h.* FROM raised r JOIN %[1]s h ON %[2]s\n)\nSELECT * FROM raised", numbered, strings.Join(on, " AND "), or("")))
}
