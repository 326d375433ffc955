// Command benign writes the benign month as one JSON record a line, in order of
// time, or with -profile the tenant profile that goes with it:
//
//	go run ./cmd/benign -history > month.jsonl
//	go run ./cmd/benign -profile > contoso.yaml
//	go run ./cmd/rulewright match --profile contoso.yaml --tier alert --format jsonl month.jsonl > hits.jsonl
//	jq -r 'select(.time >= "2026-05-03T22:00") | .level' hits.jsonl | sort | uniq -c
//
// With -history the sign-ins of the 14 days before the month stand in front, which
// baselines look back at, such as that of a new country. The month begins with 4 May
// in Berlin: hits of earlier times are of the history, the others are as many as
// conformance/testdata/benign-month.txt says. Without the history whatever the
// first days hold is new, and alerts are more.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"iter"
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
	history := flag.Bool("history", false, "in front, the sign-ins of the 14 days before")
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
		write := func(events iter.Seq[benign.Event]) {
			for e := range events {
				if err := enc.Encode(e.Record); err != nil {
					fmt.Fprintln(os.Stderr, "benign:", err)
					os.Exit(1)
				}
			}
		}
		if *history {
			write(t.History())
		}
		write(t.Events())
	}
}
