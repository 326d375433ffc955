package compiler_test

import (
	"expvar"
	"fmt"
	"log"
	"time"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/sigma"
)

// counters are compiler.Metrics that expvar publishes: its types are made for
// many goroutines at once.
type counters struct {
	events, candidates, late, evicted, nanoseconds expvar.Int
	hits, failed, nanosecondsOf                    expvar.Map // by rule
}

func (c *counters) Event(_ event.Source, candidates int, took time.Duration) {
	c.events.Add(1)
	c.candidates.Add(int64(candidates))
	c.nanoseconds.Add(int64(took))
}

func (c *counters) Rule(rule *compiler.RuleInfo, _ bool, took time.Duration) {
	c.nanosecondsOf.Add(rule.Title, int64(took))
}
func (c *counters) Hit(rule *compiler.RuleInfo)             { c.hits.Add(rule.Title, 1) }
func (c *counters) Failed(rule *compiler.RuleInfo, _ error) { c.failed.Add(rule.Title, 1) }
func (c *counters) Late(time.Duration)                      { c.late.Add(1) }
func (c *counters) Evicted(_ *compiler.RuleInfo)            { c.evicted.Add(1) }

func ExampleMetrics() {
	m := &counters{}
	docs, problems := sigma.Parse("spray.yaml", []byte(sprayYAML))
	set, found := compiler.NewRuleSet(docs, compiler.RuleSetOptions{Metrics: m})
	if problems = append(problems, found...); problems.HasErrors() {
		log.Fatal(problems)
	}
	stream := compiler.NewStream(set, compiler.StreamOptions{})
	for i := range 7 {
		if i == 6 {
			i = 0 // an event from the past
		}
		if _, err := stream.Push(map[string]any{"Type": "SigninLogs", "TimeGenerated": fmt.Sprintf("2026-03-02T09:0%d:00Z", i),
			"ResultType": "50126", "IPAddress": "203.0.113.77", "UserPrincipalName": fmt.Sprintf("user%d@contoso.com", i)}); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println("events", &m.events, "candidates", &m.candidates, "late", &m.late, "evicted", &m.evicted)
	fmt.Println("hits", &m.hits)
	// Output:
	// events 7 candidates 7 late 1 evicted 0
	// hits {"Password spray": 1}
}
