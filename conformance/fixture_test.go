package conformance

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"gopkg.in/yaml.v3"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/sigma"
)

// yamlBlocks returns the YAML examples of a page.
func yamlBlocks(t testing.TB, file string) []string {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, part := range strings.Split(string(page), "```yaml\n")[1:] {
		block, _, ok := strings.Cut(part, "```")
		if !ok {
			t.Fatalf("%s: an example does not end", file)
		}
		blocks = append(blocks, block)
	}
	return blocks
}

// TestFixturePage runs the example of docs/fixtures.md and holds its tables to
// the parser.
func TestFixturePage(t *testing.T) {
	const file = "../docs/fixtures.md"
	blocks := yamlBlocks(t, file)
	if len(blocks) != 3 {
		t.Fatalf("%d examples, want 3", len(blocks))
	}
	fsys := fstest.MapFS{"example.yaml": {Data: []byte(blocks[0])}, "history.yaml": {Data: []byte(blocks[1])}, "survivors.yaml": {Data: []byte(blocks[2])}}
	report := Run(t, fsys, RunOptions{Require: []string{"reference", "cel-text", "rule-set", "rule-set-no-index"}})
	if n := report.Count(Skipped); n > 0 {
		t.Errorf("%d skipped", n)
	}
	fixtures, _ := Load(fsys, LoadOptions{})
	survivors, err := ParseSurvivors(fsys)
	if err != nil || len(survivors) != 1 {
		t.Fatal(survivors, err)
	}
	mutations, err := Mutate(fixtures)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, x := range mutations[0].Survivors {
		found = found || x.Description == survivors[0].Mutant
	}
	if !found {
		t.Errorf("%q does not survive", survivors[0].Mutant)
	}
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{Marker, "rule", "file", "document", "description", "profile", "form", "cases", "name", "expect", "selections", "events", "event", "json", "table",
		"hits", "lateness", "time", "id", "group", "new", "value", "contributing", "repeats"} {
		if !strings.Contains(string(page), "| `"+name+"` |") {
			t.Errorf("%s does not speak of %s", file, name)
		}
	}
}

func TestFixtureErrors(t *testing.T) {
	const head = "rulewright-fixtures: 1\nrule: x\n"
	for _, tt := range []struct{ name, text, want string }{
		{"no YAML", "rulewright-fixtures: [", "not YAML"},
		{"empty", "", "the file is empty"},
		{"a list", "- 1", "1:1: a fixture file must be a mapping [wrong-type]"},
		{"version", "rulewright-fixtures: 2\nrule: x\ncases: [{name: a, expect: match, events: [{event: {}}]}]", "1:22: unknown version \"2\""},
		{"no rule", "rulewright-fixtures: 1\ncases: [{name: a, expect: match, events: [{event: {}}]}]", "1:1: a fixture file names its rule by exactly one of rule, file and document; found 0"},
		{"two rules", head + "file: y\ncases: [{name: a, expect: match, events: [{event: {}}]}]", "found 2"},
		{"no cases", head, "a fixture file has no cases [missing-key]"},
		{"empty cases", head + "cases: []", "3:8: cases must be a list with at least one case"},
		{"unknown key", head + "case: []\ncases: [{name: a, expect: match, events: [{event: {}}]}]", "3:1: a fixture file has no key \"case\" [unknown-key]"},
		{"unknown key of a case", head + "cases: [{name: a, expected: match, events: [{event: {}}]}]", "3:19: a case has no key \"expected\""},
		{"a key twice", head + "rule: y\ncases: [{name: a, expect: match, events: [{event: {}}]}]", "3:1: a fixture file has the key rule twice"},
		{"expect", head + "cases: [{name: a, expect: maybe, events: [{event: {}}]}]", "3:27: expect is none of the three: \"maybe\""},
		{"a name twice", head + "cases:\n- {name: a, expect: match, events: [{event: {}}]}\n- {name: a, expect: match, events: [{event: {}}]}", "5:10: two cases have the name \"a\""},
		{"form", head + "form: log-analytic\ncases: [{name: a, expect: match, events: [{event: {}}]}]", "3:7: unknown form \"log-analytic\""},
		{"no event", head + "cases: [{name: a, expect: match, events: [{form: any}]}]", "an event has either event or json"},
		{"JSON", head + "cases: [{name: a, expect: match, events: [{json: '{'}]}]", "3:50: not JSON"},
		{"two JSON values", head + "cases: [{name: a, expect: match, events: [{json: '{} {}'}]}]", "more than one JSON value"},
		{"duplicate key of an event", head + "cases: [{name: a, expect: match, events: [{event: {b: 1, b: 2}}]}]", "3:58: the key b stands twice"},
		{"not a number", head + "cases: [{name: a, expect: match, events: [{event: {b: .nan}}]}]", "3:55: .nan is nothing that JSON can say"},
		{"a loop", head + "cases: &c [{name: a, expect: match, events: [{event: {b: *c}}]}]", "contains itself [limit]"},
		{"deep", head + "cases: " + strings.Repeat("[", 300) + strings.Repeat("]", 300), "nested deeper than the 200 levels"},
		{"bomb", "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]", "more than the 500000 YAML nodes"},
		{"a rule's own findings", "rulewright-fixtures: 1\ndocument: |\n  title: x\n  logsource: {product: p}\n  detection:\n    s:\n      A|contain: x\n    condition: s\ncases: [{name: a, expect: match, events: [{event: {}}]}]", "f.yaml:7:9: "},
		{"a rule that is no text", "rulewright-fixtures: 1\ndocument: {title: x}\ncases: [{name: a, expect: match, events: [{event: {}}]}]", "2:11: document must be a block of text"},
		{"neither expect nor hits", head + "cases: [{name: a, events: [{event: {}}]}]", "3:9: a case has neither expect nor hits"},
		{"expect and hits", head + "cases: [{name: a, expect: match, hits: [], events: [{event: {}}]}]", "3:19: a case has either expect or hits"},
		{"hits that are no list", head + "cases: [{name: a, hits: {}, events: [{event: {}}]}]", "3:25: hits must be a list"},
		{"a hit without a time", head + "cases: [{name: a, hits: [{value: 1}], events: [{event: {}}]}]", "3:26: a hit has no time"},
		{"the time of a hit", head + "cases: [{name: a, hits: [{time: noon}], events: [{event: {}}]}]", "3:33: \"noon\" is no time"},
		{"a key of a hit", head + "cases: [{name: a, hits: [{tim: 2026-03-02}], events: [{event: {}}]}]", "3:27: a hit has no key \"tim\""},
		{"the value of a hit", head + "cases: [{name: a, hits: [{time: 2026-03-02, value: many}], events: [{event: {}}]}]", "3:52: value must be a number"},
		{"the group of a hit", head + "cases: [{name: a, hits: [{time: 2026-03-02, group: [ann]}], events: [{event: {}}]}]", "3:52: group must be a mapping"},
		{"repeats", head + "cases: [{name: a, hits: [{time: 2026-03-02, repeats: -1}], events: [{event: {}}]}]", "3:54: repeats must be a whole number"},
		{"lateness", head + "cases: [{name: a, lateness: soon, hits: [], events: [{event: {}}]}]", "3:29: lateness: "},
		{"lateness without hits", head + "cases: [{name: a, lateness: 5m, expect: match, events: [{event: {}}]}]", "3:19: lateness wants hits"},
		{"selections and hits", head + "cases: [{name: a, selections: [s], hits: [], events: [{event: {}}]}]", "3:19: selections and hits do not go together"},
		{"the time of an event", head + "cases: [{name: a, hits: [], events: [{time: noon, event: {}}]}]", "3:45: \"noon\" is no time"},
		{"an id twice", head + "cases: [{name: a, hits: [], events: [{id: x, event: {}}, {id: x, event: {}}]}]", "3:63: two events have the id \"x\""},
		{"an id without hits", head + "cases: [{name: a, expect: match, events: [{id: x, event: {}}]}]", "3:44: id of an event wants hits in its case"},
		{"a second document", head + "cases: [{name: a, expect: match, events: [{event: {}}]}]\n---\na: 1\n", "one YAML document"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, ds := ParseFixture("f.yaml", []byte(tt.text))
			if f != nil || !ds.HasErrors() {
				t.Fatalf("no error: %v", ds)
			}
			for _, d := range ds {
				if strings.Contains(d.Error(), tt.want) {
					return
				}
			}
			t.Errorf("%v\nwant %q", ds, tt.want)
		})
	}
}

func TestFixtureValues(t *testing.T) {
	f, ds := ParseFixture("f.yaml", []byte(`rulewright-fixtures: 1
rule: x
form: any
cases:
  - name: a
    expect: match
    events:
      - event: &base {a: 1, b: 2026-03-01, c: [1.5, true, ~, "x", 9223372036854775807, 12345678901234567890]}
      - event: {<<: *base, a: 2}
        form: windows
`))
	if f == nil {
		t.Fatal(ds)
	}
	events := f.Cases[0].Events
	if got, want := show(events[0].Event), `{"a":1,"b":"2026-03-01","c":[1.5,true,null,"x",9223372036854775807,12345678901234567890]}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := show(events[1].Event), `{"a":2,"b":"2026-03-01","c":[1.5,true,null,"x",9223372036854775807,12345678901234567890]}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if events[0].Form != FormAny || events[1].Form != event.Windows {
		t.Errorf("forms %q and %q", events[0].Form, events[1].Form)
	}
}

func TestLoadFindsRules(t *testing.T) {
	const rule = "title: x\nid: 0d3a7a5e-0f38-4f5b-9a4e-3f5d5c0c8a11\nlogsource: {product: p}\ndetection:\n  s: {A: 1}\n  condition: s\n"
	const rest = "\nform: any\ncases: [{name: a, expect: match, events: [{event: {A: 1}}]}]"
	named := func(name string) string {
		return strings.Replace(rule, "id: 0d3a7a5e-0f38-4f5b-9a4e-3f5d5c0c8a11", "name: "+name, 1)
	}
	fsys := fstest.MapFS{
		"rules/x.yml":       {Data: []byte(rule)},
		"tests/id.yaml":     {Data: []byte("rulewright-fixtures: 1\nrule: 0d3a7a5e-0f38-4f5b-9a4e-3f5d5c0c8a11" + rest)},
		"tests/caps.yaml":   {Data: []byte("rulewright-fixtures: 1\nrule: 0D3A7A5E-0F38-4F5B-9A4E-3F5D5C0C8A11" + rest)},
		"tests/name.yaml":   {Data: []byte("rulewright-fixtures: 1\nrule: only" + rest)},
		"tests/case.yaml":   {Data: []byte("rulewright-fixtures: 1\nrule: Only" + rest)},
		"tests/both.yaml":   {Data: []byte("rulewright-fixtures: 1\nrule: twice" + rest)},
		"tests/filter.yaml": {Data: []byte("rulewright-fixtures: 1\nrule: quiet" + rest)},
		"rules/names.yml":   {Data: []byte(named("only") + "---\n" + named("twice"))},
		"rules/twice.yml":   {Data: []byte(named("twice") + "---\ntitle: quiet\nname: quiet\nlogsource: {product: p}\nfilter:\n  rules: any\n  s: {B: 1}\n  condition: not s\n")},
		"tests/file.yaml":   {Data: []byte("rulewright-fixtures: 1\nfile: ../rules/x.yml" + rest)},
		"tests/nobody.yaml": {Data: []byte("rulewright-fixtures: 1\nrule: 00000000-0000-4000-8000-000000000000" + rest)},
		"tests/gone.yaml":   {Data: []byte("rulewright-fixtures: 1\nfile: gone.yml" + rest)},
		"other.yaml":        {Data: []byte("a: 1")},
	}
	fixtures, ds := Load(fsys, LoadOptions{})
	var usable, found []string
	for _, f := range fixtures {
		usable = append(usable, f.File)
	}
	slices.Sort(usable)
	if want := []string{"tests/caps.yaml", "tests/file.yaml", "tests/id.yaml", "tests/name.yaml"}; !slices.Equal(usable, want) {
		t.Errorf("fixtures %q, want %q", usable, want)
	}
	for _, d := range ds {
		found = append(found, d.Error())
	}
	slices.Sort(found)
	for i, want := range []string{
		"tests/both.yaml:2:7: twice may mean each of several rules: rules/names.yml:8, rules/twice.yml:1 [bad-value]",
		"tests/case.yaml:2:7: there is no rule with the id or name Only",
		"tests/filter.yaml:2:7: there is no rule with the id or name quiet",
		"tests/gone.yaml:2:7: cannot read the rule",
		"tests/nobody.yaml:2:7: there is no rule with the id or name 00000000-0000-4000-8000-000000000000",
	} {
		if len(found) != 5 || !strings.HasPrefix(found[i], want) {
			t.Errorf("found %q, want %s", found, want)
		}
	}
}

func FuzzParseFixture(f *testing.F) {
	for _, b := range yamlBlocks(f, "../docs/fixtures.md") {
		f.Add([]byte(b))
	}
	own, _ := readLibrary(Fixtures)
	for _, file := range own.fixtures {
		if strings.Contains(file, "semantics/") {
			data, _ := Fixtures.ReadFile(file)
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		fixture, ds := ParseFixture("f.yaml", data)
		if fixture == nil && !ds.HasErrors() {
			t.Error("neither a fixture nor an error")
		}
		var any yaml.Node
		if _, err := sigma.DecodeYAML(data, &any); err != nil && fixture != nil {
			t.Error("read what is not YAML")
		}
	})
}
