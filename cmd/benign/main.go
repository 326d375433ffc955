// Command benign writes the benign month as one JSON record a line, in order of
// time, or with -profile the tenant profile that goes with it:
//
//	go run ./cmd/benign > month.jsonl
//	go run ./cmd/benign -profile > contoso.yaml
//	go run ./cmd/rulewright match --profile contoso.yaml --tier alert month.jsonl
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/rulewright/rulewright/conformance/benign"
)

func main() {
	var o benign.Options
	flag.Uint64Var(&o.Seed, "seed", 1, "what chance follows from")
	flag.IntVar(&o.Days, "days", benign.DefaultDays, "length")
	flag.IntVar(&o.Users, "users", benign.DefaultUsers, "accounts")
	profile := flag.Bool("profile", false, "write the tenant profile instead")
	counts := flag.Bool("counts", false, "write how much of what the month holds instead")
	flag.Parse()
	t := benign.New(o)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	defer func() {
		if err := out.Flush(); err != nil {
			fmt.Fprintln(os.Stderr, "benign:", err)
			os.Exit(1)
		}
	}()
	switch {
	case *profile:
		out.Write(t.Profile())
	case *counts:
		kinds, tables := benign.Counts(t.Events())
		for _, k := range slices.Sorted(maps.Keys(tables)) {
			fmt.Fprintf(out, "table %s %d\n", k, tables[k])
		}
		for _, k := range slices.Sorted(maps.Keys(kinds)) {
			fmt.Fprintf(out, "kind %s %d %d\n", k, kinds[k].Occasions, kinds[k].Records)
		}
	default:
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		for e := range t.Events() {
			if err := enc.Encode(e.Record); err != nil {
				fmt.Fprintln(os.Stderr, "benign:", err)
				os.Exit(1)
			}
		}
	}
}
