package conformance

import (
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/conformance/benign"
	"github.com/rulewright/rulewright/sigma"
)

// TestMonthSpeed measures the pack alone, and with SigmaHQ's rules, over events
// of the benign month as raw JSON, against decoding them, block after block on
// one core: over the rows that the generator writes, and over records as large as
// a tenant's in five forms.
func TestMonthSpeed(t *testing.T) {
	rounds, _ := strconv.Atoi(flag.Lookup("speed").Value.String())
	if rounds == 0 {
		t.Skip("no -speed given")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	pack := packDocuments(packRules(t))
	var hq []*sigma.Document
	folder := os.DirFS(filepath.Join("..", "..", "shared", "data", "sigmahq", "rules"))
	err := fs.WalkDir(folder, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yml") {
			return err
		}
		text, err := fs.ReadFile(folder, path)
		if err == nil {
			ds, _ := sigma.Parse(path, text)
			hq = append(hq, ds...)
		}
		return err
	})
	if err != nil {
		t.Log("no rules of SigmaHQ at hand: ", err)
	}
	tenant := benign.New(benign.Options{})
	profile, diags := compiler.ParseProfile("contoso.yaml", tenant.Profile())
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	// Every 16th event, so that the whole month is among them.
	var rows, whole [][]byte
	n := 0
	for e := range tenant.Events() {
		if n++; n%16 != 0 {
			continue
		}
		text, err := json.Marshal(e.Record)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, text)
		whole = append(whole, wholeRecord(t, n/16, e.Record, e.Table))
	}
	set := func(docs []*sigma.Document) *compiler.RuleSet {
		rs, ds := compiler.NewRuleSet(docs, compiler.RuleSetOptions{Options: compiler.Options{Catalogue: packCatalogue(t), Profile: profile}})
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		return rs
	}
	hits := 0
	match := func(rs *compiler.RuleSet, asked bool) func(ev []byte) {
		return func(ev []byte) {
			h, err := rs.Match(ev)
			if err != nil {
				t.Fatal(err)
			}
			hits += len(h)
			for i := range h {
				if asked {
					h[i].ID()
					h[i].Event()
					h[i].Matched() // and what else is read with it
				}
			}
		}
	}
	contenders := []struct {
		name string
		run  func(ev []byte)
	}{
		{"decode", func(ev []byte) {
			var v map[string]any
			if err := json.Unmarshal(ev, &v); err != nil {
				t.Fatal(err)
			}
		}},
		{"pack", match(set(pack), false)},
		{"pack and SigmaHQ", match(set(append(slices.Clone(pack), hq...)), false)},
		{"pack and SigmaHQ, hits asked for all", match(set(append(slices.Clone(pack), hq...)), true)},
	}
	cpu := func() float64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			t.Fatal(err)
		}
		return float64(u.Utime.Nano()+u.Stime.Nano()) / 1000
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // no collection falls into what is measured
	for name, events := range map[string][][]byte{"rows": rows, "records": whole} {
		sizes := make([]int, len(events))
		for i, ev := range events {
			sizes[i] = len(ev)
		}
		slices.Sort(sizes)
		fmt.Printf("%d %s, most of %d to %d bytes, half of them above %d\n", len(events), name, sizes[len(sizes)/10], sizes[len(sizes)*9/10], sizes[len(sizes)/2])
		times := make([][]float64, len(contenders))
		for round := range rounds + 1 {
			for i, c := range contenders {
				runtime.GC() // what the one before left over is not this one's work
				hits = 0
				from := cpu()
				for _, ev := range events {
					c.run(ev)
				}
				if took := cpu() - from; round > 0 { // the first one compiles
					times[i] = append(times[i], took/float64(len(events)))
				} else {
					t.Logf("%s: %d hits", c.name, hits)
				}
			}
		}
		for i, c := range contenders {
			var ratios []float64
			for r := range times[i] {
				ratios = append(ratios, times[i][r]/times[0][r])
			}
			slices.Sort(ratios)
			slices.Sort(times[i])
			fmt.Printf("%-36s %8.2f us, %.3f of decoding (%.3f to %.3f)\n", c.name, times[i][rounds/2], ratios[rounds/2], ratios[rounds/4], ratios[rounds*3/4])
		}
	}
}
