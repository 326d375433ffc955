package backends

import (
	"fmt"
	"strings"
	"time"

	"github.com/rulewright/rulewright/compiler/ir"
)

// once prints what keeps further rows of one key from being raised: the first
// row, then the first that comes later than the time asked for behind the one
// that was raised before. A query that runs on a schedule raises those that
// arrived since the run before; where nothing tells when a row arrived, those
// whose time lies between Since and Until.
func (p *kqlPrinter) once(once *ir.Once, arrived string) ([]string, error) {
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
	unknown := ""
	if p.target.Known > 0 {
		unknown = kqlUnknown(t, once.For, p.target.Known)
		if arrived != "" { // nothing that is new is lost, however late it comes
			unknown += " and " + arrived + " <= ago(" + kqlSpan((p.target.Since - p.target.Until).Microseconds()) + ")"
		}
	}
	lines = append(lines, kqlOnce(t, keys, nil, once.For, p.name("raised"), p.name("again"), unknown)...)
	away := append(keys, t)
	switch {
	case p.target.Since == 0:
	case arrived != "":
		lines = append(lines, "where "+arrived+" > ago("+kqlSpan((p.target.Since-p.target.Until).Microseconds())+")")
		away = append(away, arrived)
	default:
		lines = append(lines, kqlBetween(t, p.target)...)
	}
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

// kqlUnknown says that there may be earlier rows within the time of once than
// those that the query knows.
func kqlUnknown(t string, us int64, known time.Duration) string {
	return fmt.Sprintf("%s - %s <= ago(%s)", t, kqlSpan(us), kqlSpan(known.Microseconds()))
}

// kqlBetween leaves what is as old as a scheduled query is to report.
func kqlBetween(t string, target Target) []string {
	var out []string
	if target.Since > 0 {
		out = append(out, fmt.Sprintf("where %s > ago(%s)", t, kqlSpan(target.Since.Microseconds())))
	}
	if target.Until > 0 {
		out = append(out, fmt.Sprintf("where %s <= ago(%s)", t, kqlSpan(target.Until.Microseconds())))
	}
	return out
}

// kqlOnce prints what leaves the raised ones of rows with a time and a key. Of
// several at once it is the first in the order of the other columns. raised and
// again are names for helper columns.
//
// unknown, if any, is true of a key's first row where rows before may be hidden
// from the query. Which of a key's rows are raised is known only from the first
// on that is known to have none before it within the time asked for: those before
// it are not raised. So the rows are always among those that a query raises which
// sees everything.
func kqlOnce(t string, keys, order []string, us int64, raised, again, unknown string) []string {
	sort := strings.TrimPrefix(sorted(keys, append([]string{t}, order...)...), "| ")
	span := kqlSpan(us)
	out := []string{
		"where not(" + again + ")",
		"project-away " + raised + ", " + again,
	}
	scan := func(repeats, otherwise string) string {
		return fmt.Sprintf("scan declare (%s: datetime, %s: bool) with (step s: true => %[2]s = %[3]s, %[1]s = iff(%[3]s, %[4]s, %[5]s);)", raised, again, repeats, otherwise, t)
	}
	if unknown == "" {
		parts := make([]string, 0, len(keys)+1)
		for _, k := range keys {
			parts = append(parts, k+" == s."+k)
		}
		repeats := "coalesce(" + strings.Join(append(parts, t+" - s."+raised+" <= "+span), " and ") + ", false)"
		return append([]string{sort, scan(repeats, "s."+raised)}, out...)
	}
	// Of a key whose raised rows are not known yet, none is as long as there is no
	// pause.
	key, kept := again+"_key", again+"_kept"
	repeats := fmt.Sprintf("coalesce(iff(%s, %s - s.%s <= %s, bool(null)), %s)", key, t, raised, span, kept)
	return append([]string{sort,
		fmt.Sprintf("extend %s = coalesce(%s and isnotnull(prev(%s)), false)", key, same(keys), t),
		fmt.Sprintf("extend %s = coalesce(iff(%s, %s - prev(%[3]s) <= %s, %s), false)", kept, key, t, span, unknown),
		scan(repeats, fmt.Sprintf("iff(%s, s.%s, datetime(null))", key, raised)),
		"project-away " + key + ", " + kept}, out...)
}
