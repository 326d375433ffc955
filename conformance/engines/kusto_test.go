package engines

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

var everyQuery = flag.Bool("every-query", false, "check every query of SigmaHQ's rules by Kusto's binder, not a part of those that are not about clouds")

// queriesInPart is which part that is: one of so many.
const queriesInPart = 16

// world is what a query may name.
type world struct {
	Tables    map[string]string        `json:"tables"`
	Functions map[string]kustoFunction `json:"functions"`

	columns  map[string]map[string]string // by table
	function map[string]bool
}

type kustoFunction struct {
	Parameters string `json:"parameters"`
	Body       string `json:"body"`
}

var kustoTypes = map[ir.Type]string{ir.TypeInt: "int", ir.TypeLong: "long", ir.TypeReal: "real", ir.TypeBool: "bool", ir.TypeDatetime: "datetime",
	ir.TypeTimespan: "timespan", ir.TypeGUID: "guid", ir.TypeJSON: "dynamic", ir.TypeUnknown: "dynamic"}

func kustoType(t ir.Type) string {
	if n := kustoTypes[t]; n != "" {
		return n
	}
	return "string"
}

// add makes the table of a rule known: the columns that the pipeline's schemas
// have, and those of open tables that the rule reads.
func (w *world) add(r *ir.Rule, p *compiler.Pipeline) {
	table := r.Source.Table
	if w.columns[table] == nil {
		w.columns[table] = map[string]string{}
		for _, c := range p.Columns(table) {
			w.columns[table][c.Name] = kustoType(c.Type)
		}
		w.function[table] = r.Source.Function
	}
	put := func(name, typ string) {
		if _, there := w.columns[table][name]; !there && name != "" {
			w.columns[table][name] = typ
		}
	}
	field := func(f ir.Field) {
		if f.Join == nil {
			put(f.Column, kustoType(f.ColumnType))
			return
		}
		for _, part := range f.Join.Parts {
			put(part.Column, kustoType(cmp.Or(part.Type, ir.TypeString)))
		}
	}
	field(r.Source.Time)
	for _, f := range r.Source.Messages {
		field(f)
	}
	for _, e := range r.Entities {
		field(e.Field)
	}
	if r.When == nil {
		return
	}
	ir.Walk(r.Predicate(), func(e ir.Expr) bool {
		switch e := e.(type) {
		case *ir.Any:
			field(e.Over)
			return false
		case *ir.Match:
			field(e.Field)
			for _, v := range e.Values {
				if ref, ok := v.(ir.FieldRef); ok {
					field(ref.Field)
				}
			}
		}
		return true
	})
}

func newWorld() *world {
	return &world{Tables: map[string]string{}, Functions: map[string]kustoFunction{
		"_GetWatchlist": {"(watchlistAlias:string)", "{ datatable(_DTItemId:string, LastUpdatedTimeUTC:datetime, SearchKey:string, WatchlistItem:dynamic)[] }"},
	}, columns: map[string]map[string]string{}, function: map[string]bool{}}
}

// declare writes the tables that were added as Kusto declares them.
func (w *world) declare() {
	for table, columns := range w.columns {
		var parts []string
		for c, typ := range columns {
			parts = append(parts, "['"+strings.ReplaceAll(c, "'", `\'`)+"']:"+typ)
		}
		slices.Sort(parts)
		schema := "(" + strings.Join(parts, ", ") + ")"
		if w.function[table] {
			w.Functions[table] = kustoFunction{"()", "{ datatable" + schema + "[] }"}
		} else {
			w.Tables[table] = schema
		}
	}
}

// rulesOf returns a rule and those that it taps.
func rulesOf(r *ir.Rule) []*ir.Rule {
	if r.Correlation == nil {
		return []*ir.Rule{r}
	}
	var out []*ir.Rule
	for _, in := range r.Correlation.Inputs {
		for _, t := range in.Taps {
			out = append(out, rulesOf(t.Rule)...)
		}
	}
	return out
}

// documentsIn reads the rules below a folder; none where it is not.
func documentsIn(t *testing.T, root string) []*sigma.Document {
	t.Helper()
	var out []*sigma.Document
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		ext := filepath.Ext(path)
		if err != nil || d.IsDir() || ext != ".yml" && ext != ".yaml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(data), "detection:") && !strings.Contains(string(data), "correlation:") {
			return err
		}
		docs, _ := sigma.Parse(path, data)
		for _, doc := range docs {
			if doc.Kind != sigma.KindFilter {
				out = append(out, doc)
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return out
}

// examples is a profile that gives each parameter its example.
func examples(t *testing.T, catalogue []sigma.Parameter, watchlists bool) *compiler.Profile {
	t.Helper()
	var b strings.Builder
	b.WriteString("rulewright-profile: 1\nparameters:\n")
	for _, p := range catalogue {
		if watchlists && p.List && slices.Contains([]string{"string", "ip", "cidr"}, p.Type) {
			fmt.Fprintf(&b, "  %s: {watchlist: %s}\n", p.Name, p.Name)
			continue
		}
		var texts []string
		for _, v := range p.Example {
			switch v := v.(type) {
			case sigma.String:
				texts = append(texts, strconv.Quote(v.Raw))
			case sigma.Number:
				texts = append(texts, ir.Number(v.Number).String())
			}
		}
		fmt.Fprintf(&b, "  %s: [%s]\n", p.Name, strings.Join(texts, ", "))
	}
	profile, ds := compiler.ParseProfile("examples", []byte(b.String()))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	return profile
}

func packCatalogue(t *testing.T) []sigma.Parameter {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "rules", "parameters.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	catalogue, ds := sigma.ParseParameters("parameters.yaml", data)
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	return catalogue
}

// nodeWithKusto finds what runs Microsoft's parser, or skips the test.
func nodeWithKusto(t *testing.T) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if _, missing := os.Stat(filepath.Join("kusto", "node_modules", "@kusto", "language-service-next")); err == nil && missing != nil {
		err = errors.New("run `npm install --no-package-lock` in conformance/engines/kusto")
	}
	if err != nil {
		if slices.Contains(strings.Split(os.Getenv("RULEWRIGHT_REQUIRE"), ","), "kusto") {
			t.Fatal(err)
		}
		t.Skipf("missing referee kusto: %v", err)
	}
	return node
}

// TestKusto asks Microsoft's parser and binder about every query that the rules
// at hand print: those of the pack, and SigmaHQ's where they are there, in the
// tables of each query pipeline; of the many that are not about clouds a part.
func TestKusto(t *testing.T) {
	node := nodeWithKusto(t)
	catalogue := packCatalogue(t)
	pack := documentsIn(t, filepath.Join("..", "..", "rules"))
	cloud := documentsIn(t, filepath.Join("..", "..", "..", "shared", "data", "sigmahq", "rules"))
	if len(cloud) == 0 {
		t.Log("no SigmaHQ rules")
	}
	for _, name := range compiler.BuiltinPipelines() {
		p, err := compiler.BuiltinPipeline(name)
		if err != nil {
			t.Fatal(err)
		}
		if p.Form() != "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			var lines []map[string]string
			longer := 0
			ask := func(docs []*sigma.Document, opts compiler.Options, how string) {
				opts.Pipeline, opts.Documents = p, docs
				for _, doc := range docs {
					rules, ds := compiler.Lower(doc, opts)
					if ds.HasErrors() {
						continue // the pipeline does not have its logsource or fields
					}
					for _, r := range rules {
						if r.Inner || len(r.Lacks) > 0 {
							continue
						}
						q, err := backends.KQL(r, backends.Target{Entities: r.Correlation == nil})
						if err != nil {
							continue // counted where rules are printed
						}
						for _, inner := range rulesOf(r) {
							w.add(inner, p)
						}
						if len([]rune(q.Text)) > backends.KQLQueryLimit {
							longer++
						}
						lines = append(lines, map[string]string{"id": r.File + " " + r.Source.Table + how, "query": q.Text})
					}
				}
			}
			ask(pack, compiler.Options{Catalogue: catalogue, Profile: examples(t, catalogue, false)}, "")
			ask(pack, compiler.Options{Catalogue: catalogue, Profile: examples(t, catalogue, true), Watchlists: true}, " with watchlists")
			ask(cloud, compiler.Options{}, "")
			if !*everyQuery {
				var part []map[string]string
				for i, l := range lines {
					if i%queriesInPart == 0 || !strings.Contains(l["id"], "sigmahq") || strings.Contains(l["id"], "/cloud/azure/") || strings.Contains(l["id"], "/cloud/m365/") {
						part = append(part, l)
					}
				}
				lines = part
			}
			w.declare()
			if len(lines) == 0 {
				t.Skip("no rule prints")
			}
			bad := check(t, node, w, lines)
			t.Logf("%d queries, %d refused by Kusto's binder, %d longer than a rule may be", len(lines), bad, longer)
		})
	}
}

// check puts queries to the script and reports what it finds.
func check(t *testing.T, node string, w *world, lines []map[string]string) (bad int) {
	t.Helper()
	const mostReported = 20
	cmd := exec.Command(node, filepath.Join("kusto", "check.js"))
	var errs strings.Builder
	cmd.Stderr = &errs
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer in.Close()
		e := json.NewEncoder(in)
		e.SetEscapeHTML(false)
		_ = e.Encode(w)
		for _, l := range lines {
			_ = e.Encode(l)
		}
	}()
	answers := 0
	s := bufio.NewScanner(out)
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		var a struct {
			ID     string   `json:"id"`
			Errors []string `json:"errors"`
		}
		if err := json.Unmarshal(s.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		if len(a.Errors) > 0 {
			if bad++; bad <= mostReported {
				t.Errorf("%s: %s\n%s", a.ID, strings.Join(a.Errors, "; "), lines[answers]["query"])
			}
		}
		answers++
	}
	if err := cmd.Wait(); err != nil || answers != len(lines) {
		t.Fatalf("%v; %d answers to %d queries\n%s", err, answers, len(lines), errs.String())
	}
	return bad
}
