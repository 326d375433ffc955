package sigma

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestWriteRandom: what is written of a random document parses to an equal one.
func TestWriteRandom(t *testing.T) {
	n := 4000
	if testing.Short() {
		n = 500
	}
	kinds := map[string]int{}
	for seed := range n {
		g := &generator{r: rand.New(rand.NewPCG(uint64(seed), 1))}
		docs := make([]*Document, 1+g.r.IntN(2))
		for i := range docs {
			docs[i] = g.document()
			kinds[docs[i].Kind.String()]++
			if docs[i].Correlation != nil {
				kinds[string(docs[i].Correlation.Type)]++
			}
		}
		text, err := Write(docs...)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		again, ds := Parse("", text)
		if ds.HasErrors() || len(again) != len(docs) {
			ds = slices.DeleteFunc(ds, func(d Diagnostic) bool { return d.Severity != SeverityError })
			t.Fatalf("seed %d: %d documents, %v\n%s", seed, len(again), ds, text)
		}
		for i := range docs {
			if !Equal(docs[i], again[i]) {
				other, _ := Write(again[i])
				t.Fatalf("seed %d: not equal\n%s\n--- parsed and written again:\n%s\n%+v\n%+v", seed, text, other, docs[i], again[i])
			}
		}
		if text2, err := Write(again...); err != nil || string(text2) != string(text) {
			t.Fatalf("seed %d: written twice it differs: %v\n%s\n%s", seed, err, text, text2)
		}
	}
	for _, kind := range []string{"rule", "correlation", "filter", "event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg", "value_percentile",
		"new_value", "after_silence", "counts", "increase", "summary"} {
		if kinds[kind] < n/100 {
			t.Errorf("only %d of %s", kinds[kind], kind)
		}
	}
}

// TestWriteFixtures: each document of the test data that parses without an
// error survives.
func TestWriteFixtures(t *testing.T) {
	seen := 0
	err := filepath.WalkDir("..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(path)) {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		docs, ds := Parse(path, data)
		if ds.HasErrors() || len(docs) == 0 {
			return nil
		}
		seen++
		text, err := Write(docs...)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return nil
		}
		again, ds := Parse(path, text)
		if ds.HasErrors() || len(again) != len(docs) {
			t.Errorf("%s: %v\n%s", path, ds, text)
			return nil
		}
		for i := range docs {
			if !Equal(docs[i], again[i]) {
				t.Errorf("%s: written and read again document %d is another one\n%s", path, i+1, text)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen == 0 {
		t.Error("no document was looked at")
	}
}

// TestWriteParts: where Raw no longer says what Parts say, Parts count.
func TestWriteParts(t *testing.T) {
	alphabet := []string{`\`, `\`, "*", "?", "%", "a", "%a%", "n"}
	n := 20000
	if testing.Short() {
		n = 2000
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range n {
		placeholders := r.IntN(2) == 0
		var parts []Part
		for range r.IntN(4) {
			kind := PartKind(r.IntN(4))
			switch {
			case kind == Literal && (len(parts) == 0 || parts[len(parts)-1].Kind != Literal):
				var b strings.Builder
				for range 1 + r.IntN(4) {
					b.WriteString(alphabet[r.IntN(len(alphabet))])
				}
				parts = append(parts, Part{Kind: Literal, Text: b.String()})
			case kind == AnyRun || kind == AnyOne:
				parts = append(parts, Part{Kind: kind})
			case kind == Placeholder && placeholders:
				parts = append(parts, Part{Kind: Placeholder, Text: "name"})
			}
		}
		w := &documentWriter{}
		text := w.text(String{Raw: "stale", Parts: parts}, valueStyle{placeholders: placeholders})
		if w.err != nil || !slices.Equal(ParseParts(text, placeholders), parts) {
			t.Fatalf("%+v written as %q: %v", parts, text, w.err)
		}
	}
}

// TestWriteCondition: where Text no longer says what Expr says, Expr counts.
func TestWriteCondition(t *testing.T) {
	name := func(s string) ConditionExpr { return &ConditionName{Name: s} }
	and := func(p ...ConditionExpr) ConditionExpr { return &ConditionAnd{Parts: p} }
	or := func(p ...ConditionExpr) ConditionExpr { return &ConditionOr{Parts: p} }
	not := func(p ConditionExpr) ConditionExpr { return &ConditionNot{Part: p} }
	for want, e := range map[string]ConditionExpr{
		"a":                        name("a"),
		"a and b or c":             or(and(name("a"), name("b")), name("c")),
		"(a or b) and c":           and(or(name("a"), name("b")), name("c")),
		"a and (b and c)":          and(name("a"), and(name("b"), name("c"))),
		"a or (b or c)":            or(name("a"), or(name("b"), name("c"))),
		"not a and not (b and c)":  and(not(name("a")), not(and(name("b"), name("c")))),
		"not not a":                not(not(name("a"))),
		"1 of them":                &ConditionOf{Count: 1},
		"all of a*":                &ConditionOf{Pattern: "a*"},
		"not (2 of *_x or 1 of a)": nil,
	} {
		if e == nil {
			e = not(or(&ConditionOf{Count: 2, Pattern: "*_x"}, &ConditionOf{Count: 1, Pattern: "a"}))
		}
		for _, stale := range []string{"", "z", "("} {
			w := &documentWriter{}
			if got := w.condition(&Condition{Text: stale, Expr: e}).(yamlText).text; w.err != nil || got != want {
				t.Errorf("got %q, %v; want %q", got, w.err, want)
			}
		}
		w := &documentWriter{}
		kept := " " + strings.ReplaceAll(strings.ToUpper(want), " ", "  ")
		if c, ok := reparseCondition(kept, false); !ok {
			t.Errorf("%q cannot be read", kept)
		} else if got := w.condition(c).(yamlText).text; got != kept {
			t.Errorf("got %q, want it as it was: %q", got, kept)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	detection := func(f func(d *Document)) *Document {
		d := &Document{Meta: Meta{Title: "T", ID: "x"}, Detection: &Detection{
			Selections: []*Selection{{Name: "a", Body: &AllOf{Items: []*Item{{Field: Field{Name: "f"}, Values: []Value{Null{}}}}}}},
			Conditions: []*Condition{{Expr: &ConditionName{Name: "a"}}},
		}}
		f(d)
		return d
	}
	deep := func() Block {
		var b Block = &AllOf{}
		for range 10_000 {
			b = &AllOf{Items: []*Item{{Field: Field{Name: "f"}, Quantifier: QuantifierAny, Block: b}}}
		}
		return b
	}
	cyclic := map[string]any{}
	cyclic["again"] = cyclic
	for what, d := range map[string]*Document{
		"nil":                   nil,
		"a selection condition": detection(func(d *Document) { d.Detection.Selections[0].Name = "condition" }),
		"a selection twice":     detection(func(d *Document) { d.Detection.Selections = append(d.Detection.Selections, d.Detection.Selections[0]) }),
		"not UTF-8":             detection(func(d *Document) { d.Meta.Title = "\xff" }),
		"a long key":            detection(func(d *Document) { d.Detection.Selections[0].Name = strings.Repeat("x", 2000) }),
		"a Go value":            detection(func(d *Document) { d.Meta.Custom = []Attribute{{Key: "x", Value: t}} }),
		"a cycle":               detection(func(d *Document) { d.Meta.Custom = []Attribute{{Key: "x", Value: cyclic}} }),
		"depth":                 detection(func(d *Document) { d.Detection.Selections[0].Body = deep() }),
		"an empty and":          detection(func(d *Document) { d.Detection.Conditions[0].Expr = &ConditionAnd{} }),
		"a name with a blank":   detection(func(d *Document) { d.Detection.Conditions[0].Expr = &ConditionName{Name: "a b"} }),
		"a bar in a field":      detection(func(d *Document) { d.Detection.Selections[0].Body.(*AllOf).Items[0].Field.Name = "a|b" }),
		"a list block of a\\": detection(func(d *Document) {
			d.Detection.Selections[0].Body = &AllOf{Items: []*Item{{Field: Field{Name: `a\`}, Quantifier: QuantifierAny, Block: &AllOf{}}}}
		}),
		"a known key as custom": detection(func(d *Document) { d.Meta.Custom = []Attribute{{Key: "level", Value: "x"}} }),
		"a wildcard in a regex": detection(func(d *Document) {
			d.Detection.Selections[0].Body = &AllOf{Items: []*Item{{Field: Field{Name: "f"}, Modifiers: []Modifier{{Name: ModRe}}, Values: []Value{String{Parts: []Part{{Kind: AnyRun}}}}}}}
		}),
	} {
		if text, err := Write(d); err == nil {
			t.Errorf("%s: written as\n%s", what, text)
		}
	}
}

// generator makes random documents as the parser would.
type generator struct {
	r      *rand.Rand
	native bool
	sigma3 bool
}

func (g *generator) maybe(percent int) bool { return g.r.IntN(100) < percent }

func pick[T any](g *generator, of ...T) T { return of[g.r.IntN(len(of))] }

// oddTexts are hard on a YAML writer.
var oddTexts = []string{"yes", "No", "null", "~", "true", "1", "1.0", "0x1f", "012", "1e5", ".inf", "2026-11-22", "12:30:45", "- a", "a: b", "a:", "#c", "a #c", "'", "''", `"`, `\`, `\\*`,
	" lead", "trail ", "two\nlines", "two\nlines\n", "\n", "\n\n", "a\n\nb\n\n", "tab\there", "\ttab", "a\r\nb", "\u0085", "\u2028x", "\ufeff", "\u00a0", "\x7f", "\x00", "\x1b[0m", "日本語", "😀", "é",
	"%a%", "@at", "`tick`", "!tag", "&anchor", "*alias", "{a}", "[a]", "a,b", "? a", "|", ">", "<<", "=", "---", "...", "%YAML 1.1", "a\n b", "  a\nb", "\ue000", "\ufffe", "a\n#b", strings.Repeat("long ", 40), "\u200b", "K", "İ"}

func (g *generator) text() string {
	switch g.r.IntN(4) {
	case 0:
		return pick(g, oddTexts...)
	case 1:
		return pick(g, oddTexts...) + pick(g, oddTexts...)
	}
	return pick(g, "word", "two words", "a.b@c.d", "C:\\Windows\\*", "https://x.y/z?a=b#c", "x'y", "Add member to role.")
}

func (g *generator) texts() []string {
	var out []string
	for range g.r.IntN(3) {
		out = append(out, g.text())
	}
	return out
}

func (g *generator) uuid() string {
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", g.r.Uint32(), g.r.IntN(65536), g.r.IntN(4096), g.r.IntN(4096), g.r.Uint64N(1<<48))
}

func (g *generator) date() string {
	return fmt.Sprintf("20%02d-%02d-%02d", g.r.IntN(100), 1+g.r.IntN(12), 1+g.r.IntN(28))
}

func (g *generator) number() Numeric {
	switch g.r.IntN(4) {
	case 0:
		return Numeric{IsInt: true, Int: pick[int64](g, math.MaxInt64, math.MinInt64, 0, -1)}
	case 1:
		return Numeric{Float: pick(g, 0.5, -2.25, 100, 1e15, 1e-7, 123456.75)}
	}
	return Numeric{IsInt: true, Int: int64(g.r.IntN(1000))}
}

func (g *generator) any(depth int) any {
	switch n := g.r.IntN(8); {
	case n == 0 && depth < 4:
		list := []any{}
		for range g.r.IntN(3) {
			list = append(list, g.any(depth+1))
		}
		return list
	case n == 1 && depth < 4:
		m := map[string]any{}
		for range g.r.IntN(3) {
			m[g.text()] = g.any(depth + 1)
		}
		return m
	case n == 2:
		return nil
	case n == 3:
		return g.maybe(50)
	case n == 4:
		if num := g.number(); num.IsInt {
			return int(num.Int)
		} else {
			return num.Float
		}
	}
	return g.text()
}

func (g *generator) document() *Document {
	g.native = g.maybe(50)
	d := &Document{Native: g.native}
	m := &d.Meta
	m.SigmaVersion = pick(g, "", "", "2.1.0", "2", "3")
	g.sigma3 = m.SigmaVersion == "3"
	m.Title = "t" + g.text()
	text := func(at *string) {
		if g.maybe(30) {
			*at = g.text()
		}
	}
	text(&m.Name)
	text(&m.Taxonomy)
	text(&m.Description)
	text(&m.License)
	text(&m.Author)
	m.References, m.Scope, m.Fields, m.FalsePositives = g.texts(), g.texts(), g.texts(), g.texts()
	if g.maybe(50) {
		m.ID, m.Date, m.Modified = g.uuid(), g.date(), g.date()
		m.Status, m.Level = pick(g, statuses...), pick(g, levels...)
		m.Tags = []string{"attack.t1098", "cve.2021-44228"}
	}
	if g.maybe(20) {
		m.Related = []Related{{ID: g.uuid(), Type: pick(g, relatedTypes...)}}
	}
	for range g.r.IntN(3) {
		if key := "x" + g.text(); !slices.ContainsFunc(m.Custom, func(a Attribute) bool { return a.Key == key }) {
			m.Custom = append(m.Custom, Attribute{Key: key, Value: g.any(0)})
		}
	}
	switch g.r.IntN(4) {
	case 0, 1:
		d.LogSource = LogSource{Category: g.text(), Product: "p"}
		if g.maybe(20) {
			d.LogSource.Definition = g.text()
			d.LogSource.Custom = []Attribute{{Key: "x" + g.text(), Value: g.any(0)}}
		}
		d.Detection = g.detection(false, true)
	case 2:
		d.Kind = KindCorrelation
		d.Correlation = g.correlation()
	case 3:
		d.Kind = KindFilter
		d.LogSource = LogSource{Service: "s" + g.text()}
		d.Filter = &Filter{Any: g.maybe(50)}
		if !d.Filter.Any {
			d.Filter.Rules = g.references()
		}
		d.Detection = g.detection(false, false)
	}
	if g.native {
		g.nativeKeys(d)
	}
	return d
}

func (g *generator) nativeKeys(d *Document) {
	m := &d.Meta
	if g.maybe(50) {
		m.Version, m.GuideSeverity = "1.20.3", g.text()
		d.Parameters = g.parameters()
	}
	if d.Kind == KindFilter || g.maybe(50) {
		return
	}
	m.Tier = pick(g, "report", "hunt", "product")
	m.Requires = []Requirement{{Table: g.text(), Connector: g.text()}, {Table: "T", Licence: g.text()}}
	m.Coverage = []string{"guide/item-one", "guide/two"}
	m.Entities = []Entity{{Type: pick(g, entityTypes...), Field: "A.b"}, {Type: "ip", Field: "C[0].d"}}
	m.Triage = &Triage{TruePositive: g.text(), Benign: g.text(), Actions: g.texts(), Scope: g.text()}
	d.Once = &Once{By: g.fields(), For: g.timespan()}
}

func (g *generator) parameters() []Parameter {
	out := []Parameter{{Name: "from_catalogue", Catalogue: true}}
	for i, typ := range parameterTypes {
		p := Parameter{Name: "p" + strconv.Itoa(i), Type: typ, List: g.maybe(50), Description: g.text(), Source: g.text()}
		value := func() Value {
			literal := func(s string) Value { return String{Raw: s, Parts: literalParts(s)} }
			switch typ {
			case "number":
				return Number{Number: g.number()}
			case "bool":
				return Bool{Bool: g.maybe(50)}
			case "pattern":
				s := g.text()
				return String{Raw: s, Parts: ParseParts(s, false)}
			case "ip":
				return literal(pick(g, "192.0.2.1", "2001:db8::1"))
			case "cidr":
				return literal(pick(g, "192.0.2.0/24", "2001:db8::/32", "192.0.2.1"))
			case "duration":
				return literal("90d")
			case "hours":
				return literal("Mon-Fri 08:00-18:00 Europe/Berlin; Sat 09:00-12:00")
			case "zone":
				return literal("Asia/Tokyo")
			case "date":
				return literal(pick(g, "2026-05-14", "????-12-25"))
			}
			return literal(g.text())
		}
		for _, at := range []*[]Value{&p.Example, &p.Default} {
			if g.maybe(50) {
				*at = append(*at, value())
				if p.List {
					*at = append(*at, value())
				}
			}
		}
		out = append(out, p)
	}
	return out
}

func (g *generator) references() []Reference {
	out := []Reference{{Name: g.uuid()}}
	for i := range 1 + g.r.IntN(3) {
		out = append(out, Reference{Name: "rule_" + strconv.Itoa(i)})
	}
	return out
}

func (g *generator) timespan() Timespan {
	if g.native && g.maybe(10) {
		return Timespan{Text: "%window%", Placeholder: "window"}
	}
	t, err := ParseTimespan(strconv.Itoa(1+g.r.IntN(90)) + pick(g, "s", "m", "h", "d", "w", "M", "y"))
	if err != nil {
		panic(err)
	}
	return t
}

func (g *generator) loader() *loader { return &loader{native: g.native, sigma3: g.sigma3} }

func (g *generator) field() Field {
	for {
		name := pick(g, "a", "User", "TargetResources[0].id", "a.b.c", "x[1][2]", g.text())
		f, err := g.loader().parseField(name)
		if err == nil && !strings.Contains(f.Name, "|") && !strings.HasSuffix(f.Name, `\`) && f.Name != "." && f.Name != "" {
			return f
		}
	}
}

func (g *generator) fields() []Field {
	out := []Field{g.field()}
	if f := g.field(); f.Name != out[0].Name {
		out = append(out, f)
	}
	return out
}

func (g *generator) thresholds() []Threshold {
	if g.native && g.maybe(10) {
		return []Threshold{{Op: OpGTE, Placeholder: "limit"}}
	}
	return pick(g,
		[]Threshold{{Op: OpGTE, Value: Numeric{IsInt: true, Int: 10}}},
		[]Threshold{{Op: OpLT, Value: Numeric{Float: 10.5}}, {Op: OpGT, Value: Numeric{IsInt: true, Int: 3}}, {Op: OpNEQ, Value: Numeric{IsInt: true, Int: 5}}},
		[]Threshold{{Op: OpEQ, Value: Numeric{IsInt: true, Int: 7}}})
}

func (g *generator) correlation() *Correlation {
	types := correlationTypes()
	t := types[g.r.IntN(len(types))]
	for t.native && !g.native {
		t = types[g.r.IntN(len(types))]
	}
	c := &Correlation{Type: t.name, Rules: g.references(), Generate: g.maybe(20)}
	if g.maybe(60) || t.name == Summary {
		c.GroupBy = g.fields()
	}
	if g.maybe(20) {
		c.Aliases = []Alias{{Name: "x" + g.text(), Fields: []AliasField{{c.Rules[0], g.field()}, {c.Rules[1], g.field()}}}}
	}
	for _, k := range t.keys {
		if k.name == "timespan" {
			c.Timespan = g.timespan()
		}
	}
	number := func() *Numeric { return &Numeric{Float: 1.5} }
	switch t.name {
	case EventCount:
		c.Thresholds = g.thresholds()
	case ValueCount:
		c.Thresholds, c.ConditionFields = g.thresholds(), g.fields()
	case ValueSum, ValueAvg, ValuePercentile:
		c.Thresholds, c.ConditionFields = g.thresholds(), g.fields()[:1]
		if t.name == ValuePercentile && g.maybe(50) {
			c.Percentile = number()
		}
	case Temporal, TemporalOrdered:
		switch g.r.IntN(3) {
		case 0:
			c.Thresholds = []Threshold{{Op: OpGTE, Value: Numeric{IsInt: true, Int: 2}}}
		case 1:
			names := []string{}
			for _, r := range c.Rules {
				names = append(names, r.Name)
			}
			c.Expr = g.condition(names)
		}
	case NewValue:
		c.Fields, c.Lookback = g.fields(), g.timespan()
		if g.maybe(50) {
			c.MinHistory = 1 + g.r.IntN(5)
		}
	case AfterSilence:
		c.Silence, c.Lookback = Timespan{Text: "1s", Seconds: 1}, g.timespan()
	case Counts:
		for _, r := range c.Rules {
			c.RuleCounts = append(c.RuleCounts, RuleCount{r, g.thresholds()})
		}
		if g.maybe(50) {
			c.Ratio = &Ratio{Of: c.Rules[0], To: c.Rules[1], GTE: *number()}
		}
	case Increase:
		c.Timespan = Timespan{Text: "1d", Seconds: 86400}
		c.Against = Timespan{Text: "2w", Seconds: 14 * 86400}
		c.Factor = number()
		if g.maybe(50) {
			c.Difference, c.Minimum, c.Fields, c.Zone = number(), number(), g.fields()[:1], "Europe/Berlin"
		}
	case Summary:
		if g.maybe(50) {
			c.Fields = g.fields()
		}
	}
	return c
}

func (g *generator) detection(element, aggregation bool) *Detection {
	d := &Detection{}
	names := []string{"selection", "filter_1", "_hidden", "x.y-z"}[:1+g.r.IntN(4)]
	for _, n := range names {
		d.Selections = append(d.Selections, &Selection{Name: n, Body: g.block(element, 0)})
	}
	for range 1 + g.r.IntN(2) {
		c := g.condition(names)
		if aggregation && g.maybe(20) {
			d.Timeframe = &Timespan{Text: "5m", Seconds: 300}
			again, ok := reparseCondition(c.Text+pick(g, " | count() > 5", " | count(a.b) by c, d <= 1.5", " | sum(x) == 3"), g.native || g.sigma3)
			if !ok {
				panic(c.Text)
			}
			c = again
		}
		d.Conditions = append(d.Conditions, c)
	}
	return d
}

func (g *generator) condition(names []string) *Condition {
	var b strings.Builder
	w := &documentWriter{}
	w.expr(&b, g.expr(names, 0), 0, 0)
	if w.err != nil {
		panic(w.err)
	}
	c, ok := reparseCondition(b.String(), g.native || g.sigma3)
	if !ok {
		panic(b.String())
	}
	return c
}

func (g *generator) expr(names []string, depth int) ConditionExpr {
	parts := func() []ConditionExpr {
		out := []ConditionExpr{}
		for range 2 + g.r.IntN(2) {
			out = append(out, g.expr(names, depth+1))
		}
		return out
	}
	switch n := g.r.IntN(8); {
	case n == 0 && depth < 3:
		return &ConditionAnd{Parts: parts()}
	case n == 1 && depth < 3:
		return &ConditionOr{Parts: parts()}
	case n == 2 && depth < 3:
		return &ConditionNot{Part: g.expr(names, depth+1)}
	case n == 3 && !strings.HasPrefix(names[0], "_"):
		return &ConditionOf{Count: g.r.IntN(2), Pattern: pick(g, "", names[0][:1]+"*", "*")}
	}
	return &ConditionName{Name: pick(g, names...)}
}

func (g *generator) block(element bool, depth int) Block {
	keyword := func(n int) *Item {
		it := &Item{}
		if element {
			it.Field.Name = "."
		}
		for range n {
			it.Values = append(it.Values, g.value(false))
		}
		return it
	}
	switch g.r.IntN(5) {
	case 0:
		return keyword(1 + g.r.IntN(3))
	case 1:
		b := &AnyOf{Blocks: []Block{g.allOf(element, depth)}}
		for range g.r.IntN(3) {
			if g.maybe(50) {
				b.Blocks = append(b.Blocks, keyword(1))
			} else {
				b.Blocks = append(b.Blocks, g.allOf(element, depth))
			}
		}
		return b
	}
	return g.allOf(element, depth)
}

func (g *generator) allOf(element bool, depth int) *AllOf {
	b := &AllOf{}
	keys := map[string]bool{}
	for range g.r.IntN(4) {
		it := g.item(element, depth)
		if key := new(documentWriter).itemKey(it); !keys[key] {
			keys[key] = true
			b.Items = append(b.Items, it)
		}
	}
	return b
}

func (g *generator) item(element bool, depth int) *Item {
	it := &Item{Field: g.field()}
	if element && g.maybe(20) {
		it.Field = Field{Name: "."}
	}
	if (g.native || g.sigma3) && depth < 3 && g.maybe(25) {
		it.Quantifier = quantifiers[g.r.IntN(len(quantifiers))]
		if it.Block = g.block(true, depth+1); g.maybe(20) {
			it.Block = g.detection(true, false)
		}
		if k, ok := it.Block.(*Item); ok { // `field[any]: [a, b]` is a block of one item
			it.Block = &AllOf{Items: []*Item{k}}
		}
		return it
	}
	mods := func(names ...string) {
		for _, n := range names {
			name, arg, _ := strings.Cut(n, "=")
			it.Modifiers = append(it.Modifiers, Modifier{Name: name, Arg: arg})
		}
	}
	literal := func(ss ...string) {
		for _, s := range ss {
			it.Values = append(it.Values, String{Raw: s, Parts: literalParts(s)})
		}
	}
	placeholder := []Value{String{Raw: "%name%", Parts: []Part{{Kind: Placeholder, Text: "name"}}}}
	choice := g.r.IntN(12)
	if choice >= 9 && !g.native {
		choice = 0
	}
	switch choice {
	case 1:
		mods(ModRe, ModReI)
		literal(`a.*\d+%x%`, `C:\\Windows`)
	case 2:
		mods(ModExists)
		it.Values = []Value{Bool{Bool: g.maybe(50)}}
	case 3:
		mods(ModContains, ModAll)
		it.Values = []Value{g.textValue(false), g.textValue(false)}
	case 4:
		mods(ModExpand)
		it.Values = []Value{g.textValue(true), g.textValue(true)}
	case 5:
		mods(ModCIDR)
		literal("10.0.0.0/8")
	case 6:
		mods(ModGTE)
		it.Values = []Value{Number{Number: Numeric{IsInt: true, Int: 5}}}
	case 7:
		mods(ModFieldRef)
		literal("Other")
	case 8:
		mods(ModBase64Offset, ModContains)
		literal("abc", "foo")
	case 9:
		mods(ModHour+"=Europe/Berlin", ModGTE)
		it.Values = []Value{Number{Number: Numeric{IsInt: true, Int: 5}}}
	case 10:
		mods(ModOutside)
		if g.maybe(50) {
			it.Values = placeholder
		} else {
			literal("Mon-Fri 08:00-18:00")
		}
	case 11:
		mods(ModSince+"=@time", ModGT)
		literal("180d")
	default:
		for range 1 + g.r.IntN(3) {
			it.Values = append(it.Values, g.value(true))
		}
	}
	return it
}

func (g *generator) value(null bool) Value {
	switch n := g.r.IntN(6); {
	case n == 0 && null:
		return Null{}
	case n == 1:
		return Bool{Bool: g.maybe(50)}
	case n == 2:
		return Number{Number: g.number()}
	}
	return g.textValue(false)
}

func (g *generator) textValue(placeholders bool) Value {
	s := g.text()
	if placeholders {
		s += "%" + "name" + "%"
	}
	return String{Raw: s, Parts: ParseParts(s, placeholders)}
}
