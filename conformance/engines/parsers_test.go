package engines

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/backends"
)

// TestParsers puts queries of the dialects that no engine runs here to parsers
// that others wrote: random trees, on events and on columns. The grammars take
// long for long queries, which are left out.
func TestParsers(t *testing.T) {
	if _, err := os.Stat(filepath.Join("parsers", "node_modules")); err != nil {
		if slices.Contains(strings.Split(os.Getenv("RULEWRIGHT_REQUIRE"), ","), "parsers") {
			t.Fatal("npm ci did not run in parsers")
		}
		t.Skip("the parsers are not installed: run npm ci in parsers")
	}
	queries := map[string][]string{}
	refused := map[string]int{}
	seen := map[string]bool{}
	const longest = 3000
	all := ofRandom(min(*pairs, 150), stores("sqlite"))
	for _, d := range backends.Dialects() {
		if d.Executed() {
			continue
		}
		for _, q := range all {
			rule := *q.Rule
			rule.Source.Table = queryTable
			for _, target := range []backends.Target{{Event: eventColumn}, {}} {
				query, err := backends.SQL(&rule, d, target)
				switch {
				case err != nil:
					refused[d.Name()]++
				case len(query.Text) <= longest && !seen[d.Name()+query.Text]:
					seen[d.Name()+query.Text] = true
					queries[d.Name()] = append(queries[d.Name()], query.Text)
				}
			}
		}
	}
	in, err := json.Marshal(queries)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("npm", "run", "--silent", "parse")
	cmd.Dir, cmd.Stdin = "parsers", bytes.NewReader(in)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, problems.Bytes())
	}
	var answers map[string][]string
	if err := json.Unmarshal(out.Bytes(), &answers); err != nil {
		t.Fatalf("%v: %.300s", err, out.Bytes())
	}
	for _, d := range backends.Dialects() {
		if d.Executed() {
			continue
		}
		bad := 0
		for i, problem := range answers[d.Name()] {
			if problem == "" {
				continue
			}
			if bad++; bad < 4 {
				t.Errorf("%s: %.300s\n%s", d.Name(), problem, clip(queries[d.Name()][i]))
			}
		}
		if bad > 0 {
			t.Errorf("%s: %d queries do not parse", d.Name(), bad)
		}
		t.Logf("%s: %d queries printed, %d refused, %d parsed", d.Name(), len(queries[d.Name()]), refused[d.Name()], len(answers[d.Name()])-bad)
	}
}
