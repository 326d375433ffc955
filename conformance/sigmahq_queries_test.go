package conformance_test

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/internal/golden"
	"github.com/rulewright/rulewright/sigma"
)

// queryPipelines are those whose tables a query engine has, in the order in
// which the table of coverage prefers them.
var queryPipelines = []string{"sentinel", "defender", "asim"}

const sigmaHQQueries = "testdata/sigmahq-queries.md"

// queriesOf are the rules of one logsource, as counts.
type queriesOf struct {
	rules, best int
	by          map[string]int // pipeline -> rules that it has a query for
	refused     map[string]int // reason -> rules that no pipeline has a query for
}

// TestSigmaHQQueries lowers the rules of SigmaHQ for the tables of query
// engines and holds how many have a query to the committed table: at least 95 %
// of all, each refusal with a reason at a line.
func TestSigmaHQQueries(t *testing.T) {
	sources := map[string]*queriesOf{}
	rules, best := 0, 0
	eachSigmaHQRule(t, func(path string, doc *sigma.Document) {
		ls := doc.LogSource
		name := strings.Trim(strings.Join([]string{cmp.Or(ls.Product, "-"), cmp.Or(ls.Category, "-"), cmp.Or(ls.Service, "-")}, " / "), " ")
		q := sources[name]
		if q == nil {
			q = &queriesOf{by: map[string]int{}, refused: map[string]int{}}
			sources[name] = q
		}
		rules++
		q.rules++
		reason, queries := "", 0
		for _, pipeline := range queryPipelines {
			p, err := compiler.BuiltinPipeline(pipeline)
			if err != nil {
				t.Fatal(err)
			}
			n, why := queryCount(doc, p)
			if n > 0 {
				q.by[pipeline]++
				queries += n
				continue
			}
			if !why.Pos.IsValid() {
				t.Errorf("%s: %s: refused without a line: %v", path, pipeline, why)
			}
			if reason == "" || reason == noSource {
				reason = refusalKind(why)
			}
		}
		if queries > 0 {
			best++
			q.best++
		} else {
			q.refused[reason]++
		}
	})
	if rules == 0 {
		return
	}
	if best*100 < rules*95 {
		t.Errorf("%d of %d rules have a query", best, rules)
	}
	t.Logf("%d of %d rules have a query (%.1f %%)", best, rules, float64(best)*100/float64(rules))
	golden.Compare(t, sigmaHQQueries, queriesTable(sources, rules, best))
}

// queryCount returns how many queries a rule becomes, one a table, or the first
// reason why it becomes none.
func queryCount(doc *sigma.Document, p *compiler.Pipeline) (int, sigma.Diagnostic) {
	lowered, ds := compiler.Lower(doc, compiler.Options{Pipeline: p})
	n := 0
	var why sigma.Diagnostic
	for _, d := range ds {
		if d.Severity == sigma.SeverityError {
			why = d
			break
		}
	}
	for _, r := range lowered {
		for _, m := range ir.Matches(r.When) {
			if !r.Origins[m].IsValid() {
				panic(fmt.Sprintf("%s: no position for %s", r.File, ir.Print(m)))
			}
		}
		if err := printable(r); err != nil {
			if d, ok := err.(sigma.Diagnostic); ok && why.Message == "" {
				why = d
			}
			continue
		}
		n++
	}
	return n, why
}

// printable reports why a rule is no query.
func printable(r *ir.Rule) error {
	_, err := backends.KQL(r, backends.Target{})
	return err
}

// refusalKind is the reason without what is the rule's own.
func refusalKind(d sigma.Diagnostic) string {
	if d.Code == sigma.CodeUnknownSource {
		return noSource
	}
	return d.Message
}

const noSource = "no pipeline knows the logsource"

func queriesTable(sources map[string]*queriesOf, rules, best int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# sigmahq-queries.md

How many rules of SigmaHQ have a query, by logsource (product / category / service) and pipeline; "any" is the rules
that at least one pipeline has a query for. Written by `+"`go test ./conformance -run TestSigmaHQQueries -update`"+` where the
field data is at hand. All: %d of %d, %.1f %%.

| logsource | rules | any | %s | why the rest has none |
|---|---|---|---|---|---|---|
`, best, rules, float64(best)*100/float64(rules), strings.Join(queryPipelines, " | "))
	names := slices.SortedFunc(maps.Keys(sources), func(a, b string) int {
		return cmp.Or(cmp.Compare(sources[b].rules, sources[a].rules), cmp.Compare(a, b))
	})
	for _, name := range names {
		q := sources[name]
		var why []string
		for _, reason := range slices.Sorted(maps.Keys(q.refused)) {
			why = append(why, fmt.Sprintf("%d: %s", q.refused[reason], reason))
		}
		fmt.Fprintf(&b, "| %s | %d | %d |", name, q.rules, q.best)
		for _, p := range queryPipelines {
			fmt.Fprintf(&b, " %d |", q.by[p])
		}
		fmt.Fprintf(&b, " %s |\n", strings.Join(why, "; "))
	}
	return b.String()
}

// eachSigmaHQRule parses the rules of SigmaHQ; where they are not at hand the
// test is skipped.
func eachSigmaHQRule(t *testing.T, each func(path string, doc *sigma.Document)) {
	t.Helper()
	root := filepath.Join("..", "..", "shared", "data", "sigmahq", "rules")
	if _, err := os.Stat(root); err != nil {
		t.Skipf("no SigmaHQ rules: %v", err)
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yml") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		docs, ds := sigma.Parse(strings.TrimPrefix(path, root+string(filepath.Separator)), data)
		if ds.HasErrors() {
			t.Errorf("%v", ds)
		}
		for _, doc := range docs {
			each(path, doc)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
