package sigma

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// referencePage returns docs/native.md and the YAML in it.
func referencePage(t *testing.T) (page string, examples []string) {
	t.Helper()
	data, err := os.ReadFile("../docs/native.md")
	if err != nil {
		t.Fatal(err)
	}
	page = string(data)
	for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(page, -1) {
		examples = append(examples, m[1])
	}
	return page, examples
}

// TestReferenceExamples: the examples of the reference page are good.
func TestReferenceExamples(t *testing.T) {
	_, examples := referencePage(t)
	if len(examples) != 3 {
		t.Fatalf("%d examples", len(examples))
	}
	for _, text := range examples {
		if strings.HasPrefix(text, "rulewright-parameters:") {
			ps, ds := ParseParameters("native.md", []byte(text))
			if len(ds) > 0 || len(ps) != 2 {
				t.Errorf("%d parameters, %v", len(ps), ds)
			}
			continue
		}
		docs, ds := Parse("native.md", []byte(text))
		if len(ds) > 0 || len(docs) == 0 {
			t.Errorf("%d documents, %v", len(docs), ds)
		}
	}
}

// TestReferenceIsWhole: the reference page names every key, word and modifier.
func TestReferenceIsWhole(t *testing.T) {
	page, _ := referencePage(t)
	words := regexp.MustCompile("`[^`\n]*`").FindAllString(strings.ReplaceAll(page, "```", ""), -1)
	// Backquoted lists of keys may go over a line break.
	text := strings.Join(words, " ") + " " + strings.ReplaceAll(page, "\n", " ")
	has := func(what, word string) {
		if !regexp.MustCompile("(^|[` {,.\n])" + regexp.QuoteMeta(word) + "($|[` },.:;=|\\\\\n])").MatchString(text) {
			t.Errorf("docs/native.md does not name the %s %s", what, word)
		}
	}
	for _, f := range documentSection.fields() {
		has("key", f.name)
	}
	for _, fields := range [][]field{requirementSection.fields(), onceSection.fields(), triageSection.fields(), entityFields(), ownParameterFields(), catalogueSection.fields(), ratioFields()} {
		for _, f := range fields {
			has("key", f.name)
		}
	}
	for _, list := range [][]string{tiers, entityTypes, parameterTypes, valueFormNames(), modifierNames(true)} {
		for _, w := range list {
			has("word", w)
		}
	}
	for _, typ := range correlationTypes() {
		row := ""
		for line := range strings.Lines(page) {
			if cells := strings.Split(line, "|"); len(cells) == 6 && strings.Contains(cells[1], "`"+string(typ.name)+"`") {
				row = line
				cells[2], cells[3] = strings.Trim(cells[2], " `"), strings.Trim(cells[3], " `")
				var needs, may []string
				for _, k := range typ.keys {
					if k.required {
						needs = append(needs, k.name)
					} else {
						may = append(may, k.name)
					}
				}
				for _, l := range []*[]string{&needs, &may} {
					slices.Sort(*l)
				}
				for i, want := range [][]string{needs, may} {
					got := strings.Fields(cells[2+i])
					if slices.Sort(got); !slices.Equal(got, want) {
						t.Errorf("docs/native.md: %s has %v, the parser %v", typ.name, got, want)
					}
				}
			}
		}
		if row == "" {
			t.Errorf("docs/native.md has no row for %s", typ.name)
		}
	}
}

func TestParseParameters(t *testing.T) {
	ps, ds := ParseParameters("p.yaml", []byte(`rulewright-parameters: 1
parameters:
  - {name: a, type: string, list: true, description: d, example: one}
  - {name: b, type: pattern, description: d, default: 'x*', source: s}
  - {name: c, type: number, list: true, description: d, example: 1, default: []}
`))
	if len(ds) > 0 || len(ps) != 3 {
		t.Fatalf("%+v, %v", ps, ds)
	}
	if p := ps[0]; p.Name != "a" || !p.List || p.Catalogue || len(p.Example) != 1 || p.Example[0].(String).Raw != "one" || p.Pos != (Pos{3, 5}) {
		t.Errorf("%+v", p)
	}
	if p := ps[1]; len(p.Default) != 1 || len(p.Default[0].(String).Parts) != 2 || p.Source != "s" {
		t.Errorf("%+v", p)
	}
	if p := ps[2]; len(p.Default) != 0 {
		t.Errorf("%+v", p)
	}
	for text, want := range map[string]string{
		"":               "1:1: the file has no document",
		"# nothing\n":    "1:1: the file has no document",
		"- a\n":          "must be a mapping",
		"parameters: []": "lacks rulewright-parameters",
		"rulewright-parameters: 2\nparameters: []\n":                                                                                         "1:24: this version reads",
		"rulewright-parameters: 1\n":                                                                                                         "lacks parameters",
		"rulewright-parameters: 1\nparameters: [a]\n":                                                                                        "2:14: a parameter must be a mapping",
		"rulewright-parameters: 1\nparameters: [{name: a, type: ip, description: d, example: x}]\n":                                          "no ip",
		"rulewright-parameters: 1\nparameters: []\nmore: 1\n":                                                                                "3:1: a catalogue of parameters has no key 'more'",
		"rulewright-parameters: 1\nparameters: []\n---\nrulewright-parameters: 1\nparameters: []\n":                                          "4:1: a catalogue is one document",
		"rulewright-parameters: 1\nparameters: [{name: a, type: ip}]\n":                                                                      "lacks description",
		"rulewright-parameters: 1\nparameters: [{name: a, type: bool, description: d, example: true}, {name: a, type: bool, default: true}]": "stands twice",
	} {
		if _, ds := ParseParameters("p.yaml", []byte(text)); len(ds) == 0 || !strings.Contains(ds.Error(), want) {
			t.Errorf("%q: want %q, got %v", text, want, ds)
		}
	}
}

// TestCorrelationForms: one text in place of a list, and generate in either place.
func TestCorrelationForms(t *testing.T) {
	docs, ds := Parse("c.yaml", []byte(`title: T
correlation: {type: value_count, rules: a, group-by: U, timespan: 90m, generate: true, condition: {field: [x, y], gt: 2, lte: 9.5}}
---
title: T
correlation:
  type: value_count
  rules: [a]
  group-by: [U]
  timespan: 90m
  condition: {field: [x, y], gt: 2, lte: 9.5}
generate: true
---
title: T
correlation: {type: temporal_ordered, rules: [a, b, c], timespan: 1h, condition: a AND (b or not c)}
`))
	if len(ds) > 0 || len(docs) != 3 {
		t.Fatal(ds)
	}
	if !Equal(docs[0], docs[1]) {
		t.Errorf("not equal: %+v and %+v", docs[0].Correlation, docs[1].Correlation)
	}
	c := docs[1].Correlation
	if !c.Generate || c.Timespan.Seconds != 5400 || len(c.ConditionFields) != 2 || len(c.Thresholds) != 2 || c.Thresholds[1].Value.Float != 9.5 || c.TypePos != (Pos{6, 9}) {
		t.Errorf("%+v", c)
	}
	and, ok := docs[2].Correlation.Expr.Expr.(*ConditionAnd)
	if !ok || len(and.Parts) != 2 || and.Parts[1].(*ConditionOr).Parts[0].Position() != (Pos{14, 89}) {
		t.Errorf("%+v", docs[2].Correlation.Expr)
	}
}
