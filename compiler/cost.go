package compiler

import (
	"encoding/json"
	"fmt"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// CheckCost finds rules that are slow on every event: the index of a RuleSet
// cannot narrow them, since there is no text, number or boolean of which an event
// must hold one, and they search a text by a regular expression, or all texts of
// an event. Each is a warning at the first such comparison, with what evaluating
// the rule took, as a share of what encoding/json takes to decode an event of
// 1 KB. That is measured over built-in events; which rules are named does not
// depend on it.
//
// NewRuleSet does not call CheckCost: it takes some milliseconds for each such
// rule. Rules with errors, and those that lack a parameter, are left to others.
func CheckCost(docs []*sigma.Document, opts Options) sigma.Diagnostics {
	opts.Pipeline, opts.Table = nil, "" // what fields are called changes nothing
	opts.Filters = withFilters(opts.Filters, docs)
	var ds sigma.Diagnostics
	var decoding time.Duration
	measured := 0
	for _, d := range docs {
		if d == nil || d.Kind != sigma.KindRule {
			continue
		}
		rules, _ := lowerRule(d, &opts)
		for _, l := range rules {
			m := costly(l.rule.When)
			if m == nil || len(newNeedReader([]ir.Expr{l.rule.When}, fieldSpecs{}).sets(l.rule.When)) > 0 {
				continue
			}
			what, hint := "by a regular expression", "compare the field also with a text that must be there, by contains, or begin the expression with ^"
			if m.Field.Leaves {
				what, hint = "in all its texts", "name the field, or compare one with a text that must be there"
			}
			cost := "" // beyond the bound nothing is measured
			if measured++; measured <= maxMeasuredRules {
				if decoding == 0 {
					decoding = quickest(func() { decodeCostEvent() })
				}
				if took, ok := evaluationTime(l.rule); ok {
					cost = "; evaluating the rule takes about " + shareText(float64(took)/float64(decoding)) + " of the time to decode an event of 1 KB"
				}
			}
			pos := l.rule.Origins[m]
			if !pos.IsValid() {
				pos = d.Pos
			}
			ds = append(ds, d.Silence(sigma.Diagnostics{{File: d.File, Pos: pos, Severity: sigma.SeverityWarning, Code: sigma.CodeSlow, Hint: hint,
				Message: "every event of the rule's source is searched " + what + ", since there is no text or number that it must hold" + cost}})...)
		}
	}
	return ds
}

// shareText rounds to what a measurement is good for.
func shareText(x float64) string {
	switch {
	case x >= 1:
		return strconv.FormatFloat(x, 'f', 0, 64)
	case x < 0.01:
		return "0.01"
	}
	return strconv.FormatFloat(x, 'g', 1, 64)
}

// maxMeasuredRules bounds the rules of one call whose evaluation is measured.
const maxMeasuredRules = 1000

// costly returns the first comparison of a tree that looks at each place of a
// text or at all of an event, or nil.
func costly(e ir.Expr) *ir.Match {
	for _, m := range ir.Matches(e) {
		switch {
		case m.Op == ir.Regexp:
			if slices.ContainsFunc(m.Values, func(v ir.Value) bool { re, ok := v.(ir.Regex); return ok && !decidedSoon(string(re)) }) {
				return m
			}
		case m.Field.Leaves && m.Op != ir.Null && m.Op != ir.Exists:
			return m
		}
	}
	return nil
}

// decidedSoon reports whether a regular expression need not look far into most
// texts: it begins where the text does, or asks for one letter whichever.
func decidedSoon(text string) bool {
	re, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return false
	}
	var soon func(re *syntax.Regexp) bool
	soon = func(re *syntax.Regexp) bool {
		switch re.Op {
		case syntax.OpBeginText, syntax.OpAnyChar, syntax.OpAnyCharNotNL, syntax.OpEmptyMatch, syntax.OpStar, syntax.OpQuest:
			return true
		case syntax.OpCharClass:
			for i := 0; i+1 < len(re.Rune); i += 2 {
				if re.Rune[i] <= 'a' && 'z' <= re.Rune[i+1] {
					return true
				}
			}
		case syntax.OpCapture, syntax.OpPlus:
			return soon(re.Sub[0])
		case syntax.OpConcat:
			return re.Sub[0].Op == syntax.OpBeginText
		case syntax.OpAlternate:
			return !slices.ContainsFunc(re.Sub, func(sub *syntax.Regexp) bool { return !soon(sub) })
		}
		return false
	}
	return soon(re.Simplify())
}

// costTexts are what the fields of built-in events hold: texts of the lengths
// that logs have, in which a search does not end soon.
var costTexts = []string{
	"SYSTEM",
	`C:\Program Files\Common Files\Contoso\Update Service\14.2.1\contoso-updater.exe`,
	`"C:\Program Files\Contoso\agent.exe" --config "C:\ProgramData\Contoso\agent.json" --log-level info --interval 3600 --proxy http://proxy.contoso.example:8080 --tenant 00000000-0000-0000-0000-000000000000`,
	`powershell -NoProfile -Command ` + strings.Repeat("Get-Item C:\\Users\\Public\\Documents; ", 16),
}

// costEvent is an event of 1 KB without the fields of a rule.
func costEvent() map[string]any {
	e := map[string]any{"EventID": 1.0, "ProcessId": 4711.0, "Channel": "Microsoft-Windows-Sysmon/Operational", "TimeCreated": "2024-01-02T03:04:05.678Z"}
	for i, text := range []string{costTexts[1], costTexts[2], costTexts[1], costTexts[2], costTexts[0], costTexts[0], "contoso.example", costTexts[1]} {
		e[fmt.Sprintf("Field%d", i)] = text
	}
	return e
}

var costEventText = sync.OnceValue(func() []byte {
	data, err := json.Marshal(costEvent())
	if err != nil {
		panic(err)
	}
	return data
})

func decodeCostEvent() {
	var e map[string]any
	if err := json.Unmarshal(costEventText(), &e); err != nil {
		panic(err)
	}
}

// evaluationTime measures what a rule takes for an event, on average over
// events that differ in what its fields hold. ok is false where it does not run.
func evaluationTime(r *ir.Rule) (took time.Duration, ok bool) {
	set, ds := NewRuleSetOf([]*ir.Rule{r}, RuleSetOptions{AnySource: true, NoIndex: true})
	if ds.HasErrors() {
		return 0, false
	}
	events := make([]map[string]any, len(costTexts))
	for i, text := range costTexts {
		events[i] = costEvent()
		fillFields(events[i], r.When, text, new(int))
	}
	var err error
	all := quickest(func() {
		s := set.scratch.Get().(*scratch)
		for _, e := range events {
			s.event.reset(e)
			if _, failed := set.decide(set.any, s); failed != nil {
				err = failed
			}
		}
		s.release(set)
	})
	return all / time.Duration(len(events)), err == nil && len(set.Disabled()) == 0
}

// quickest returns the shortest of several runs, which what else the machine
// does disturbs least.
func quickest(run func()) time.Duration {
	const runs, most = 50, 20 * time.Millisecond
	best := time.Duration(1<<63 - 1)
	began := time.Now()
	for i := range runs {
		from := time.Now()
		run()
		if took := time.Since(from); i > 0 || took > most { // the first one compiles
			best = min(best, took)
		}
		if i > 1 && time.Since(began) > most {
			break
		}
	}
	return max(best, 1)
}

// maxFilledFields bounds the fields that a built-in event is given.
const maxFilledFields = 1000

// fillFields gives an event the fields that a tree asks for.
func fillFields(event map[string]any, e ir.Expr, text string, filled *int) {
	ir.Walk(e, func(e ir.Expr) bool {
		if *filled++; *filled > maxFilledFields {
			return false
		}
		switch e := e.(type) {
		case *ir.Any:
			element := map[string]any{}
			fillFields(element, e.X, text, filled)
			fillField(event, e.Over.Path, []any{element, element})
			return false
		case *ir.Match:
			fillField(event, e.Field.Path, text)
		}
		return true
	})
}

func fillField(event map[string]any, path ir.Path, value any) {
	if len(path) == 0 || path[0].Key == "" {
		return
	}
	if len(path) > 1 {
		inner := map[string]any{}
		fillField(inner, path[1:], value)
		value = inner
	}
	if path[0].HasPosition {
		const most = 10
		list := make([]any, min(path[0].Position, most)+1)
		list[len(list)-1] = value
		value = list
	}
	event[path[0].Key] = value
}
