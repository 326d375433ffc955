package engines

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	sigmago "github.com/bradleyjkemp/sigma-go"
	"github.com/bradleyjkemp/sigma-go/evaluator"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/sigma"
)

var speed = flag.Int("speed", 0, "compare the speed with sigma-go's in so many alternating rounds (docs/performance.md)")

// TestSigmaGoSpeed measures sigma-go and a RuleSet on the same decoded events
// and rules, block after block on one core: with the rules of each event's
// logsource, and with all.
func TestSigmaGoSpeed(t *testing.T) {
	if *speed == 0 {
		t.Skip("no -speed given")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	type theirRule struct {
		source sigmago.Logsource
		rule   *evaluator.RuleEvaluator
	}
	var theirs []theirRule
	var docs []*sigma.Document
	folder := filepath.Join("..", "..", "..", "shared", "data", "sigmahq", "rules")
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yml") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		ds, diags := sigma.Parse(path, text)
		if diags.HasErrors() {
			return diags
		}
		docs = append(docs, ds...)
		if r, err := sigmago.ParseRule(text); err == nil {
			theirs = append(theirs, theirRule{r.Logsource, evaluator.ForRule(r)})
		}
		return nil
	})
	if err != nil {
		t.Skip("no rules of SigmaHQ at hand: ", err)
	}
	routed, ds := compiler.NewRuleSet(docs, compiler.RuleSetOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	unrouted, ds := compiler.NewRuleSet(docs, compiler.RuleSetOptions{Pipelines: []*compiler.Pipeline{}, AnySource: true})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	const n = 1000
	w := conformance.NewWorkload(1)
	events := make([]conformance.WorkloadEvent, n)
	decoded := make([]map[string]any, n)
	for i := range events {
		events[i] = w.Event()
		if err := json.Unmarshal(events[i].JSON, &decoded[i]); err != nil {
			t.Fatal(err)
		}
	}
	meets := func(l sigmago.Logsource, e conformance.WorkloadEvent) bool {
		return (l.Product == "" || l.Product == e.Product) && (l.Category == "" || l.Category == e.Category) && (l.Service == "" || l.Service == e.Service)
	}
	their := func(i int, all bool) {
		for _, r := range theirs {
			if all || meets(r.source, events[i]) {
				r.rule.Matches(context.Background(), decoded[i]) // errors of rules that it cannot run are part of its work
			}
		}
	}
	cpu := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			t.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	for _, c := range []struct {
		name  string
		all   bool
		few   int // of the events for sigma-go, a round
		match func(i int) error
	}{
		{"routed", false, 40, func(i int) error { _, err := routed.Match(decoded[i]); return err }},
		{"unrouted", true, 8, func(i int) error { _, err := unrouted.MatchAs(event.Source{}, decoded[i]); return err }},
	} {
		for i := range n {
			if err := c.match(i); err != nil {
				t.Fatal(err)
			}
		}
		var a, b, ratios []float64
		for round := range *speed {
			runtime.GC()
			from := cpu()
			for i := range c.few {
				their((round*c.few+i*7)%n, c.all)
			}
			x := float64(cpu()-from) / float64(c.few)
			runtime.GC()
			from = cpu()
			for i := range n {
				if err := c.match(i); err != nil {
					t.Fatal(err)
				}
			}
			y := float64(cpu()-from) / n
			a, b, ratios = append(a, x/1000), append(b, y/1000), append(ratios, x/y)
		}
		for _, x := range [][]float64{a, b, ratios} {
			slices.Sort(x)
		}
		m := *speed / 2
		fmt.Printf("%-9s sigma-go %9.0f us an event, here %6.1f us: %.0f times as fast (%.0f to %.0f)\n", c.name, a[m], b[m], ratios[m], ratios[*speed/4], ratios[*speed*3/4])
	}
}
