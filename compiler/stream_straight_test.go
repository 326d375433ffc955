package compiler

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// A rule more that is true of failures, so that an event meets a correlation
// twice.
const straightSet = streamSet + `
---
title: Refused
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c0c
name: refused
logsource: {product: azure, service: signinlogs}
detection:
  refused: {ResultType: [50126, 50053]}
  condition: refused
---
title: Many of either
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c0d
correlation:
  type: event_count
  rules: [failure, refused]
  group-by: [UserPrincipalName]
  timespan: 5m
  condition: {gt: 2}
---
title: Many refused
id: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2c0e
correlation:
  type: event_count
  rules: [refused]
  group-by: [UserPrincipalName]
  timespan: 4m
  condition: {gte: 2}
`

// Events that are counted straight away, those that are noted first, as where
// events are kept, and those of raw JSON give the same hits and counts.
func TestStreamStraight(t *testing.T) {
	rs, ds := NewRuleSet(parseDocs(t, strings.Replace(straightSet, "GENERATE", "true", 1)), RuleSetOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	users := []string{"Ann.Lee@contoso.com", "ann.lee@contoso.com", "bo", "jürgen@contoso.com", "\u212aelvin@contoso.com", "cy-with-a-name-of-more-than-one-hundred-bytes-so-that-its-length-takes-three-digits-in-the-key@contoso.com", ""}
	straight := 0
	for _, role := range NewStream(rs, StreamOptions{}).roles {
		for i := 0; role != nil && i < len(role.taps); i++ {
			straight += index(role.taps[i].straight)
		}
	}
	if straight == 0 {
		t.Fatal("nothing is counted straight away")
	}
	hits := 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 2))
		limits := StreamOptions{MaxGroups: 1 + r.IntN(6), MaxGroupEvents: 1 + r.IntN(6)}
		kept := limits
		kept.KeepEvents = true
		streams := []*Stream{NewStream(rs, limits), NewStream(rs, kept), NewStream(rs, limits)}
		minute := 0
		for i := range 120 {
			minute = min(59, max(0, minute+[]int{0, 0, 0, 1, 1, -1}[r.IntN(6)]))
			ev := signIn(minute, users[r.IntN(len(users))], []string{"50126", "50053", "0"}[r.IntN(3)])
			ev["Id"] = fmt.Sprintf("id-%d", i)
			if r.IntN(10) == 0 {
				delete(ev, "UserPrincipalName")
			}
			var got [3]string
			for k, st := range streams {
				var in any = ev
				if k == 2 {
					in = rawEvent(t, ev)
				}
				out, err := st.Push(in)
				if err != nil {
					t.Fatal(err)
				}
				got[k] = describeHits(out)
				if k == 0 {
					hits += len(out)
				}
			}
			if got[0] != got[1] || got[0] != got[2] {
				t.Fatalf("seed %d, event %d: straight %s\nnoted %s\nraw %s", seed, i, got[0], got[1], got[2])
			}
			if r.IntN(20) == 0 {
				var b bytes.Buffer
				if err := streams[0].Snapshot(&b); err != nil {
					t.Fatal(err)
				}
				var err error
				if streams[0], _, err = RestoreStream(rs, limits, &b); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, st := range streams[1:] {
			if a, b := streams[0].Stats(), st.Stats(); !reflect.DeepEqual(a, b) {
				t.Errorf("seed %d: %+v, want %+v", seed, a, b)
			}
		}
	}
	if hits == 0 {
		t.Fatal("no hits")
	}
}

func describeHits(hits []*Hit) (s string) {
	for _, h := range hits {
		s += fmt.Sprintf("\n%s %s %s %s %v", h.Rule.Title, h.ID(), h.Time(), h.Value, h.Group)
		for _, c := range h.Contributing {
			s += fmt.Sprintf(" %s %d %s %s", c.EventID, c.Input, c.Time, c.Selections)
		}
	}
	return s
}

// No count below leastCount meets the bounds.
func TestLeastCount(t *testing.T) {
	for _, op := range sigma.ThresholdOps() {
		for _, n := range []ir.Number{{IsInt: true, Int: 7}, {Float: 2.5}, {Float: 3}, {IsInt: true, Int: -1}, {IsInt: true}, {Float: 1e300}} {
			bounds, err := readBounds([]ir.Bound{{Op: sigma.ThresholdOp(op), Value: n}, {Op: sigma.OpGTE, Value: ir.Number{IsInt: true, Int: 1}}})
			if err != nil {
				t.Fatal(err)
			}
			least := leastCount(bounds)
			for count := range min(least, 100) {
				if allHold(bounds, intNumber(count)) {
					t.Errorf("%s %v: %d, but %d meets it", op, n, least, count)
				}
			}
			if op == string(sigma.OpGTE) && n.Int == 7 && least != 7 {
				t.Errorf("%d for at least 7", least)
			}
		}
	}
}

func rawEvent(t *testing.T, ev map[string]any) []byte {
	b, err := json.Marshal(ev)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
