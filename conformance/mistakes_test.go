package conformance

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
)

// A mistake is what an engine might get wrong, said as a change of the tree or
// of the event that the reference interpreter is given.
type mistake struct {
	name  string
	leaf  func(*ir.Match) ir.Expr // each Match; nil for no change
	node  func(ir.Expr) ir.Expr   // each other node
	event func(any) any           // each value of the event, from the inside out
}

func (m mistake) verdict(e ir.Expr, ev any) bool {
	if m.leaf != nil || m.node != nil {
		e = ir.Map(e, func(x ir.Expr) ir.Expr {
			if l, ok := x.(*ir.Match); ok {
				if m.leaf == nil {
					return x
				}
				return m.leaf(l)
			}
			if m.node == nil {
				return x
			}
			return m.node(x)
		})
	}
	if m.event != nil {
		ev = mapValues(ev, m.event)
	}
	return Reference(e, ev)
}

func mapValues(v any, f func(any) any) any {
	switch x := v.(type) {
	case map[string]any:
		o := map[string]any{}
		for k, el := range x {
			o[k] = mapValues(el, f)
		}
		v = o
	case []any:
		list := make([]any, len(x))
		for i, el := range x {
			list[i] = mapValues(el, f)
		}
		v = list
	}
	return f(v)
}

// on changes Matches of the given operators.
func on(change func(*ir.Match), ops ...ir.Op) func(*ir.Match) ir.Expr {
	return func(m *ir.Match) ir.Expr {
		if !slices.Contains(ops, m.Op) {
			return m
		}
		c := *m
		c.Values = slices.Clone(m.Values)
		change(&c)
		return &c
	}
}

// onField changes the steps of each path.
func onField(change func(*ir.Step)) func(*ir.Match) ir.Expr {
	return on(func(m *ir.Match) {
		m.Field.Path = slices.Clone(m.Field.Path)
		for i := range m.Field.Path {
			change(&m.Field.Path[i])
		}
	}, ir.Ops()...)
}

func onText(change func(string) any) func(any) any {
	return func(v any) any {
		if t, ok := v.(string); ok {
			return change(t)
		}
		return v
	}
}

// caseSensitive is an object whose keys cannot be listed, so that none is found
// under another case.
type caseSensitive map[string]any

func (o caseSensitive) Get(key string) (any, bool) { v, ok := o[key]; return v, ok }
func (o caseSensitive) Keys(func(string) bool)     {}

var _ event.Object = caseSensitive{}

func mistakes() []mistake {
	swap := map[ir.Op]ir.Op{ir.Less: ir.Greater, ir.Greater: ir.Less, ir.LessOrEqual: ir.GreaterOrEqual, ir.GreaterOrEqual: ir.LessOrEqual}
	strict := map[ir.Op]ir.Op{ir.LessOrEqual: ir.Less, ir.GreaterOrEqual: ir.Greater}
	textOps := []ir.Op{ir.Equal, ir.Contains, ir.StartsWith, ir.EndsWith, ir.Like}
	scalarsOf := func(m *ir.Match) ir.Expr { // the field yields a scalar
		return &ir.Match{Field: m.Field, Op: ir.Like, Values: []ir.Value{ir.Pattern{{Kind: ir.AnyRun}}}}
	}
	equalEmpty := func(f ir.Field) ir.Expr {
		return &ir.Match{Field: f, Op: ir.Equal, Values: []ir.Value{ir.String("")}}
	}
	mapped := regexp.MustCompile(`(?i)^\[?::ffff:[0-9.]+`)
	return []mistake{
		{name: "not is dropped", node: func(e ir.Expr) ir.Expr {
			if n, ok := e.(*ir.Not); ok {
				return n.X
			}
			return e
		}},
		{name: "the guard under not is dropped: unknown where there is no scalar", node: func(e ir.Expr) ir.Expr {
			if n, ok := e.(*ir.Not); ok {
				if m, ok := n.X.(*ir.Match); ok && m.Op != ir.Null && m.Op != ir.Exists {
					return &ir.And{X: []ir.Expr{n, scalarsOf(m)}}
				}
			}
			return e
		}},
		{name: "and is or", node: func(e ir.Expr) ir.Expr {
			if a, ok := e.(*ir.And); ok && len(a.X) > 1 {
				return &ir.Or{X: a.X}
			}
			return e
		}},
		{name: "any is all", node: func(e ir.Expr) ir.Expr {
			if a, ok := e.(*ir.Any); ok {
				return &ir.And{X: []ir.Expr{&ir.Any{Over: a.Over, X: ir.Const(true)}, &ir.Not{X: &ir.Any{Over: a.Over, X: &ir.Not{X: a.X}}}}}
			}
			return e
		}},
		{name: "a scalar is no list of one", node: func(e ir.Expr) ir.Expr {
			if a, ok := e.(*ir.Any); ok && len(a.Over.Path) > 0 {
				first := a.Over
				first.Path = append(slices.Clone(first.Path), ir.Step{HasPosition: true, Position: 1})
				return &ir.And{X: []ir.Expr{a, &ir.Match{Field: first, Op: ir.Exists}}}
			}
			return e
		}},
		{name: "< is >", leaf: on(func(m *ir.Match) { m.Op = swap[m.Op] }, ir.Less, ir.LessOrEqual, ir.Greater, ir.GreaterOrEqual)},
		{name: "<= is <", leaf: on(func(m *ir.Match) { m.Op = strict[m.Op] }, ir.LessOrEqual, ir.GreaterOrEqual)},
		{name: "contains is equal", leaf: on(func(m *ir.Match) { m.Op = ir.Equal }, ir.Contains)},
		{name: "startswith has lost its anchor", leaf: on(func(m *ir.Match) { m.Op = ir.Contains }, ir.StartsWith)},
		{name: "endswith has lost its anchor", leaf: on(func(m *ir.Match) { m.Op = ir.Contains }, ir.EndsWith)},
		{name: "a pattern has lost its end", leaf: on(func(m *ir.Match) {
			for i, v := range m.Values {
				if p, ok := v.(ir.Pattern); ok {
					m.Values[i] = append(slices.Clone(p), ir.PatternPart{Kind: ir.AnyRun})
				}
			}
		}, ir.Like)},
		{name: "? is optional", leaf: on(func(m *ir.Match) {
			for _, v := range m.Values {
				if p, ok := v.(ir.Pattern); ok {
					m.Values = append(m.Values, slices.DeleteFunc(slices.Clone(p), func(part ir.PatternPart) bool { return part.Kind == ir.AnyOne }))
				}
			}
		}, ir.Like)},
		{name: "* stops at a line break", leaf: func(m *ir.Match) ir.Expr {
			if m.Op != ir.Like || m.Cased {
				return m
			}
			c := &ir.Match{Field: m.Field, Op: ir.Regexp}
			for _, v := range m.Values {
				re := `(?i)\A`
				for _, p := range v.(ir.Pattern) {
					switch p.Kind {
					case ir.Literal:
						re += regexp.QuoteMeta(p.Text)
					case ir.AnyRun:
						re += `.*`
					case ir.AnyOne:
						re += `.`
					}
				}
				c.Values = append(c.Values, ir.Regex(re+`\z`))
			}
			return c
		}},
		{name: "a regular expression is anchored", leaf: on(func(m *ir.Match) {
			for i, v := range m.Values {
				m.Values[i] = ir.Regex(`\A(?:` + string(v.(ir.Regex)) + `)\z`)
			}
		}, ir.Regexp)},
		{name: "a regular expression folds", leaf: on(func(m *ir.Match) {
			for i, v := range m.Values {
				m.Values[i] = ir.Regex(`(?i:` + string(v.(ir.Regex)) + `)`)
			}
		}, ir.Regexp)},
		{name: "nothing folds", leaf: on(func(m *ir.Match) { m.Cased = true }, textOps...)},
		{name: "cased folds", leaf: on(func(m *ir.Match) { m.Cased = false }, textOps...)},
		{name: "K folds to k", event: onText(func(t string) any { return strings.ReplaceAll(t, "\u212a", "K") })},
		{name: "İ folds to i", event: onText(func(t string) any { return strings.ReplaceAll(t, "\u0130", "I") })},
		{name: "only ASCII folds", event: onText(func(t string) any {
			return strings.NewReplacer("Ä", "\ufffdA", "Σ", "\ufffdS", "Ö", "\ufffdO", "Ü", "\ufffdU").Replace(t)
		})},
		{name: "text in any number notation is a number", event: onText(func(t string) any {
			if f, err := strconv.ParseFloat(strings.TrimSpace(t), 64); err == nil && !strings.ContainsAny(t, "nNfFxX") {
				return f
			}
			return t
		})},
		{name: "two number texts compare by value", leaf: on(func(m *ir.Match) {
			for i, v := range m.Values {
				if t, ok := v.(ir.String); ok {
					if n, ok := numberText(string(t)); ok {
						m.Values[i] = n.value()
					}
				}
			}
		}, ir.Equal)},
		{name: "1 is true", event: func(v any) any {
			if b, ok := v.(bool); ok && b {
				return json.Number("1")
			}
			return v
		}},
		{name: "only lower case true is a boolean", event: onText(func(t string) any {
			if t == "True" || t == "TRUE" || t == "FALSE" {
				return t + " "
			}
			return t
		})},
		{name: "integers go through a float", event: func(v any) any {
			switch n := v.(type) {
			case json.Number:
				f, _ := n.Float64()
				return f
			case int64:
				return float64(n)
			}
			return v
		}},
		{name: "null is true on the empty string", leaf: func(m *ir.Match) ir.Expr {
			if m.Op == ir.Null {
				return &ir.Or{X: []ir.Expr{m, equalEmpty(m.Field)}}
			}
			return m
		}},
		{name: "the empty string is true on null", leaf: func(m *ir.Match) ir.Expr {
			if m.Op == ir.Equal && slices.Contains(m.Values, ir.Value(ir.String(""))) {
				return &ir.Or{X: []ir.Expr{m, &ir.Match{Field: m.Field, Op: ir.Null}}}
			}
			return m
		}},
		{name: "exists means not null", leaf: func(m *ir.Match) ir.Expr {
			if m.Op == ir.Exists {
				return &ir.Not{X: &ir.Match{Field: m.Field, Op: ir.Null}}
			}
			return m
		}},
		{name: "two empty fields are equal", leaf: func(m *ir.Match) ir.Expr {
			e := ir.Expr(m)
			for _, v := range m.Values {
				if ref, ok := v.(ir.FieldRef); ok {
					e = &ir.Or{X: []ir.Expr{e, &ir.And{X: []ir.Expr{&ir.Match{Field: m.Field, Op: ir.Null}, &ir.Match{Field: ref.Field, Op: ir.Null}}}}}
				}
			}
			return e
		}},
		{name: "only the first of the values counts", leaf: func(m *ir.Match) ir.Expr {
			if len(m.Values) < 2 {
				return m
			}
			return &ir.Match{Field: m.Field, Op: m.Op, Cased: m.Cased, Values: m.Values[:1]}
		}},
		{name: "only the first element of a list counts", event: func(v any) any {
			if list, ok := v.([]any); ok && len(list) > 1 {
				return list[:1]
			}
			return v
		}},
		{name: "nested lists do not flatten", event: func(v any) any {
			list, ok := v.([]any)
			if !ok {
				return v
			}
			return slices.DeleteFunc(slices.Clone(list), func(el any) bool { _, nested := el.([]any); return nested })
		}},
		{name: "keys are case-sensitive", event: func(v any) any {
			if o, ok := v.(map[string]any); ok {
				return caseSensitive(o)
			}
			return v
		}},
		{name: "no flat keys", event: func(v any) any {
			o, ok := v.(map[string]any)
			if !ok {
				return v
			}
			c := map[string]any{}
			for k, el := range o {
				if !strings.Contains(k, ".") {
					c[k] = el
				}
			}
			return c
		}},
		{name: "JSON in text stays text", leaf: onField(func(s *ir.Step) { s.JSON = false })},
		{name: "positions count from one", leaf: onField(func(s *ir.Step) { s.Position++ })},
		{name: "selectors are ignored", leaf: onField(func(s *ir.Step) { s.Where = ir.Where{} })},
		{name: "ports stay", leaf: on(func(m *ir.Match) { m.Field.Type = ir.TypeUnknown }, ir.InNetwork)},
		{name: "mapped addresses stay", event: onText(func(t string) any {
			if mapped.MatchString(t) {
				return "mapped " + t
			}
			return t
		})},
		{name: "zones are ignored", leaf: func(m *ir.Match) ir.Expr {
			if m.Field.Derive == nil || m.Field.Derive.Zone == "" {
				return m
			}
			c := *m
			d := *m.Field.Derive
			d.Zone = ""
			c.Field.Derive = &d
			return &c
		}},
		{name: "the week begins on Sunday with 0", leaf: on(func(m *ir.Match) {
			if m.Field.Derive != nil && m.Field.Derive.Kind == ir.Weekday {
				m.Values = slices.DeleteFunc(m.Values, func(v ir.Value) bool { return v == ir.Value(ir.Number{IsInt: true, Int: 7}) })
			}
		}, ir.Equal)},
		{name: "times without a zone are no times", event: onText(func(t string) any {
			if len(t) == len("2024-12-31T23:59:59") && strings.Contains(t, "T") {
				return "no time"
			}
			return t
		})},
	}
}

// TestMistakesAreFound plants mistakes and asks that the random run finds each,
// and the fixtures too.
func TestMistakesAreFound(t *testing.T) {
	const pairs = 10_000
	byRandom, byFixture := map[string]int{}, map[string]int{}
	r := NewRandom(3)
	for range pairs {
		e, ev := r.Pair()
		want := Reference(e, ev)
		for _, m := range mistakes() {
			if m.verdict(e, ev) != want {
				byRandom[m.name]++
			}
		}
	}
	fixtures, ds := Load(semantics(t), LoadOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	for _, f := range fixtures {
		for i := range f.Cases {
			questions, err := f.questions(&f.Cases[i])
			if err != nil {
				t.Fatal(err)
			}
			for _, q := range questions {
				for _, rule := range q.rules {
					want := Reference(rule.Predicate(), q.event)
					for _, m := range mistakes() {
						if m.verdict(rule.Predicate(), q.event) != want {
							byFixture[m.name]++
						}
					}
				}
			}
		}
	}
	for _, m := range mistakes() {
		if byRandom[m.name] == 0 {
			t.Errorf("nothing in %d pairs shows that %s", pairs, m.name)
		}
		if byFixture[m.name] == 0 {
			t.Errorf("no fixture shows that %s", m.name)
		}
		t.Logf("%5d pairs and %3d events of fixtures show that %s", byRandom[m.name], byFixture[m.name], m.name)
	}
}
