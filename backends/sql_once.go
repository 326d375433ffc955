package backends

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// sqlOnce prints a rule with once: of the rows of one key the first, then the
// first that comes later than the time asked for behind the one before. The
// result has the columns rw_e and rw_t besides those of the table: a number for
// the row and its time.
func sqlOnce(r *ir.Rule, d *Dialect, t Target) (*Query, error) {
	if d.json == nil || d.json.rows == nil || d.joined == nil {
		return nil, refuse(r, nil, d.title, "once is not supported")
	}
	x := newSQLCorrelation(d, t)
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
	rows := x.cte("rows", "SELECT s.*, ROW_NUMBER() OVER () AS rw_e, "+at+" AS rw_t FROM "+table+" s WHERE "+where)
	out, from := []string{"r.rw_e", "r.rw_t AS t"}, rows+" r"
	var keys []string
	for i, f := range r.Once.By {
		scalars, text, err := x.scalarRows(r, f, false)
		if err != nil {
			return nil, err
		}
		each := x.cte("keys", fmt.Sprintf("SELECT DISTINCT r.rw_e, %s AS k FROM %s r%s WHERE %s IS NOT NULL", text, rows, scalars, text))
		joined := x.cte("keys", fmt.Sprintf("SELECT rw_e, %s AS k FROM %s GROUP BY rw_e", d.joined("k"), each))
		a := "k" + strconv.Itoa(i+1)
		from += fmt.Sprintf(" LEFT JOIN %s %s ON %s.rw_e = r.rw_e", joined, a, a)
		out = append(out, fmt.Sprintf("COALESCE(%s.k, '') AS %s", a, groupColumn(i)))
		keys = append(keys, groupColumn(i))
	}
	hits := x.once(x.cte("hits", "SELECT "+strings.Join(out, ", ")+" FROM "+from), keys, []string{"rw_e"}, r.Once.For)
	q := &Query{Table: tableOf(r, t), Time: sqlTimeColumn(r, t)}
	q.Text = "WITH " + strings.Join(x.with, ",\n") + "\nSELECT r.*\nFROM " + rows + " r\nJOIN " + hits + " h ON h.rw_e = r.rw_e"
	return q, nil
}

// once keeps the rows that are raised of those with a time t and a key: of a
// key's rows the first, then the first that comes later than the time asked for
// behind the raised one before. Of several at once it is the first in the order
// of the other columns.
func (x *sqlCorrelation) once(hits string, keys, order []string, us int64) string {
	on := []string{"h.t = r.next_t", "h.nth = 1"}
	for _, k := range keys {
		on = append(on, "h."+k+" = r."+k)
	}
	ordered := x.cte("hits", fmt.Sprintf("SELECT h.*, ROW_NUMBER() OVER %s AS nth, ROW_NUMBER() OVER %s AS place, FIRST_VALUE(t) OVER %s AS next_t FROM %s h",
		window(append(slices.Clone(keys), "t"), order...), window(keys, append([]string{"t"}, order...)...), framed(window(keys, "t"), "RANGE BETWEEN %d FOLLOWING AND UNBOUNDED FOLLOWING", us+1), hits))
	// The recursion stands inside: an engine may not keep what it has made of the
	// other expressions where all are called recursive.
	return x.cte("hits", fmt.Sprintf("WITH RECURSIVE raised AS (\n  SELECT * FROM %[1]s WHERE place = 1\n  UNION ALL\n  SELECT h.* FROM raised r JOIN %[1]s h ON %[2]s\n)\nSELECT * FROM raised", ordered, strings.Join(on, " AND ")))
}
