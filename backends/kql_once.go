package backends

import (
	"fmt"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
)

// once prints what keeps further rows of one key from being raised within one
// run of the query: the first row, then the first that comes later than the time
// asked for behind the one that was raised before. Between runs the grouping of
// incidents does it.
func (p *kqlPrinter) once(once *ir.Once) ([]string, error) {
	row := p.enter()
	at, _, err := p.eventTime(row)
	if err != nil {
		return nil, err
	}
	keys := []string{}
	extend := []string{}
	for _, f := range once.By {
		key, one, err := p.texts(row, f)
		if err != nil {
			return nil, err
		}
		if !one {
			key = `strcat_array(array_sort_asc(` + key + `), "\u0000")`
		}
		name := p.name("once")
		keys = append(keys, name)
		extend = append(extend, name+" = "+key)
	}
	lines := row.operators()
	t := p.name("once_time")
	lines = append(lines, "extend "+strings.Join(append(extend, t+" = "+at), ", "))
	lines = append(lines, kqlOnce(t, keys, nil, once.For, p.name("raised"), p.name("again"))...)
	away := append(keys, t)
	for _, a := range row.applies {
		if n := a.chain[0].name; n != "" {
			away = append(away, n)
		}
		for _, f := range a.flags {
			away = append(away, f.name)
		}
	}
	return append(lines, "project-away "+strings.Join(away, ", ")), nil
}

// kqlOnce prints what leaves the raised ones of rows with a time and a key. Of
// several at once it is the first in the order of the other columns. raised and
// again are names for helper columns.
func kqlOnce(t string, keys, order []string, us int64, raised, again string) []string {
	parts := make([]string, 0, len(keys)+1)
	for _, k := range keys {
		parts = append(parts, k+" == s."+k)
	}
	condition := strings.Join(append(parts, t+" - s."+raised+" <= "+kqlSpan(us)), " and ")
	return []string{
		strings.TrimPrefix(sorted(keys, append([]string{t}, order...)...), "| "),
		fmt.Sprintf("scan declare (%[3]s: datetime, %[4]s: bool) with (step s: true => %[4]s = coalesce(%[1]s, false), %[3]s = iff(coalesce(%[1]s, false), s.%[3]s, %[2]s);)", condition, t, raised, again),
		"where not(" + again + ")",
		"project-away " + raised + ", " + again,
	}
}
