package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
)

func runMatch(c *cli, args []string) int {
	f := c.flags("[flags] EVENTS…|-", `
Match rules against events and print who did what: the accounts with the worst
hits first, for each what happened in the order of time. EVENTS are files and
folders of exported logs, read as one history:
JSON (lines, lists, records[], value[], tables[]), CSV (Entra portal, Purview,
Log Analytics, advanced hunting), gzip, zstd, UTF-8 or UTF-16. A - reads standard
input as it comes. What form an event has is told from the event.

Correlations look at events together, by the times in the events. In files those
are put in order first; on standard input an event that is older than the latest
one by more than --lateness takes no part, and is counted at the end.

Some rules need values that only you know, such as who may manage applications.
Without them they do not run, and the last lines say so: see rulewright params.

Examples:
  rulewright match exports/
  rulewright match --profile tenant.yaml --min-level medium signins.csv audit.csv
  rulewright match --rules my-rules/ --format jsonl events.json.gz > hits.jsonl
  rulewright match --guide entra-apps --fail-on high -  < events.jsonl
  tail -f events.jsonl | rulewright match --rules my-rules/ --lateness 5m --format jsonl -`)
	var rf ruleFlags
	var rulePaths paths
	f.Var(&rulePaths, "rules", "rules to use in place of the built-in pack, a file or folder (`path`); again for more")
	rf.values(f)
	rf.selection(f)
	rf.pipeline(f)
	form := f.String("form", "auto", "the `form` of all events: auto, or one that `rulewright list forms` prints")
	table := f.String("table", "", "the `table` that all events are of, where the form does not tell")
	anySource := f.Bool("any-source", false, "let events of unknown source meet every rule")
	minLevel := f.String("min-level", "", "leave out hits below this `level`")
	failOn := f.String("fail-on", "", "exit with 1 if a hit has this `level` or a higher one")
	format := f.String("format", "text", "`format` of the output: text (a timeline) or jsonl (one hit a line)")
	lateness := f.Duration("lateness", 0, "with -: how much older than the latest event an event may be and count, a `time` such as 5m; hits of correlations come that much later")
	all := f.Bool("all", false, "in text, show every hit where one rule hits an entity again and again")
	events, code, ok := c.parse(f, args)
	if !ok {
		return code
	}
	for _, err := range []error{
		oneOf("format", *format, "text", "jsonl"), oneOf("min-level", *minLevel, append(levels, "")...), oneOf("fail-on", *failOn, append(levels, "")...),
	} {
		if err != nil {
			return c.misuse("%v", err)
		}
	}
	src, err := sourceOf(*form, *table)
	if err != nil {
		return c.misuse("%v", err)
	}
	if len(events) == 0 {
		return c.misuse("which events? Give files or folders, or - for standard input")
	}
	if *lateness < 0 {
		return c.misuse("--lateness takes a time from 0 on, not %v", *lateness)
	}
	if *lateness > 0 && !slices.Contains(events, "-") {
		return c.misuse("files are read whole and put in order; --lateness is for -")
	}
	ds, err := rf.load(c, rulePaths)
	if err != nil {
		return c.fail(err)
	}
	if err := rf.forEvents(); err != nil {
		return c.misuse("%v", err)
	}
	rs, more := rf.ruleSet(*anySource)
	c.report(append(ds, more...))
	if len(rs.Rules()) == 0 {
		return c.fail(fmt.Errorf("there is no rule to match"))
	}
	in, err := c.openInput(events, src)
	if err != nil {
		return c.fail(err)
	}
	defer in.close()

	m := matching{c: c, rs: rs, in: in, jsonl: *format == "jsonl", rules: &rf, pack: len(rulePaths) == 0, any: *anySource, fired: map[*compiler.RuleInfo]int{}, unknown: map[string]int{}}
	m.correlations = newCorrelations(rf.docs)
	m.stream = compiler.NewStream(rs, compiler.StreamOptions{Lateness: *lateness, Keep: m.correlations.keep})
	m.timeline.all, m.timeline.correlations = *all, m.correlations
	if err := m.run(*minLevel, *failOn); err != nil {
		return c.fail(err)
	}
	if !m.jsonl {
		m.timeline.write(c)
	}
	m.summary()
	if m.failed {
		return exitNo
	}
	return exitOK
}

// sourceOf reads --form and --table.
func sourceOf(form, table string) (event.Source, error) {
	if form == "auto" || form == "" {
		if table != "" {
			return event.Source{}, fmt.Errorf("--table needs --form")
		}
		return event.Source{}, nil
	}
	if !slices.Contains(event.Forms(), event.Form(form)) {
		words := []string{"auto"}
		for _, f := range event.Forms() {
			words = append(words, string(f))
		}
		return event.Source{}, oneOf("form", form, words...)
	}
	return event.Source{Form: event.Form(form), Table: table}, nil
}

// matching is one run of match.
type matching struct {
	c            *cli
	rs           *compiler.RuleSet
	stream       *compiler.Stream
	correlations *correlations
	lowest, fail int // levels
	once         []*compiler.Hit
	in           *input
	jsonl        bool
	rules        *ruleFlags
	pack         bool // the rules are those of the pack
	timeline     timeline
	hits         int
	byLevel      map[string]int
	fired        map[*compiler.RuleInfo]int
	events       int
	failed       bool
	badEvent     int
	noTime       int
	toldLate     bool
	any          bool           // events of unknown source meet every rule
	unknown      map[string]int // events of unknown source, by file
}

func (m *matching) run(minLevel, failOn string) error {
	m.byLevel = map[string]int{}
	m.lowest, m.fail = levelRank(minLevel), len(levels)
	if failOn != "" {
		m.fail = levelRank(failOn)
	}
	for {
		if err := m.c.ctx.Err(); err != nil {
			return nil // run says so
		}
		rec, err := m.in.next()
		if err == io.EOF {
			m.in.meter.clear()
			return m.take(m.stream.Close(), event.Record{})
		}
		if err != nil {
			return err
		}
		m.events++
		if rec.Source.Form == "" {
			m.unknown[rec.File]++
		}
		if rec.Time.IsZero() && rec.Source.Form != "" && !rec.Source.Snapshot() {
			m.noTime++
		}
		if m.events%256 == 0 {
			m.in.meter.show(func() string {
				return fmt.Sprintf("matching: %s of %s, %s", number(m.events), plural(m.in.records, "event"), plural(m.hits, "hit"))
			})
		}
		hits, err := m.stream.Push(rec)
		if err != nil {
			m.badEvent++
			m.in.meter.clear()
			for _, line := range strings.Split(err.Error(), "\n") { // one for each rule that gave up
				fmt.Fprintf(m.c.err, "%s:%d: %s\n", clean(rec.File), rec.Line, clean(line))
			}
		}
		m.tellLate(rec)
		if err := m.take(hits, rec); err != nil {
			return err
		}
	}
}

// tellLate says of the first event that came too late what it came behind: who
// follows a log must not wait for its end to see that one wrong date has all
// that follow left out.
func (m *matching) tellLate(rec event.Record) {
	stats := m.stream.Stats()
	if m.toldLate || stats.Late == 0 || len(m.correlations.docs) == 0 {
		return
	}
	m.toldLate = true
	m.in.meter.clear()
	behind := ""
	if stats.Ahead.Late > 0 {
		behind = ": it came behind " + aheadText(stats.Ahead)
	}
	fmt.Fprintf(m.c.err, "%s:%d: too late for correlations%s; further such events are only counted\n", clean(rec.File), rec.Line, behind)
}

// take counts and shows hits. Those that an event decided are older than it.
func (m *matching) take(hits []*compiler.Hit, rec event.Record) error {
	slices.SortStableFunc(hits, func(a, b *compiler.Hit) int { return a.Time().Compare(b.Time()) })
	for _, h := range hits {
		rank := levelRank(h.Rule.Level)
		if rank < m.lowest {
			continue
		}
		m.hits++
		m.byLevel[strings.ToLower(h.Rule.Level)]++
		m.fired[h.Rule]++
		m.failed = m.failed || rank >= m.fail
		if m.correlations.once(h) {
			m.once = append(m.once, h)
		}
		if !m.jsonl {
			m.timeline.add(h)
			continue
		}
		if err := m.writeHit(h, rec); err != nil {
			return err
		}
	}
	if m.jsonl && len(hits) > 0 && m.in.files == 1 {
		m.c.out.Flush() // whoever reads a stream's hits wants them now
	}
	return nil
}
