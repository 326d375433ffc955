package compiler

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

func TestCheckCost(t *testing.T) {
	for _, c := range []struct {
		detection string
		want      string // where the warning is, "" for none
	}{
		{"a: {CommandLine|re: '[a-z]+[0-9]{3,}'}\n    condition: a", "5:25 regular expression"},
		{"a: {CommandLine|re: '[a-z]+[0-9]{3,}', Image|endswith: '\\x.exe'}\n    condition: a", ""},
		{"a: {CommandLine|re: '[a-z]+x.exe'}\n    condition: a", ""},
		{"a: {CommandLine|re: '^[a-z]+[0-9]{3,}$'}\n    condition: a", ""},
		{"a: {CommandLine|re: '\\w+'}\n    condition: a", ""},
		{"a: {CommandLine|re: '^a|[0-9]{3}x?[A-Z]'}\n    condition: a", "5:25 regular expression"},
		{"a: {CommandLine|re: '(?m)^[0-9]{3}'}\n    condition: a", "5:25 regular expression"},
		{"a: {Image: x}\n    b: {CommandLine|re: '[0-9]x?y{3}z?'}\n    condition: a or not b", "6:25 regular expression"},
		{"a: {Image: x}\n    b: {CommandLine|re: '[0-9]x?y{3}z?'}\n    condition: a and not b", ""},
		{"a: [mimikatz, sekurlsa]\n    condition: a", ""},
		{"a: [mimikatz, sekurlsa]\n    condition: not a", "5:9 all its texts"},
		{"a: {Image|endswith: ['.exe', '.dll']}\n    condition: not a", ""},
		{"a: {Image|exists: true}\n    condition: a", ""},
		{"a: {CommandLine|re: '[0-9]{3}'} # rulewright: ignore slow-rule few such events\n    condition: a", ""},
		{"a: {CommandLine|re: '('}\n    condition: a", ""}, // an error, said elsewhere
		{"a: {CommandLine|expand: '%unknown%', User|re: '[0-9]{3}'}\n    condition: not a", ""},
		{"l:\n        Targets[any]:\n            props[any]: {name|re: '[0-9]{3}x?'}\n    condition: l", "7:35 regular expression"},
		{"l: {'Targets[3].name|re': '[0-9]{3}x?'}\n    condition: l", "5:31 regular expression"},
	} {
		text := "title: t\nsigma-version: 3\nlogsource: {product: windows, category: process_creation}\ndetection:\n    " + c.detection + "\n"
		docs, _ := sigma.Parse("t.yml", []byte(text))
		ds := CheckCost(docs, Options{})
		got := ""
		for _, d := range ds {
			if d.Severity != sigma.SeverityWarning || d.Code != sigma.CodeSlow || d.File != "t.yml" || d.Hint == "" {
				t.Errorf("%s: %v", c.detection, d)
			}
			if !regexp.MustCompile(`takes about [0-9.]+ of the time to decode`).MatchString(d.Message) {
				t.Errorf("%s: no measurement in %q", c.detection, d.Message)
			}
			what := "regular expression"
			if strings.Contains(d.Message, "all its texts") {
				what = "all its texts"
			}
			got += fmt.Sprintf("%d:%d %s", d.Pos.Line, d.Pos.Col, what)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.detection, got, c.want)
		}
	}
}

// What CheckCost calls narrowed, the index narrows: of an event that holds
// nothing, no such rule is a candidate.
func TestCheckCostAsksTheIndex(t *testing.T) {
	for text, narrowed := range map[string]bool{"a: {A|re: '[0-9]{3}'}": false, "a: {A|re: '[0-9]{3}', B: x}": true} {
		docs, _ := sigma.Parse("t.yml", []byte("title: t\nlogsource: {product: windows}\ndetection:\n    "+text+"\n    condition: a\n"))
		rules, ds := Lower(docs[0], Options{})
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		x, err := newCandidateIndex(newLeafSet(), []ir.Expr{rules[0].When}, fieldSpecs{})
		if err != nil {
			t.Fatal(err)
		}
		if candidate := x.rest.always[0][0] != 0; candidate == narrowed || len(CheckCost(docs, Options{})) != index(!narrowed) {
			t.Errorf("%s: always a candidate: %v", text, candidate)
		}
	}
}

// Rules that are hard to evaluate end soon, and have a figure all the same.
func TestCheckCostOfHardRules(t *testing.T) {
	values := strings.Repeat("            - '[a-z]+([0-9]x?){2,40}[A-Z]'\n", 2000)
	docs, _ := sigma.Parse("t.yml", []byte("title: t\nlogsource: {product: windows}\ndetection:\n    a:\n        A|re:\n"+values+"    condition: a\n"))
	ds := CheckCost(docs, Options{})
	if len(ds) != 1 {
		t.Fatal(ds)
	}
}
