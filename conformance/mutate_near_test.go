package conformance

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/ir"
)

var writeNear = flag.Bool("write-near-misses", false, "append near misses to the pack's fixtures that notice what no case does: a text that only holds the one that is asked for")

// TestWriteNearMisses is no test but a tool: for each mutant of the pack that no
// case notices it looks for a value of a matching case that, with something
// before or behind it, the rule leaves alone and the mutant does not. Read what
// it writes: a near miss that should have matched is a fault of the rule.
func TestWriteNearMisses(t *testing.T) {
	if !*writeNear {
		t.Skip("a tool; -write-near-misses runs it")
	}
	for _, guide := range packGuides(t) {
		dir := "fixtures/" + guide
		fsys, err := fs.Sub(fixtureFiles, dir)
		if err != nil {
			t.Fatal(err)
		}
		fixtures, ds := Load(fsys, LoadOptions{})
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		for _, f := range fixtures {
			text, left := nearMisses(t, f)
			for _, d := range left {
				t.Logf("%s: still not noticed: %s", f.File, d)
			}
			if text == "" {
				continue
			}
			file := dir + "/" + f.File
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, append(append(bytes.TrimRight(data, "\n"), '\n'), text...), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// nearMisses returns cases to append to a fixture, and what they do not notice
// either.
func nearMisses(t *testing.T, f *Fixture) (text string, left []string) {
	mutated, err := Mutate([]*Fixture{f})
	if err != nil {
		t.Fatal(err)
	}
	alive := map[string]bool{}
	for _, x := range mutated[0].Survivors {
		if x.Kind == Widened {
			alive[x.Description] = true
		}
	}
	names := map[string]bool{}
	for _, c := range f.Cases {
		names[c.Name] = true
	}
	for i := range f.Cases {
		base := &f.Cases[i]
		if base.Expect == ExpectNotRun {
			continue
		}
		for _, same := range heldLiterals(f, base) {
			for _, form := range []string{"%s2", "not %s"} {
				if len(alive) == 0 {
					return text, nil
				}
				name := fmt.Sprintf(form+" is not %[1]s", same[0])
				if !names[name] {
					if s := nearMiss(f, base, name, same, form, 0, alive); s != "" {
						text, names[name] = text+s, true
					}
				}
			}
		}
	}
	for i := range f.Cases { // one event of a history at a time
		base := &f.Cases[i]
		for n := range base.Events {
			if len(alive) == 0 || len(base.Hits) == 0 || n >= 12 {
				break
			}
			one := *base
			one.Events = base.Events[n : n+1]
			for _, same := range heldLiterals(f, &one) {
				for _, form := range []string{"%s2", "not %s"} {
					name := fmt.Sprintf(form+" is not %[1]s, in event %[2]d", same[0], n+1)
					if !names[name] {
						if s := nearMiss(f, base, name, same, form, n+1, alive); s != "" {
							text, names[name] = text+s, true
						}
					}
				}
			}
		}
	}
	for d := range alive {
		left = append(left, d)
	}
	slices.Sort(left)
	return text, left
}

// nearMiss returns a case like base with values said in another form, at one
// event or all (0), if it notices mutants that are alive; they no longer are.
func nearMiss(f *Fixture, base *Case, name string, same []string, form string, at int, alive map[string]bool) string {
	c := *base
	c.Name, c.Selections, c.Events = name, nil, slices.Clone(base.Events)
	if c.Hits != nil {
		c.Hits = []ExpectedHit{}
	}
	var replace []string
	for _, was := range same {
		is := fmt.Sprintf(form, was)
		for n := range c.Events {
			if at == 0 || n == at-1 {
				c.Events[n].Event, _ = replaced(c.Events[n].Event, was, is)
			}
		}
		replace = append(replace, quoted(was)+": "+quoted(is))
	}
	found, expect := noticed(f, &c, alive)
	if len(found) == 0 {
		return ""
	}
	for _, d := range found {
		delete(alive, d)
	}
	only := ""
	if at > 0 {
		only = fmt.Sprintf("    at: %d\n", at)
	}
	return fmt.Sprintf("  - name: %s\n    like: %s\n    replace: {%s}\n%s    %s\n", quoted(name), quoted(base.Name), strings.Join(replace, ", "), only, expect)
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// noticed returns which of the mutants a case notices, and what the rule itself
// says of it: the same of each of its events.
func noticed(f *Fixture, c *Case, mutants map[string]bool) (found []string, expect string) {
	one := *f
	if f.isHistory(c) {
		q, err := f.history(c)
		if err != nil || len(ReferenceStream(q.Rules, q.Events, q.Lateness)) > 0 {
			return nil, ""
		}
		expect = "hits: []"
	} else {
		questions, err := f.questions(c)
		if err != nil {
			return nil, ""
		}
		for i, q := range questions {
			says := ExpectNoMatch
			if slices.ContainsFunc(q.rules, func(r *ir.Rule) bool { return Reference(r.Predicate(), q.event) }) {
				says = ExpectMatch
			}
			if i > 0 && says != c.Expect {
				return nil, ""
			}
			c.Expect = says
		}
		expect = "expect: " + string(c.Expect)
	}
	one.Cases = []Case{*c}
	mutated, err := Mutate([]*Fixture{&one})
	if err != nil {
		return nil, ""
	}
	for _, x := range mutated[0].Mutants {
		if mutants[x.Description] && !slices.ContainsFunc(mutated[0].Survivors, func(s Mutant) bool { return s.Description == x.Description }) {
			found = append(found, x.Description)
		}
	}
	return found, expect
}

// heldLiterals returns the values of a case's events that hold one of the texts
// that the fixture's rules ask for, those together that differ by case or a full
// stop, as they do between forms.
func heldLiterals(f *Fixture, c *Case) [][]string {
	var literals []string
	profile, err := profileOf(c.Profile)
	if err != nil {
		return nil
	}
	for _, d := range f.Documents {
		rules, _ := compiler.Lower(d, compiler.Options{Filters: f.Filters(), Catalogue: f.Catalogue, Profile: profile})
		for _, r := range rules {
			if r.When == nil {
				continue
			}
			for _, leaf := range ir.Matches(r.When) {
				for _, v := range leaf.Values {
					if s, ok := v.(ir.String); ok && s != "" {
						literals = append(literals, strings.ToLower(string(s)))
					}
				}
			}
		}
	}
	var held [][]string
	var look func(v any)
	look = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, k := range sortedKeys(v) {
				look(v[k])
			}
		case []any:
			for _, x := range v {
				look(x)
			}
		case nil, bool:
		default:
			s := fmt.Sprint(v)
			var inner any
			if strings.ContainsAny(s, `[{"`) && json.Unmarshal([]byte(s), &inner) == nil {
				look(inner)
				return
			}
			lower := strings.ToLower(s)
			if len(s) >= 200 || !slices.ContainsFunc(literals, func(l string) bool { return strings.Contains(lower, l) }) {
				return
			}
			base := strings.TrimRight(lower, ". ")
			i := slices.IndexFunc(held, func(same []string) bool { return strings.TrimRight(strings.ToLower(same[0]), ". ") == base })
			if i < 0 {
				held = append(held, []string{s})
			} else if !slices.Contains(held[i], s) {
				held[i] = append(held[i], s)
			}
		}
	}
	for _, e := range c.Events {
		look(e.Event)
	}
	return held
}
