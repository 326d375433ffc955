package conformance

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/rules"
)

// What several rules say in the same words has no name of its own, so each of
// them says it: a change of one is a change of all.
func TestRulesThatSayTheSame(t *testing.T) {
	indent := regexp.MustCompile(`(?m)^ +`)
	for _, said := range []struct {
		what  string
		text  *regexp.Regexp
		times int
	}{
		{"a name written with codes, look-alikes or hidden characters", regexp.MustCompile(`'\(\?i\)%.*\\x\{200c\}.*'`), 4},
		{"a name of punctuation", regexp.MustCompile(`'\^\[ -/.*'`), 4},
		{"the operations that give a role", regexp.MustCompile(`(?s) +# Only what gives something.*?\n    Result`), 6},
		{"what Privileged Identity Management writes itself", regexp.MustCompile(`(?s) +# After an activation the service.*?null\n`), 4},
		{"fewer keys than before", regexp.MustCompile(`(?s) +# Fewer keys than before.*? from_ten:\n[^\n]*\n[^\n]*\n`), 3},
	} {
		first, times := "", 0
		err := fs.WalkDir(rules.FS, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".yaml") {
				return err
			}
			data, err := fs.ReadFile(rules.FS, name)
			for _, text := range said.text.FindAllString(string(data), -1) {
				text = indent.ReplaceAllString(text, "")
				if times++; first == "" {
					first = text
				}
				if text != first {
					t.Errorf("%s: %s: %s\nanother rule says %s", name, said.what, text, first)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if times != said.times {
			t.Errorf("%s: said %d times, want %d: a rule was added, or says it in other words", said.what, times, said.times)
		}
	}
}
