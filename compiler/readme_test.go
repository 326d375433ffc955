package compiler_test

import (
	"os"
	"strings"
	"testing"
)

// The program in the README and the compiled Example are the same, but for
// where the profile and the event come from.
func TestReadmeProgramIsTheExample(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	body := func(text, open, end string) string {
		_, text, ok := strings.Cut(text, open)
		text, _, ok2 := strings.Cut(text, end)
		if !ok || !ok2 {
			t.Fatalf("no text between %q and %q", open, end)
		}
		return text
	}
	program := body(string(readme), "func main() {\n", "\n}\n")
	if n := strings.Count(program, "\n") + 1; n > 20 {
		t.Errorf("the program has %d lines, more than 20", n)
	}
	var own []string
	for _, line := range strings.Split(program, "\n") {
		if !strings.Contains(line, " := read(") {
			own = append(own, line)
		}
	}
	compiled := body(string(example), "func Example() {\n", "\n\t// Output:")
	compiled = strings.NewReplacer("[]byte(tenantYAML)", "tenantYAML", "[]byte(rawEvent)", "rawEvent").Replace(compiled)
	if got := strings.Join(own, "\n"); got != compiled {
		t.Errorf("README:\n%s\nExample:\n%s", got, compiled)
	}
}
