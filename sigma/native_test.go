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
	for _, list := range [][]string{tiers, entityTypes, parameterTypes, modifierNames(true)} {
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
