package conformance

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/internal/golden"
	"github.com/rulewright/rulewright/rules"
	"github.com/rulewright/rulewright/sigma"
	"gopkg.in/yaml.v3"
)

// blind is what the fixtures of a rule find in another form than Log
// Analytics: how many verdicts are the same, how many matches are missed and
// how many things are found that are none, and the fields that are not there.
type blind struct {
	same, missed, extra int
	fields              map[string]bool
	tables              map[string]bool // of records that are found
}

func newBlind() *blind { return &blind{fields: map[string]bool{}, tables: map[string]bool{}} }

// TestPackForms says each fixture event of the pack that is a row of Log
// Analytics in every other form that has the record, by restate, and asks for
// the same verdict. What a form cannot show is in rules/forms.yaml, with the
// fields that are missing there.
func TestPackForms(t *testing.T) {
	found := map[string]map[event.Form]*blind{}
	files := map[string]string{}
	told := map[event.Form]int{}
	for _, guide := range packGuides(t) {
		fsys, err := fs.Sub(fixtureFiles, "fixtures/"+guide)
		if err != nil {
			t.Fatal(err)
		}
		fixtures, ds := Load(fsys, LoadOptions{})
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		for _, f := range fixtures {
			id := f.Rule().Meta.ID
			files[id] = f.Rule().File
			for i := range f.Cases {
				c := &f.Cases[i]
				if c.Expect == ExpectNotRun {
					continue
				}
				for _, form := range []event.Form{event.LogAnalytics, event.AzureDiagnostic, event.GraphAPI, event.O365Management, event.MDEHunting, event.MDEHuntingStream} {
					for _, other := range []bool{false, true} {
						if form == event.LogAnalytics && !other {
							continue
						}
						b := f.inForm(c, form, other)
						if b == nil {
							continue
						}
						if found[id] == nil {
							found[id] = map[event.Form]*blind{}
						}
						all := found[id][form]
						if all == nil {
							all = newBlind()
							found[id][form] = all
						}
						all.same, all.missed, all.extra = all.same+b.same, all.missed+b.missed, all.extra+b.extra
						maps.Copy(all.fields, b.fields)
						maps.Copy(all.tables, b.tables)
						told[form] += b.same
					}
				}
			}
		}
	}
	t.Logf("the same verdict: %v", told)
	compareForms(t, found, files)
}

// compareForms holds what was found to the committed table of what the forms
// do not show.
func compareForms(t *testing.T, found map[string]map[event.Form]*blind, files map[string]string) {
	type entry struct {
		Rule  string
		Seen  map[event.Form][]string
		Forms map[event.Form][]string
	}
	var want struct {
		Version int `yaml:"rulewright-forms"`
		Rules   []entry
	}
	data, err := fs.ReadFile(rules.FS, rules.Forms)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	wanted, seen := map[string]map[event.Form][]string{}, map[string]map[event.Form][]string{}
	for _, e := range want.Rules {
		wanted[e.Rule], seen[e.Rule] = e.Forms, e.Seen
	}
	var out strings.Builder
	for _, id := range slices.SortedFunc(maps.Keys(files), func(a, b string) int { return strings.Compare(files[a], files[b]) }) {
		head := fmt.Sprintf("  - rule: %s # %s\n", id, strings.TrimSuffix(files[id], ".yaml"))
		shown := map[event.Form][]string{}
		for form, b := range found[id] {
			if len(b.tables) > 0 {
				shown[form] = slices.Sorted(maps.Keys(b.tables))
			}
		}
		if len(shown) > 0 {
			out.WriteString(head + "    seen:\n")
			head = ""
			for _, form := range slices.Sorted(maps.Keys(shown)) {
				fmt.Fprintf(&out, "      %s: [%s]\n", form, strings.Join(shown[form], ", "))
			}
		}
		if !golden.Updating() && !maps.EqualFunc(shown, seen[id], slices.Equal[[]string]) {
			t.Errorf("%s is seen in %v, the table says %v", files[id], shown, seen[id])
		}
		head += "    forms:\n"
		for _, form := range slices.Sorted(maps.Keys(found[id])) {
			b := found[id][form]
			listed, isListed := wanted[id][form]
			fields := slices.Sorted(maps.Keys(b.fields))
			if len(fields) == 0 {
				fields = listed // no field is missing: the table says what else
			}
			if b.missed+b.extra > 0 {
				out.WriteString(head)
				head = ""
				fmt.Fprintf(&out, "      %s: [%s]\n", form, strings.Join(fields, ", "))
			}
			switch {
			case golden.Updating():
			case b.missed+b.extra > 0 && !isListed:
				t.Errorf("%s in %s: %d matches are missed and %d things found that are none, %d verdicts are the same; fields that are not there: %q", files[id], form, b.missed, b.extra, b.same, fields)
			case b.missed+b.extra > 0 && (len(listed) == 0 || !slices.Equal(fields, listed)):
				t.Errorf("%s in %s: what is not there: %q, the table says %q", files[id], form, fields, listed)
			case b.missed+b.extra == 0 && isListed:
				t.Errorf("%s in %s: nothing is missed; take it out of the table", files[id], form)
			}
		}
	}
	if t.Failed() {
		t.Logf("where that is right, %s writes rules/%s", golden.Command(t), rules.Forms)
	}
	if golden.Updating() {
		i := strings.Index(string(data), "rules:")
		if err := os.WriteFile("../rules/"+rules.Forms, []byte(string(data[:i])+"rules:\n"+out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// readsOneTable says whether a rule is about one of the two tables of users'
// sign-ins, by its source or since it asks for what sets them apart.
func readsOneTable(d *sigma.Document) bool {
	l := d.LogSource
	return asksForPerson(d) || l.Category == "interactive_signin" || slices.Contains([]string{"signinlogs", "noninteractive_signinlogs", "AADNonInteractiveUserSignInLogs", "OfficeActivity"}, l.Service)
}

// asksForPerson says whether a rule asks whether somebody was there.
func asksForPerson(d *sigma.Document) bool {
	if d.Detection == nil {
		return false
	}
	var asks func(b sigma.Block) bool
	asks = func(b sigma.Block) bool {
		switch b := b.(type) {
		case *sigma.AllOf:
			return slices.ContainsFunc(b.Items, func(it *sigma.Item) bool { return asks(it) })
		case *sigma.AnyOf:
			return slices.ContainsFunc(b.Blocks, asks)
		case *sigma.Item:
			return b.Field.Name == "IsInteractive"
		}
		return false
	}
	return slices.ContainsFunc(d.Detection.Selections, func(s *sigma.Selection) bool { return asks(s.Body) })
}

// inForm puts a case to its rules in another form, nil where the form does not
// have the records or the rules none for it. With other, records of a workspace
// are of the other table that has them: users' sign-ins have two, those of
// OfficeActivity are in CloudAppEvents, those of key vaults in AzureDiagnostics.
func (f *Fixture) inForm(c *Case, form event.Form, other bool) *blind {
	if other && slices.ContainsFunc(f.Documents, readsOneTable) {
		return nil
	}
	said := *c
	said.Selections, said.Events = nil, nil
	moved := false
	var rows Case = *c
	rows.Events = nil
	for _, e := range c.Events {
		source, _, err := e.source()
		row, isMap := event.Unwrap(e.Event).(map[string]any)
		if err != nil || source.Form != event.LogAnalytics || !isMap {
			if f.isHistory(c) {
				return nil
			}
			continue
		}
		table := source.Table
		switch {
		case other && table == "OfficeActivity" && form == event.LogAnalytics:
			if row, table = huntingRow(row, table); row != nil {
				row["TimeGenerated"], row["Type"] = row["Timestamp"], table
				delete(row, "Timestamp")
				moved = true
			}
		case other && table == "AZKVAuditLogs" && form == event.LogAnalytics:
			row, table = diagnosticsRow(row), "AzureDiagnostics"
			moved = true
		case other && (table == "SigninLogs" || table == "AADNonInteractiveUserSignInLogs"):
			row, table = otherSignIn(row, table)
			moved = true
		case other && !f.isHistory(c):
			continue
		}
		ev, ok := row, true
		if form != event.LogAnalytics {
			ev, table, ok = restate(row, table, form)
		}
		if !ok {
			if f.isHistory(c) {
				return nil
			}
			continue
		}
		x := e
		x.Event, x.Form, x.Table = ev, form, table
		if x.Time.IsZero() {
			x.Time, _ = event.Time(e.Event, source)
		}
		if x.ID == "" {
			x.ID = event.ID(e.Event, source)
		}
		said.Events = append(said.Events, x)
		rows.Events = append(rows.Events, e)
	}
	if len(said.Events) == 0 || other && !moved {
		return nil
	}
	b := newBlind()
	if f.isHistory(c) {
		b.history(f, &rows, &said)
	} else {
		b.events(f, &rows, &said)
	}
	if b.same+b.missed+b.extra == 0 {
		return nil
	}
	return b
}

func (b *blind) events(f *Fixture, rows, said *Case) {
	questions, err := f.questions(said)
	if err != nil {
		return // the rule is not for the form
	}
	originals, err := f.questions(rows)
	if err != nil {
		return
	}
	for i, q := range questions {
		if len(q.rules) == 0 {
			continue
		}
		got := slices.ContainsFunc(q.rules, func(r *ir.Rule) bool { return Reference(r.Predicate(), q.event) })
		switch want := said.Expect == ExpectMatch; {
		case got == want:
			b.same++
			if got {
				b.tables[said.Events[i].Table] = true
			}
			continue
		case want:
			b.missed++
		default:
			b.extra++
		}
		b.missing(originals[i].rules, []any{originals[i].event}, q.rules, []any{q.event})
	}
}

func (b *blind) history(f *Fixture, rows, said *Case) {
	q, err := f.history(said)
	if err != nil {
		return
	}
	original, err := f.history(rows)
	if err != nil {
		return
	}
	count := func(q StreamQuestion) map[string]int {
		n := map[string]int{}
		for _, h := range ReferenceStream(q.Rules, q.Events, q.Lateness) {
			n[fmt.Sprint(h.Rule, h.Time)]++
		}
		return n
	}
	want, got := count(original), count(q)
	switch {
	case maps.Equal(want, got):
		b.same++
		if len(got) > 0 {
			for _, e := range said.Events {
				b.tables[e.Table] = true
			}
		}
		return
	case len(got) < len(want):
		b.missed++
	default:
		b.extra++
	}
	events := func(q StreamQuestion) (all []any) {
		for _, e := range q.Events {
			all = append(all, e.Event)
		}
		return all
	}
	b.missing(original.Rules, events(original), q.Rules, events(q))
}

// missing notes the fields that the rules ask for, that the rows have and that
// the same events in the other form have not.
func (b *blind) missing(rowRules []*ir.Rule, rows []any, formRules []*ir.Rule, said []any) {
	there := func(rules []*ir.Rule, events []any) map[string]bool {
		m := map[string]bool{}
		note := func(prefix string, field ir.Field, in []any) {
			name := prefix + field.Name
			m[name] = m[name] || slices.ContainsFunc(in, func(ev any) bool {
				return slices.ContainsFunc(scalars(field, ev), func(x any) bool { return x != nil && x != "" })
			})
		}
		var visit func(e ir.Expr, prefix string, in []any)
		visit = func(e ir.Expr, prefix string, in []any) {
			ir.Walk(e, func(e ir.Expr) bool {
				switch e := e.(type) {
				case *ir.Match:
					note(prefix, e.Field, in)
					for _, v := range e.Values {
						if ref, ok := v.(ir.FieldRef); ok {
							note(prefix, ref.Field, in)
						}
					}
				case *ir.Any:
					var inner []any
					for _, ev := range in {
						inner = append(inner, elements(e.Over, ev)...)
					}
					visit(e.X, prefix+e.Over.Name+".", inner)
					return false
				}
				return true
			})
		}
		for _, rule := range rules {
			if rule.Correlation == nil {
				visit(rule.When, "", events)
				continue
			}
			for _, in := range rule.Correlation.Inputs {
				for _, tap := range in.Taps {
					if tap.Rule.Correlation == nil {
						for _, field := range append(slices.Clone(tap.GroupBy), tap.Counted...) {
							note("", field, events)
						}
					}
				}
			}
		}
		return m
	}
	had, has := there(rowRules, rows), there(formRules, said)
	for name, ok := range had {
		if ok && !has[name] {
			b.fields[name] = true
		}
	}
}
