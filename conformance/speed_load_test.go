package conformance_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/sigma"
	"gopkg.in/yaml.v3"
)

// TestLoadSpeed measures how long SigmaHQ's rules take from the disk to ready,
// which is when the first event of each kind has been matched, against what
// yaml.v3 takes to read the same files into nodes; and what they hold of memory.
func TestLoadSpeed(t *testing.T) {
	if *speed == 0 {
		t.Skip("no -speed given")
	}
	folder := filepath.Join("..", "..", "shared", "data", "sigmahq", "rules")
	var paths []string
	err := fs.WalkDir(os.DirFS(folder), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, ".yml") {
			paths = append(paths, filepath.Join(folder, path))
		}
		return err
	})
	if err != nil {
		t.Skip("no rules of SigmaHQ at hand: ", err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	events := workload(1000)
	read := func(path string) []byte {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	nodes := func() {
		for _, p := range paths {
			var n yaml.Node
			if err := yaml.Unmarshal(read(p), &n); err != nil {
				t.Fatal(err)
			}
		}
	}
	load := func() *compiler.RuleSet {
		var docs []*sigma.Document
		for _, p := range paths {
			ds, _ := sigma.Parse(p, read(p))
			docs = append(docs, ds...)
		}
		rs := speedSet(t, docs, compiler.RuleSetOptions{})
		for i := range events {
			if _, err := rs.Match(events[i].JSON); err != nil {
				t.Fatal(err)
			}
		}
		return rs
	}
	parse := func() {
		for _, p := range paths {
			sigma.Parse(p, read(p))
		}
	}
	var unit, ready, parsed, ratios []float64
	nodes()
	load()
	for range *speed {
		timed := func(f func()) float64 {
			runtime.GC()
			from := cpuTime()
			f()
			return (cpuTime() - from).Seconds()
		}
		unit = append(unit, timed(nodes))
		ready = append(ready, timed(func() { load() }))
		parsed = append(parsed, timed(parse))
		ratios = append(ratios, ready[len(ready)-1]/unit[len(unit)-1])
	}
	fmt.Printf("%d rules: into nodes %.2f s, read as rules %.2f s, ready %.2f s, %.2f of nodes\n", len(paths), median(unit), median(parsed), median(ready), median(ratios))
	held := func(f func() any) uint64 {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&before)
		x := f()
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(x)
		return after.HeapAlloc - before.HeapAlloc
	}
	fmt.Printf("held by the rule set, all forms: %.1f MB\n", float64(held(func() any { return load() }))/1e6)
	fmt.Printf("everything compiled: %.1f MB\n", float64(held(func() any {
		rs := load()
		rs.Prepare()
		rs.MatchAs(event.Source{}, events[0].JSON)
		return rs
	}))/1e6)
}
