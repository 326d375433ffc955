package sigma

import (
	"strings"
	"testing"
)

// TestPositions finds the word MARK in the source of a condition, in each
// style that YAML has, and wants the finding about it right there.
func TestPositions(t *testing.T) {
	for name, condition := range map[string]string{
		"plain":                       "condition: a and MARK or a",
		"plain over lines":            "condition: a and\n      a and\n\n      MARK or a",
		"plain with a comment":        "condition: a and MARK # MARKED",
		"single quotes":               "condition: 'a and MARK'",
		"single quotes over lines":    "condition: 'a and\n     a\n     and MARK'",
		"double quotes":               `condition: "a\tand\u0020MARK"`,
		"double quotes over lines":    "condition: \"a and\\\n      \\ a and\n\n      MARK\"",
		"literal":                     "condition: |\n      a and\n        a or\n      MARK\n",
		"literal with indentation":    "condition: |2-\n     a and\n\n     MARK",
		"folded":                      "condition: >-\n      a\n      and (a or\n         MARK )",
		"folded with a comment":       "condition: > # MARKED\n      a or MARK",
		"list":                        "condition:\n    - a\n    - a and MARK",
		"flow list":                   "condition: [a, a and MARK]",
		"anchor":                      "condition: &x a and MARK",
		"tag":                         "condition: !!str a and MARK",
		"anchor and tag over lines":   "condition: &x !!str\n      'a and MARK'",
		"alias":                       "condition: [&x a and MARK]",
		"other letters in front":      "condition: 1 of ü* or ä and MARK",
		"emoji in front":              "condition: 'a and a_ü or MARK'",
		"explicit key":                "? condition\n  : a and MARK",
		"in parentheses without room": "condition: (a)and(MARK)",
	} {
		t.Run(name, func(t *testing.T) {
			text := rule("  a: {b: c}\n  ä: {b: c}\n  ü1: {b: c}\n  a_ü: {b: c}\n  " + condition + "\n")
			for _, text := range []string{text, strings.ReplaceAll(text, "\n", "\r\n"), "\ufeff" + text, "# first\n---\na: b\n--- # second\n" + text} {
				want := Pos{}
				for i, line := range strings.Split(strings.TrimPrefix(strings.ReplaceAll(text, "\r", ""), "\ufeff"), "\n") {
					for _, end := range []string{"MARK", ""} {
						if j := strings.Index(line, end); end != "" && j >= 0 && !strings.HasPrefix(line[j:], "MARKED") && !want.IsValid() {
							want = Pos{i + 1, len([]rune(line[:j])) + 1}
						}
					}
				}
				_, ds := Parse("x.yml", []byte(text))
				found := false
				for _, d := range ds {
					if d.Code == CodeUnknownName {
						found = true
						if d.Pos != want || !strings.HasPrefix(string([]rune(d.Snippet)[d.Pos.Col-1:]), "MARK") {
							t.Errorf("%q: position %v, want %v", text, d.Pos, want)
						}
					}
				}
				if !found {
					t.Errorf("%q: %v", text, ds)
				}
			}
		})
	}
}

// TestItemPositions: every item, modifier and value knows its place.
func TestItemPositions(t *testing.T) {
	text := "rulewright: 1\n" + rule("  s:\n    'a[any].b|contains|all': [x, 'y']\n  condition: not (s)\n")
	docs, ds := Parse("x.yml", []byte(text))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	d := docs[0].Detection
	it := d.Selections[0].Body.(*AllOf).Items[0]
	inner := it.Block.(*AllOf).Items[0]
	for what, c := range map[string]struct{ got, want Pos }{
		"document":   {docs[0].Pos, Pos{1, 1}},
		"key":        {docs[0].KeyPos("detection"), Pos{4, 1}},
		"logsource":  {docs[0].LogSource.Pos, Pos{3, 12}},
		"selection":  {d.Selections[0].Pos, Pos{5, 3}},
		"item":       {it.Pos, Pos{6, 5}},
		"field":      {it.Field.Pos, Pos{6, 6}},
		"inner item": {inner.Field.Pos, Pos{6, 13}},
		"modifier":   {inner.Modifiers[1].Pos, Pos{6, 24}},
		"value":      {inner.Values[1].Position(), Pos{6, 34}},
		"condition":  {d.Conditions[0].Pos, Pos{7, 14}},
		"name":       {d.Conditions[0].Expr.(*ConditionNot).Part.Position(), Pos{7, 19}},
	} {
		if c.got != c.want {
			t.Errorf("%s at %v, want %v", what, c.got, c.want)
		}
	}
}

func TestRenderLongLine(t *testing.T) {
	line := strings.Repeat("ä", 300) + "X" + strings.Repeat("ö", 300)
	for _, col := range []int{1, 60, 61, 301, 560, 601, 602, 700} {
		var b strings.Builder
		d := Diagnostic{File: "f", Pos: Pos{1, col}, Code: CodeSyntax, Message: "m", Snippet: line}
		if err := d.Render(&b); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(b.String(), "\n")
		shown, caret := []rune(lines[1]), len([]rune(lines[2]))-1
		if len(shown) > snippetWidth+10 {
			t.Errorf("col %d: %d characters", col, len(shown))
		}
		if col == 301 && shown[caret] != 'X' {
			t.Errorf("col %d: the caret is under %q", col, shown[caret])
		}
	}
}
