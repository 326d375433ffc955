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
	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/sigma"
)

// TestParsers puts queries of the dialects that no engine runs here to parsers
// that others wrote: random trees and correlations, on events and on columns.
// The grammars take long for long queries, which are left out.
func TestParsers(t *testing.T) {
	if _, err := os.Stat(filepath.Join("parsers", "node_modules")); err != nil {
		if slices.Contains(strings.Split(os.Getenv("RULEWRIGHT_REQUIRE"), ","), "parsers") {
			t.Fatal("npm ci did not run in parsers")
		}
		t.Skip("the parsers are not installed: run npm ci in parsers")
	}
	queries := map[string][]string{}
	refused := map[string]map[string]int{}
	seen := map[string]bool{}
	const longest, longestCorrelation = 3000, 5000
	put := func(d *backends.Dialect, rule *ir.Rule, target backends.Target, longest int) {
		query, err := backends.SQL(rule, d, target)
		switch {
		case err != nil:
			refused[d.Name()][refusal(err)]++
		case len(query.Text) <= longest && !seen[d.Name()+query.Text]:
			seen[d.Name()+query.Text] = true
			queries[d.Name()] = append(queries[d.Name()], query.Text)
		}
	}
	all := ofRandom(min(*pairs, 150), stores("sqlite"))
	correlations := ofRandomCorrelations(t)
	printed := map[string]map[sigma.CorrelationType]int{}
	for _, d := range backends.Dialects() {
		if d.Executed() {
			continue
		}
		refused[d.Name()] = map[string]int{}
		for _, q := range all {
			rule := *q.Rule
			rule.Source.Table = queryTable
			for _, target := range []backends.Target{{Event: eventColumn}, {}} {
				put(d, &rule, target, longest)
			}
		}
		printed[d.Name()] = map[sigma.CorrelationType]int{}
		for _, rule := range correlations {
			typ := sigma.CorrelationType("a rule with once")
			if rule.Correlation != nil {
				typ = rule.Correlation.Type
			}
			for _, target := range []backends.Target{{Event: eventColumn, Time: historyTime}, {Time: historyTime}} {
				before := len(queries[d.Name()])
				put(d, rule, target, longestCorrelation)
				printed[d.Name()][typ] += len(queries[d.Name()]) - before
			}
		}
		for _, typ := range conformance.StreamTypes() {
			if printed[d.Name()][typ] == 0 {
				t.Errorf("%s: no correlation of type %s is asked about", d.Name(), typ)
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
		n := 0
		for why, times := range refused[d.Name()] {
			n += times
			t.Logf("%s: %d refused: %s", d.Name(), times, why)
		}
		t.Logf("%s: %d queries printed, of them %v, %d refused, %d parsed", d.Name(), len(queries[d.Name()]), printed[d.Name()], n, len(answers[d.Name()])-bad)
	}
}

// ofRandomCorrelations are correlations of all types, and rules with once.
func ofRandomCorrelations(t *testing.T) []*ir.Rule {
	var out []*ir.Rule
	r := newRandomHistories("sqlite")
	for _, typ := range conformance.StreamTypes() {
		docs, ds := sigma.Parse("random.yaml", []byte(r.Rules(typ, 2)))
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		rules, ds := compiler.LowerAll(docs, compiler.Options{})
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		for _, rule := range conformance.AsStored(rules) {
			if rule.Correlation != nil || rule.Once != nil {
				setTables(rule)
				out = append(out, rule)
			}
			if rule.Correlation != nil && rule.Once != nil {
				plain := *rule
				plain.Once = nil
				out = append(out, &plain)
			}
		}
	}
	return out
}

// setTables names the table of the rules that a rule is made of.
func setTables(rule *ir.Rule) {
	rule.Source.Table = queryTable
	if rule.Correlation != nil {
		for _, in := range rule.Correlation.Inputs {
			for _, tap := range in.Taps {
				setTables(tap.Rule)
			}
		}
	}
}
