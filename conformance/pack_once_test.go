package conformance

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rulewright/rulewright/compiler"
)

// Entra ID Protection writes a detection again under its id when its state
// changes. Each alert on detections tells of one once a week, those of level high,
// which are to be looked for every few minutes and not hourly, once a day; and of
// another one of the same user at once.
func TestDetectionsAreToldOnce(t *testing.T) {
	fixtures, ds := Load(Fixtures, LoadOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	tested := 0
	for _, f := range fixtures {
		rule := f.Rule()
		if rule.Meta.Tier != "alert" || rule.Correlation != nil || rule.LogSource.Service != "riskdetection" {
			continue
		}
		tested++
		for i := range f.Cases {
			c := &f.Cases[i]
			if c.Expect != ExpectMatch {
				continue
			}
			q, err := f.history(&Case{Profile: c.Profile, Events: c.Events[:1]})
			if err != nil {
				t.Fatal(err)
			}
			set, ds := compiler.NewRuleSetOf(q.Rules, compiler.RuleSetOptions{})
			if ds.HasErrors() {
				t.Fatal(ds)
			}
			stream := compiler.NewStream(set, compiler.StreamOptions{})
			var told []string
			push := func(id, detection string, later time.Duration) {
				r := q.Events[0]
				e := maps.Clone(r.Event.(map[string]any))
				for key := range e {
					if strings.EqualFold(key, "id") {
						e[key] = detection
					}
				}
				r.Event, r.ID, r.Time = e, id, r.Time.Add(later)
				hits, err := stream.Push(r)
				if err != nil {
					t.Fatal(err)
				}
				for _, h := range hits {
					told = append(told, h.EventID())
				}
			}
			span := 7 * 24 * time.Hour
			if rule.Meta.Level == "high" {
				span = 24 * time.Hour
			}
			push("first", "1", 0)
			push("again", "1", span/3)
			push("another", "2", span/3+time.Minute)
			push("just in time", "1", span)
			push("and a second", "1", span+time.Second)
			if got := strings.Join(told, ", "); got != "first, another, and a second" {
				t.Errorf("%s: %s: told of %s", rule.File, c.Name, got)
			}
			break
		}
	}
	if tested < 15 {
		t.Errorf("only %d rules alert on detections", tested)
	}
}

// A session renews its tokens every hour, and a telephone signs in as often. An
// alert on a single sign-in does not tell of the same all day, nor does a report
// that says once; one that asks for the night tells of each half day.
func TestSignInsAreToldOnceADay(t *testing.T) {
	fixtures, ds := Load(Fixtures, LoadOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	tested := 0
	for _, f := range fixtures {
		rule := f.Rule()
		source := rule.LogSource
		if rule.Meta.Tier != "alert" && rule.Once == nil || rule.Correlation != nil || source.Category != "signin" && source.Category != "interactive_signin" && source.Service != "AADNonInteractiveUserSignInLogs" {
			continue
		}
		tested++
		i := slices.IndexFunc(f.Cases, func(c Case) bool { return c.Expect == ExpectMatch })
		q, err := f.history(&Case{Profile: f.Cases[i].Profile, Events: f.Cases[i].Events[:1]})
		if err != nil {
			t.Fatal(err)
		}
		set, ds := compiler.NewRuleSetOf(q.Rules, compiler.RuleSetOptions{})
		if ds.HasErrors() {
			t.Fatal(ds)
		}
		stream := compiler.NewStream(set, compiler.StreamOptions{})
		told := 0
		for hour := range 24 {
			r := q.Events[0]
			r.ID, r.Time = strconv.Itoa(hour), r.Time.Add(time.Duration(hour)*time.Hour)
			hits, err := stream.Push(r)
			if err != nil {
				t.Fatal(err)
			}
			told += len(hits)
		}
		if told > 2 {
			t.Errorf("%s: %s, every hour of a day: told %d times", rule.File, f.Cases[i].Name, told)
		}
	}
	if tested < 10 {
		t.Errorf("only %d rules alert on single sign-ins", tested)
	}
}
