package compiler_test

import (
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/rules"
	"github.com/rulewright/rulewright/sigma"
)

// sharedRules are what may go wrong where one table's tree is rewritten for
// another.
const sharedRules = `
title: A selection that no condition names, with a field that some tables lack
logsource: {product: azure, service: auditlogs}
detection:
    a: {OperationName: x}
    b: {NoSuchColumn: y}
    condition: a
---
title: Fields of different types in different tables
logsource: {product: azure, service: signinlogs}
detection:
    a: {ResultType: 50126, IPAddress|cidr: 10.0.0.0/8, DeviceDetail|contains: x, Status: text, RiskLevelDuringSignIn: [a, 1, true]}
    condition: a
---
title: Another field, a time part, a duration
rulewright: 1
id: 6d0b1b0e-0000-4000-8000-000000000001
logsource: {product: azure, service: signinlogs}
detection:
    a: {UserPrincipalName|fieldref: UserDisplayName, TimeGenerated|hour=Europe/Berlin|gte: 18}
    b: {TimeGenerated|since=CreatedDateTime|gt: 3d}
    c:
        ConditionalAccessPolicies[any]: {displayName: x, result: y}
    d: {'ConditionalAccessPolicies[0].displayName': x}
    condition: a or b or c or d
---
title: Dates, the only thing that the rule asks
rulewright: 1
id: 6d0b1b0e-0000-4000-8000-000000000002
logsource: {product: azure, service: signinlogs}
detection:
    a: {TimeGenerated|date=Europe/Berlin: ['2026-05-14', '????-12-25']}
    condition: a
---
title: A weekday, hours
rulewright: 1
id: 6d0b1b0e-0000-4000-8000-000000000003
logsource: {product: azure, service: signinlogs}
detection:
    a: {TimeGenerated|weekday: 7}
    b: {TimeGenerated|outside: 'Mon-Fri 08:00-18:00 Europe/Berlin'}
    condition: a or b
---
title: A parameter that is compared without expand
rulewright: 1
id: 6d0b1b0e-0000-4000-8000-000000000004
parameters:
    - {name: most, type: number, default: 5, description: How many}
    - {name: off, type: date, list: true, default: ['????-01-01'], description: Days}
logsource: {product: azure, service: signinlogs}
detection:
    a: {DurationMs|gte: '%most%'}
    b: {TimeGenerated|date: '%off%'}
    condition: a and not b
---
title: Only a number that is a parameter
rulewright: 1
id: 6d0b1b0e-0000-4000-8000-000000000005
parameters:
    - {name: most, type: number, default: 5, description: How many}
logsource: {product: azure, service: signinlogs}
detection:
    a: {DurationMs|gte: '%most%'}
    condition: a
---
title: Keywords, a name twice, wildcards, counts
logsource: {product: windows, category: process_creation}
detection:
    k: [one, 'two*three']
    s1: {Image|endswith: '\a.exe', CommandLine|contains|all: [' -a ', ' -b ']}
    s2: {Image: ['*\b.exe', 'c?.exe', null, ''], CommandLine|re: 'x[0-9]+y'}
    s3: [{Image: a}, {ParentImage|contains: b}]
    condition: k or 2 of s* and not s1 and not (1 of s2* or all of s3*)
---
title: A placeholder that a pipeline or nobody fills
logsource: {product: windows, category: process_creation}
detection:
    s: {User|expand: '%Administrators%', Image: x}
    condition: s
---
title: Always, never and errors
logsource: {product: windows, category: process_creation}
detection:
    s: {Image|contains: '', ProcessId: [], Hashes|base64: 'a*b'}
    t: {Image|re: '('}
    condition: s and t
---
title: Of two tables, one without a number of it
logsource: {product: windows, service: security}
detection:
    s: {EventID: 4624, LogonType: 3, SubjectUserName|endswith: '$', IpAddress: null}
    condition: s
---
title: A filter
logsource: {product: windows}
filter:
    rules: any
    keep: {Image|endswith: '\kept.exe', 'User': '%me%'}
    condition: not keep
`

func TestSharedLoweringIsLoweringByItself(t *testing.T) {
	docs, _ := sigma.Parse("shared.yml", []byte(sharedRules))
	docs = append(docs, conformance.WorkloadRules(7, 300)...)
	fs.WalkDir(rules.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if data, err := fs.ReadFile(rules.FS, path); err == nil {
			ds, _ := sigma.Parse(path, data)
			docs = append(docs, ds...)
		}
		return nil
	})
	var filters []*sigma.Document
	for _, d := range docs {
		if d.Kind == sigma.KindFilter {
			filters = append(filters, d)
		}
	}
	for _, filters := range [][]*sigma.Document{nil, filters} {
		opts := compiler.Options{Filters: filters}
		shared, found := compiler.LoweredForEvents(docs, opts, true)
		alone, want := compiler.LoweredForEvents(docs, opts, false)
		for i := range docs {
			if !reflect.DeepEqual(found[i], want[i]) {
				t.Errorf("%s:%d: findings\n%v\nby itself\n%v", docs[i].File, docs[i].Pos.Line, found[i], want[i])
			}
			if got, want := loweredText(shared[i]), loweredText(alone[i]); got != want {
				t.Errorf("%s:%d: shared\n%s\nby itself\n%s", docs[i].File, docs[i].Pos.Line, got, want)
			}
		}
	}
}

func loweredText(rules []*ir.Rule) string {
	var b strings.Builder
	for _, r := range rules {
		s := r.Source
		fmt.Fprintf(&b, "%s %s %s\nwhere %s\ntime %s\nwhen %s\nentities", s.Pipeline, s.Form, s.Table, ir.Print(s.Where), s.Time.Spec(), ir.Print(r.When))
		for _, e := range r.Entities {
			fmt.Fprintf(&b, " %s=%s", e.Type, e.Field.Spec())
		}
		for _, m := range ir.Matches(r.When) {
			fmt.Fprintf(&b, "\n%+v %v %v", m.Field.Path, m.Field.Type, m.Field.Name)
		}
		fmt.Fprintf(&b, "\nlacks %v, parameters %v, inner %v", r.Lacks, s.Parameters, r.Inner)
		if r.Once != nil {
			fmt.Fprintf(&b, ", once for %d by", r.Once.For)
			for _, f := range r.Once.By {
				b.WriteString(" " + f.Spec())
			}
		}
		b.WriteString("\n\n")
	}
	return b.String()
}
