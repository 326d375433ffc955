package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler"
)

// summary says what was looked at and what was not. With jsonl it goes to the
// error output, so that the hits stay clean.
func (m *matching) summary() {
	var w io.Writer = m.c.out
	if m.jsonl {
		w = m.c.err
	}
	var parts []string
	for _, l := range slices.Backward(levels) {
		if n := m.byLevel[l]; n > 0 {
			parts = append(parts, number(n)+" "+l)
		}
	}
	if n := m.byLevel[""]; n > 0 {
		parts = append(parts, number(n)+" without a level")
	}
	line := plural(m.hits, "hit")
	if m.hits > 0 {
		line += " of " + plural(len(m.fired), "rule") + ": " + strings.Join(parts, ", ")
	}
	fmt.Fprintln(w, line)
	repeats := 0
	for _, h := range m.once {
		repeats += h.Repeats
	}
	if repeats > 0 {
		were := "were"
		if repeats == 1 {
			were = "was"
		}
		fmt.Fprintf(w, "%s %s counted on an earlier one (once)\n", plural(repeats, "further hit"), were)
	}

	line = fmt.Sprintf("%s in %s", plural(m.events, "event"), plural(m.in.files, "file"))
	for _, x := range []struct {
		n    int
		text string
	}{
		{m.in.duplicates, "left out as duplicates"},
		{m.in.unreadable, "unreadable"},
		{m.badEvent, "given up"},
		{m.noTime, "without a time that can be read, put last"},
	} {
		if x.n > 0 {
			line += fmt.Sprintf("; %s %s", number(x.n), x.text)
		}
	}
	if m.in.passed > 0 {
		line += fmt.Sprintf("; %s passed over", plural(m.in.passed, "other file"))
	}
	fmt.Fprintln(w, line)
	if n := int(m.rs.UnknownEvents()); n > 0 && !m.any {
		files := slices.SortedFunc(maps.Keys(m.unknown), func(a, b string) int {
			return cmp.Or(cmp.Compare(m.unknown[b], m.unknown[a]), strings.Compare(a, b))
		})
		const most = 3
		for i, f := range files {
			files[i] = fmt.Sprintf("%s (%s)", clean(f), number(m.unknown[f]))
		}
		if len(files) > most {
			files = append(files[:most], "…")
		}
		fmt.Fprintf(w, "%s of unknown source met no rule: %s; see --form and --any-source\n", plural(n, "event"), strings.Join(files, ", "))
	}

	for _, line := range leftOut(m.stream.Stats(), "; see --lateness") {
		fmt.Fprintln(w, line)
	}

	m.ran(w)
	for _, f := range m.rs.Failed() {
		fmt.Fprintf(w, "not evaluated over %s: %s (%s)\n", plural(int(f.Events), "event"), clean(f.Rule.Title), f.Rule.ID)
	}
	for _, d := range append(m.rs.Disabled(), m.stream.Disabled()...) {
		fmt.Fprintf(w, "disabled while running: %s (%s): %v\n", d.Rule.Title, d.Rule.ID, d.Err)
	}
}

// ran says how many rules ran, and what the others lack. What only feeds
// correlations is counted for itself, as everywhere.
func (m *matching) ran(w io.Writer) {
	total, helpers := 0, 0
	for _, r := range m.rs.Rules() {
		if r.OnlyFeeds {
			helpers++
		} else {
			total++
		}
	}
	waiting, lacks := 0, map[string]int{}
	for _, n := range m.rs.NotRun() {
		if n.Rule.OnlyFeeds {
			continue
		}
		waiting++
		for _, p := range n.Lacks {
			lacks[p]++
		}
	}
	with := ""
	if helpers > 0 {
		with = fmt.Sprintf(" (and %s that only feed them)", number(helpers))
	}
	if waiting == 0 {
		fmt.Fprintf(w, "%s ran%s\n", plural(total, "rule"), with)
		return
	}
	names := slices.SortedFunc(maps.Keys(lacks), func(a, b string) int {
		return cmp.Or(cmp.Compare(lacks[b], lacks[a]), strings.Compare(a, b))
	})
	for i, p := range names {
		names[i] = fmt.Sprintf("%s (%s)", p, plural(lacks[p], "rule"))
	}
	fmt.Fprintf(w, "%s of %s ran%s, %s did not: parameters without a value: %s\n", number(total-waiting), plural(total, "rule"), with, number(waiting), strings.Join(names, ", "))
	if m.rules.profile == "" {
		fmt.Fprintln(w, "fill them in: rulewright params --out tenant.yaml, then --profile tenant.yaml")
	} else {
		fmt.Fprintf(w, "what is missing, where an empty list counts as no value: rulewright params --profile %s\n", m.rules.profile)
	}
	if m.pack {
		fmt.Fprintf(w, "which rules did not run: %s\n", m.rules.missingRules(nil))
	}
}

// leftOut says, a line each, what a stream left out or decided early; late is
// what to do about late events.
func leftOut(stats compiler.StreamStats, late string) []string {
	var out []string
	say := func(n int64, noun, text string) {
		if n > 0 {
			out = append(out, plural(int(n), noun)+" "+text)
		}
	}
	say(stats.Late, "event", "came too late and took no part in correlations"+late)
	if a := stats.Ahead; a.Late > 0 {
		out = append(out, fmt.Sprintf("%s of them came behind %s; where its date is wrong, leave it out", number(int(a.Late)), aheadText(a)))
	}
	say(stats.DecidedEarly, "event", "decided on before their time, as too many were waiting")
	say(stats.DroppedEvents, "event", "of correlations forgotten, as a group had too many; its counts are of the others")
	say(stats.CutKeys, "event", "in more groups or with more values than are looked at")
	say(stats.EvictedGroups, "group", "of correlations forgotten, as there were too many")
	return out
}

// aheadText names the event that others came too late for.
func aheadText(a compiler.Ahead) string {
	out := "the one of " + clock(a.Time)
	if a.EventID != "" {
		out += " with the id " + clip(clean(a.EventID), 80)
	}
	if a.File != "" {
		out += fmt.Sprintf(" (%s:%d)", clean(a.File), a.Line)
	}
	return out
}
