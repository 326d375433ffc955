package engines

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/sigma"
)

var (
	seed   = flag.Uint64("seed", 3, "of the random trees, events and histories")
	pairs  = flag.Int("pairs", 10_000, "how many random trees and events")
	slow   = flag.Bool("slow", false, "ask ClickHouse what the other engines are asked, which takes minutes")
	update = flag.Bool("update", false, "write the table of deviations anew")
)

// row is a line of the table of deviations.
type row struct{ engine, what string }

// counts are the pairs of a row: random ones, those of fixtures, and clashes.
type counts [3]int

// TestSQL puts every fixture, the regression events of SigmaHQ, random trees and
// events, and each operator with each kind of value to every engine: no query
// fails, and the verdict is that of the reference, or the pair is counted in the
// table of deviations.
func TestSQL(t *testing.T) {
	fixtures := append(ofFixtures(t), ofSigmaHQ(t)...)
	rows := map[row]*counts{}
	total := map[string]*counts{}
	for _, o := range open(t) {
		t.Run(o.name, func(t *testing.T) {
			if o.err != nil {
				t.Skip(o.err)
			}
			total[o.name] = &counts{}
			groups := [2][]asked{nil, fixtures}
			n, fewer := *pairs, o.name == "clickhouse" && !*slow // which takes long to read a query
			if fewer {
				n, groups[1] = n*3/100, ofEveryThirdRule(fixtures)
			}
			groups[0] = ofRandom(n, stores(o.name))
			left := 0
			for g, qs := range groups {
				left += compare(t, o.name, o.events, qs, g, rows)
				total[o.name][g] = len(qs)
			}
			all := len(groups[0]) + len(groups[1])
			share := 100 * float64(left) / float64(all)
			t.Logf("%d pairs, %d of them left out or refused: %.2f %%", all, left, share)
			if fewer { // which are mostly fixtures, made of what is odd
				every := [2][]asked{ofRandom(*pairs, stores(o.name)), fixtures}
				share = 100 * shareOf(o.name, o.events, every, groups, rows)
				t.Logf("of %d pairs, most of them not asked: %.2f %%", len(every[0])+len(every[1]), share)
			}
			if share > 2 && *pairs >= 10_000 {
				t.Errorf("more than 2 %% of the pairs are left out or refused")
			}
			for _, c := range conformance.Clashes() {
				if fewer {
					c.Trees = everyNth(c.Trees, 20)
				}
				clash(t, o.name, o.events, c, rows)
			}
		})
	}
	if *pairs == 10_000 && *seed == 3 && !*slow {
		checkTable(t, rows, total)
	}
}

// ofEveryThirdRule are the questions about each third of the rules: by their
// names, so that a new rule leaves the others where they are.
func ofEveryThirdRule(all []asked) []asked {
	var out []asked
	for _, q := range all {
		if crc32.ChecksumIEEE([]byte(q.name))%3 == 0 {
			out = append(out, q)
		}
	}
	return out
}

// shareOf is the share of every pair that an engine has no right answer to where
// it is asked some of them: what is left out or refused is counted, which needs no
// asking, and what it says otherwise is taken to be as frequent, in random pairs
// and in fixtures, as among those asked.
func shareOf(engine string, table *Table, every, put [2][]asked, rows map[row]*counts) float64 {
	n, all := 0.0, 0
	for g, qs := range every {
		all += len(qs)
		for _, q := range qs {
			if leftOut(q.Rule.Predicate(), q.Events[0]) != "" {
				n++
			} else if _, err := table.query(q.Question); err != nil {
				n++
			}
		}
		for r, c := range rows {
			if r.engine == engine && strings.HasPrefix(r.what, "different: ") {
				n += float64(c[g]) * float64(len(qs)) / float64(len(put[g]))
			}
		}
	}
	return n / float64(all)
}

// compare returns how many pairs were left out or refused.
func compare(t *testing.T, engine string, table *Table, all []asked, group int, rows map[row]*counts) int {
	var put []asked
	left := 0
	count := func(what string) {
		left++
		r := row{engine, what}
		if rows[r] == nil {
			rows[r] = &counts{}
		}
		rows[r][group]++
	}
	for _, q := range all {
		if why := leftOut(q.Rule.Predicate(), q.Events[0]); why != "" {
			count(why)
			continue
		}
		put = append(put, q)
	}
	questions := make([]conformance.Question, len(put))
	for i, q := range put {
		questions[i] = q.Question
	}
	const mostReported = 12
	wrong := 0
	for i, a := range table.Batch(context.Background(), questions) {
		q := put[i]
		switch {
		case errors.Is(a.Err, conformance.ErrUnsupported):
			count("refused: " + refusal(a.Err))
			continue
		case a.Err == nil && a.Verdicts[0].Match == q.want:
			continue
		case a.Err == nil && deviates(engine, q) != "":
			count(deviates(engine, q))
			continue
		}
		if wrong++; wrong > mostReported {
			continue
		}
		text, err := jsonText(q.Events[0])
		if err != nil {
			t.Fatal(err)
		}
		if a.Err != nil {
			t.Errorf("%s %d: %s\ntree:  %s\nevent: %s", q.name, i, clip(a.Err.Error()), ir.Print(q.Rule.Predicate()), clip(text))
			continue
		}
		t.Errorf("%s %d: %v\ntree:  %s\nevent: %s\n%s", q.name, i, a.Verdicts[0].Match, ir.Print(q.Rule.Predicate()), clip(text), clip(a.Text))
	}
	if wrong > 0 {
		t.Errorf("%d of %d pairs wrong", wrong, len(put))
	}
	return left
}

// refusal is what was refused, without where.
func refusal(err error) string {
	var d sigma.Diagnostic
	if errors.As(err, &d) {
		return d.Message[:strings.LastIndex(d.Message, " in ")]
	}
	return err.Error()
}

func clip(s string) string {
	const most = 1200
	if len(s) > most {
		return s[:most] + " …"
	}
	return s
}

const tableFile = "deviations.md"

// checkTable compares the rows of the engines that ran with the committed ones.
// Of fixtures, which come and go, it compares whether there are any.
func checkTable(t *testing.T, rows map[row]*counts, total map[string]*counts) {
	var b strings.Builder
	b.WriteString("# Where an engine is not asked, refuses, or says something else\n\n" +
		"Every fixture about single events, the regression events of SigmaHQ, and 10,000 random trees with events\n" +
		"made for them get the verdict of the reference interpreter from every engine, but for the pairs counted here.\n" +
		"The clashes are each operator with each kind of value, at a field, in its lists and in JSON in its text.\n" +
		"ClickHouse is asked the fixtures of every third rule, 300 random trees and every 20th tree of the clashes; with -slow, which\n" +
		"does not change this table, as much as the others. `go test -run 'TestSQL$' . -update` writes this table.\n\n" +
		"SQLite and PostgreSQL do not store a NUL in a text, and ClickHouse's dialect refuses it, so that their random pairs\n" +
		"have none. SQLite runs with a REGEXP that the test defines.\n\n" +
		"| engine | left out, refused, or different | random pairs | pairs of fixtures | clashes |\n|---|---|---|---|---|\n")
	var keys []row
	for r := range rows {
		keys = append(keys, r)
	}
	slices.SortFunc(keys, func(a, b row) int { return strings.Compare(a.engine+a.what, b.engine+b.what) })
	for _, r := range keys {
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d |\n", r.engine, r.what, rows[r][0], rows[r][1], rows[r][2])
	}
	if *update {
		if err := os.WriteFile(tableFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(tableFile)
	if err != nil {
		t.Fatal(err)
	}
	known := map[row]counts{}
	for line := range strings.Lines(string(want)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 5 {
			continue
		}
		random, err1 := strconv.Atoi(strings.TrimSpace(cells[2]))
		fixtures, err2 := strconv.Atoi(strings.TrimSpace(cells[3]))
		clashes, err3 := strconv.Atoi(strings.TrimSpace(cells[4]))
		if err1 == nil && err2 == nil && err3 == nil {
			known[row{strings.TrimSpace(cells[0]), strings.TrimSpace(cells[1])}] = counts{random, fixtures, clashes}
		}
	}
	for r, n := range rows {
		if k, ok := known[r]; !ok || k[0] != n[0] || (k[1] == 0) != (n[1] == 0) || k[2] != n[2] {
			t.Errorf("%s: %s: %v pairs, %s has %v; if that is right, run with -update", r.engine, r.what, *n, tableFile, k)
		}
	}
	for r := range known {
		if rows[r] == nil && total[r.engine] != nil {
			t.Errorf("%s: %s: no such pair any more; run with -update", r.engine, r.what)
		}
	}
}
