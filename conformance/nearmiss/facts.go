package nearmiss

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance"
)

// leaf is a fact of an event: a scalar and where it stands. Steps are keys and
// positions; a step below a text goes into the JSON that it holds.
type leaf struct {
	steps []any
	value any
}

// place is where a leaf stands, positions aside, in lower case.
func (l leaf) place() string {
	var b strings.Builder
	for _, s := range l.steps {
		if k, ok := s.(string); ok {
			b.WriteString("." + strings.ToLower(k))
		}
	}
	return b.String()
}

func (l leaf) String() string {
	var parts []string
	for _, s := range l.steps {
		parts = append(parts, fmt.Sprint(s))
	}
	return strings.Join(parts, ".")
}

// leaves returns the facts of a value in the order of their keys.
func leaves(v any, steps []any) []leaf {
	var out []leaf
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			out = append(out, leaves(v[k], append(slices.Clone(steps), k))...)
		}
		return out
	case []any:
		for i, x := range v {
			out = append(out, leaves(x, append(slices.Clone(steps), i))...)
		}
		return out
	case string:
		if inner, ok := jsonIn(v); ok {
			return leaves(inner, steps)
		}
	}
	return []leaf{{steps, v}}
}

// jsonIn reads an object or a list that a text holds.
func jsonIn(text string) (any, bool) {
	t := strings.TrimSpace(text)
	if !strings.HasPrefix(t, "{") && !strings.HasPrefix(t, "[") {
		return nil, false
	}
	v, err := decode([]byte(t))
	return v, err == nil
}

func decode(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // of values that were decoded
	}
	return bytes.TrimSpace(b.Bytes())
}

// with returns the value with another fact at a place, and shares the rest.
func with(v any, steps []any, fact any) any {
	if len(steps) == 0 {
		return fact
	}
	switch v := v.(type) {
	case map[string]any:
		c := maps.Clone(v)
		c[steps[0].(string)] = with(v[steps[0].(string)], steps[1:], fact)
		return c
	case []any:
		c := slices.Clone(v)
		c[steps[0].(int)] = with(v[steps[0].(int)], steps[1:], fact)
		return c
	case string:
		if inner, ok := jsonIn(v); ok {
			return string(encode(with(inner, steps, fact)))
		}
	}
	panic(fmt.Sprintf("nearmiss: no place %v in %T", steps, v))
}

// Pool holds what stands at the places of each table's events in fixtures: what
// a fact might be instead.
type Pool struct {
	values map[string]map[string][]string // by table and place, as JSON
}

// NewPool reads the events of fixtures, matching or not.
func NewPool(fixtures []*conformance.Fixture) *Pool {
	p := &Pool{map[string]map[string][]string{}}
	seen := map[string]bool{}
	for _, f := range fixtures {
		for i := range f.Cases {
			records, err := recordsOf(&f.Cases[i])
			if err != nil {
				continue
			}
			for _, r := range records {
				table := string(r.Source.Form) + " " + r.Source.Table
				if p.values[table] == nil {
					p.values[table] = map[string][]string{}
				}
				for _, l := range leaves(r.Event, nil) {
					text := string(encode(l.value))
					if key := table + l.place() + text; !seen[key] {
						seen[key] = true
						p.values[table][l.place()] = append(p.values[table][l.place()], text)
					}
				}
			}
		}
	}
	return p
}

// maxAlternatives bounds what is tried in the place of one fact.
const maxAlternatives = 12

// alternatives returns what may stand in the place of a fact: what stands there
// elsewhere, what means the contrary, somebody else.
func (d *deriver) alternatives(table string, l leaf) []any {
	var out []any
	switch v := l.value.(type) {
	case bool:
		return []any{!v}
	case string:
		if strings.Contains(v, "@") {
			for range 4 {
				out = append(out, d.somebody().UPN)
			}
		}
		for a, b := range map[string]string{"true": "False", "false": "True", "success": "failure", "failure": "success", "succeeded": "Failed"} {
			if strings.EqualFold(v, a) {
				out = append(out, b)
			}
		}
		if strings.HasPrefix(v, "203.0.113.") {
			out = append(out, "198.51.100."+strconv.Itoa(10+d.dice.IntN(200)))
		}
	}
	others := slices.Clone(d.pool.values[table][l.place()])
	d.dice.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
	for _, o := range others {
		v, err := decode([]byte(o))
		if err != nil || v == nil || v == "" || len(out) >= maxAlternatives {
			continue
		}
		if s, ok := v.(string); ok && strings.Contains(s, "@") {
			continue // nobody of the tenant
		}
		if fmt.Sprintf("%T", v) == fmt.Sprintf("%T", l.value) && fmt.Sprint(v) != fmt.Sprint(l.value) {
			out = append(out, v)
		}
	}
	return out
}

// single changes one fact of an event that matches.
func (d *deriver) single() (Miss, bool) {
	b := &d.bases[d.turn%len(d.bases)]
	d.turn++
	records, ok := d.play(b, func(rules []*ir.Rule, rs []event.Record) bool { return matches(rules, rs[0].Event) })
	if !ok {
		return Miss{}, false
	}
	r := records[0]
	table := string(r.Source.Form) + " " + r.Source.Table
	facts := slices.DeleteFunc(leaves(r.Event, nil), func(l leaf) bool { return !d.reads(l.place()) })
	d.dice.Shuffle(len(facts), func(i, j int) { facts[i], facts[j] = facts[j], facts[i] })
	least := d.least(b.rules)
	var best Miss
	asked := 0
	for _, l := range facts {
		for _, a := range d.alternatives(table, l) {
			if asked++; asked > maxAsked && best.Events != nil {
				break
			}
			ev := with(r.Event, l.steps, a)
			by := missedBy(b.rules, ev)
			if by == "" {
				continue
			}
			if best.Events == nil || d.used[by] < d.used[best.Condition] {
				changed := r
				changed.Event = ev
				best = Miss{Condition: by, Fact: fmt.Sprintf("%s: %s → %s", l, short(l.value), short(a)), Events: []event.Record{changed}}
			}
			break
		}
		if best.Events != nil && (d.used[best.Condition] <= least || asked > maxAsked) {
			break
		}
	}
	if best.Events == nil {
		return Miss{}, false
	}
	d.used[best.Condition]++
	return best, true
}

// maxAsked bounds the changes that are tried on one event once one is found.
const maxAsked = 100

// least is how often the condition was missed that was missed least.
func (d *deriver) least(rules []*ir.Rule) int {
	least := math.MaxInt
	for _, r := range rules {
		for _, list := range alternatives(r.When) {
			for _, c := range list {
				least = min(least, d.used[c.name])
			}
		}
	}
	return least
}

// reads says whether the rule looks at a place, or at what is around or in it.
func (d *deriver) reads(place string) bool {
	for p := range d.paths {
		if p == place || strings.HasPrefix(place, p+".") || strings.HasPrefix(p, place+".") {
			return true
		}
	}
	return false
}

func short(v any) string {
	t := string(encode(v))
	if r := []rune(t); len(r) > 60 {
		t = string(r[:57]) + "…"
	}
	return t
}
