package engines

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance"
)

// TestPlainSQLite puts the fixtures and random trees to SQLite as it comes,
// without REGEXP: a query never names it, what needs it is refused, and the
// verdict on the rest is that of the reference.
func TestPlainSQLite(t *testing.T) {
	e, err := SQLite(false)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	var put []asked
	for _, q := range append(ofRandom(min(*pairs, 1000), stores("sqlite")), ofFixtures(t)...) {
		if leftOut(q.Rule.Predicate(), q.Events[0]) == "" {
			put = append(put, q)
		}
	}
	questions := make([]conformance.Question, len(put))
	for i, q := range put {
		questions[i] = q.Question
	}
	refused, wrong := 0, 0
	for i, a := range e.Batch(context.Background(), questions) {
		q := put[i]
		if errors.Is(a.Err, conformance.ErrUnsupported) {
			refused++
			continue
		}
		if strings.Contains(a.Text, " REGEXP ") {
			t.Errorf("%s: REGEXP in %s", q.name, clip(a.Text))
		}
		if a.Err == nil && a.Verdicts[0].Match == q.want || a.Err == nil && deviates("sqlite", q) != "" {
			continue
		}
		if wrong++; wrong < 8 {
			t.Errorf("%s: %v, want %v; %v\ntree: %s\n%s", q.name, a.Verdicts, q.want, a.Err, ir.Print(q.Rule.Predicate()), clip(a.Text))
		}
	}
	t.Logf("%d questions, %d refused, %d wrong", len(put), refused, wrong)
	for _, c := range conformance.Clashes() {
		rows := map[row]*counts{}
		clash(t, "sqlite", e.events, c, rows)
		for r, n := range rows {
			t.Logf("%d %s", n[2], r.what)
		}
	}
	if refused*4 > len(put) {
		t.Error("more than a quarter is refused: SQLite without REGEXP is asked too little")
	}
}

// TestPlainSQLiteAddresses puts every way to write an IPv4 address in IPv6, and
// texts next to them, to SQLite without regular expressions.
func TestPlainSQLiteAddresses(t *testing.T) {
	e, err := SQLite(false)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	prefixes := []string{"", "::", "0::", "::0:", ":::", "::1:", "0:0:0:0:0:", "0000:000:00:0:0:", "0:0:0:0:", "0:0:0:0:0:0:", "00000:0:0:0:0:", "0:0:0:0:0::", "0:0::0:0:", "0::0:0:0:", "0:0:0:0::", "::0:0:0:0:", "::0:0:0:0:0:", "0::0::", "[::", "::ffff:", "0.0:"}
	rests := []string{"10.0.0.1", "a00:1", "0a00:0001", "A00:1", "a00:00001", "a00:", ":a00", ":1", "a00::", ":", "", "::", "a00:1:", "a00:1:443", "a00:g", "a00:-1", "a00", "10.0.0.1:443", "010.0.0.1", "10.0.0", "a00:1]", "a00:1]:443", "10.0.0.1]:80", "ffff:ffff", "b00:1"}
	c := conformance.Clash{Name: "addresses"}
	for _, p := range prefixes {
		for _, r := range rests {
			for _, six := range []string{"ffff:", "FFFF:", "fff:", ""} {
				c.Events = append(c.Events, map[string]any{"a": p + six + r})
			}
		}
	}
	for _, network := range []string{"10.0.0.0/8", "10.0.0.1/32", "0.0.0.0/0", "0.0.0.0/16", "255.0.0.0/8"} {
		for _, typ := range []ir.Type{ir.TypeUnknown, ir.TypeIP} {
			c.Trees = append(c.Trees, &ir.Match{Field: ir.Field{Name: "a", Path: ir.Path{{Key: "a"}}, Type: typ}, Op: ir.InNetwork, Values: []ir.Value{ir.PrefixOf(netip.MustParsePrefix(network))}})
		}
	}
	matched := 0
	for _, ev := range c.Events {
		if conformance.Reference(c.Trees[1], ev) {
			matched++
		}
	}
	if matched < 50 {
		t.Errorf("%d of %d texts are addresses in the network", matched, len(c.Events))
	}
	clash(t, "sqlite", e.events, c, map[row]*counts{})
}
