package compiler

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/internal/golden"
	"github.com/rulewright/rulewright/sigma"
)

// Each testdata/lower/*.yml is lowered as a whole: its rules with its filters,
// and with what the comments at its top set:
//
//	# pipeline: pipeline.yaml
//	# set: name=value,value
func TestLowerGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/lower/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := lowerText(t, filepath.Base(file), data)
			golden.Compare(t, strings.TrimSuffix(file, ".yml")+".ir", got)
		})
	}
}

// lowerText lowers a file and prints all that comes of it.
func lowerText(t *testing.T, file string, data []byte) string {
	t.Helper()
	var opts Options
	for line := range strings.Lines(string(data)) {
		comment, ok := strings.CutPrefix(strings.TrimSpace(line), "# ")
		if !ok {
			break
		}
		key, value, _ := strings.Cut(comment, ": ")
		switch key {
		case "pipeline":
			data, err := os.ReadFile("testdata/lower/" + value)
			if err != nil {
				t.Fatal(err)
			}
			p, ds := ParsePipeline(value, data)
			if ds.HasErrors() {
				t.Fatal(ds)
			}
			opts.Pipeline = p
		case "set":
			name, list, _ := strings.Cut(value, "=")
			var values []any
			for v := range strings.SplitSeq(list, ",") {
				values = append(values, v)
			}
			p, err := opts.Profile.WithValue(name, values...)
			if err != nil {
				t.Fatal(err)
			}
			opts.Profile = p
		}
	}
	docs, ds := sigma.Parse(file, data)
	var b strings.Builder
	findings := func(who string, ds sigma.Diagnostics) {
		for _, d := range ds {
			fmt.Fprintf(&b, "%s%s\n", who, d.Error())
			if d.Hint != "" {
				fmt.Fprintf(&b, "  hint: %s\n", d.Hint)
			}
		}
	}
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	for _, d := range docs {
		if d.Kind == sigma.KindFilter {
			opts.Filters = append(opts.Filters, d)
		}
	}
	opts.Documents = docs
	for _, d := range docs {
		rules, ds := Lower(d, opts)
		fmt.Fprintf(&b, "%s\n", d.Meta.Title)
		findings("", ds)
		for _, r := range rules {
			if r.Source.Table != "" {
				fmt.Fprintf(&b, "table %s, time %s\n", r.Source.Table, r.Source.Time.Spec())
			}
			for _, e := range r.Entities {
				fmt.Fprintf(&b, "%s %s\n", e.Type, e.Field.Spec())
			}
			for _, m := range r.Source.Messages {
				fmt.Fprintf(&b, "message %s\n", m.Spec())
			}
			if r.Source.Where != nil {
				fmt.Fprintf(&b, "where %s\n", ir.Print(r.Source.Where))
			}
			for _, p := range r.Source.Parameters {
				fmt.Fprintf(&b, "parameter %s:", p.Name)
				for _, v := range p.Values {
					b.WriteString(" " + ir.ValueText(v))
				}
				b.WriteByte('\n')
			}
			if len(r.Lacks) > 0 {
				fmt.Fprintf(&b, "lacks %s\n", strings.Join(r.Lacks, ", "))
			}
			if r.Once != nil {
				fmt.Fprintf(&b, "once in %s by", ir.LengthText(r.Once.For))
				for _, f := range r.Once.By {
					b.WriteString(" " + f.Spec())
				}
				b.WriteByte('\n')
			}
			if r.Inner {
				b.WriteString("inner\n")
			}
			if r.Correlation != nil {
				b.WriteString(ir.PrintCorrelation(r.Correlation))
				continue
			}
			for _, m := range ir.Matches(r.When) {
				if !r.Origins[m].IsValid() {
					t.Errorf("%s: no position for %s", file, ir.Print(m))
				}
			}
			fmt.Fprintf(&b, "%s\n", ir.Print(r.When))
		}
	}
	return b.String()
}
