package compiler

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/sigma"
	"github.com/rulewright/rulewright/sigma/schema/schematest"
)

// TestPipelineExample reads the example of the reference page.
func TestPipelineExample(t *testing.T) {
	page, err := os.ReadFile("../docs/pipeline.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```yaml\n")
	text, _, ok := strings.Cut(text, "```")
	if !ok {
		t.Fatal("no example")
	}
	p, diags := ParsePipeline("docs/pipeline.md", []byte(text))
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	if p.Name() != "contoso" || p.Form() != "azure-diagnostic" {
		t.Error(p.Name(), p.Form())
	}
	audit := p.sources(sigma.LogSource{Product: "azure", Service: "auditlogs"})
	vpn := p.sources(sigma.LogSource{Product: "contoso", Category: "vpn"})
	if len(audit) != 1 || len(vpn) != 1 || len(vpn[0].where) != 2 {
		t.Fatalf("%v %v", audit, vpn)
	}
	for _, c := range []struct {
		in         target
		name, spec string
	}{
		{audit[0], "Category", "properties.category"},
		{audit[0], "user_agent", "properties.userAgent"},
		{audit[0], "InitiatedBy.user.ipAddress", "properties.initiatedBy{}.user.ipAddress@ip"},
		{audit[0], "TargetResources.modifiedProperties.newValue", "properties.targetResources{}.changes.newValue"},
		{audit[0], "AdditionalDetails.User-Agent", "properties.additionalDetails{}[key=User-Agent].value"},
		{audit[0], "Resource", "Resource (not in azure-diagnostic)"},
		{audit[0], "TimeGenerated", "time"},
		{vpn[0], "src_ip", "ClientIP@ip"},
		{vpn[0], "user", "UserName_s"},
		{vpn[0], "Raw_s.session.id", "Raw_s{}.vpn[0].session.id"},
		{vpn[0], "whatever.else", "whatever.else"},
	} {
		if f, _ := c.in.top().field(sigma.Field{Name: c.name}); f.Spec() != c.spec {
			t.Errorf("%s: %s, want %s", c.name, f.Spec(), c.spec)
		}
	}
	if v, ok := p.placeholder("breakglass_accounts"); !ok || len(v) != 2 {
		t.Error(v, ok)
	}
	if len(p.sources(sigma.LogSource{Product: "azure", Service: "signinlogs"})) != 0 {
		t.Error("the pipeline does not carry SigninLogs")
	}
	if ts := p.sources(sigma.LogSource{Product: "contoso", Service: "contosovpn_cl"}); len(ts) != 1 {
		t.Error("a service may be the name of a table")
	}

	s, err := PipelineSchema()
	if err != nil {
		t.Fatal(err)
	}
	checker, err := schematest.New(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := checker.Check([]byte(text)); err != nil {
		t.Error(err)
	}
	err = fs.WalkDir(pipelineFiles, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := pipelineFiles.ReadFile(file)
		if bad := checker.Check(data); bad != nil {
			t.Errorf("%s: %v", file, bad)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestPipelineDiagnostics(t *testing.T) {
	const head = "rulewright-pipeline: 1\nname: x\n"
	for _, c := range []struct{ text, want string }{
		{"", "1:1 document"},
		{"- a\n", "1:1 document"},
		{"a: [\n", "1:1 yaml-syntax"},
		{"name: x\n", "1:1 missing-key"},
		{"rulewright-pipeline: 2\nname: x\n", "1:22 bad-value"},
		{"rulewright-pipeline: 1\n", "1:1 missing-key"},
		{head + "tabels: {}\n", "3:1 unknown-key did you mean tables?"},
		{head + "form: log-analytic\n", "3:7 bad-value did you mean log-analytics?"},
		{head + "schemas: workspaces\n", "3:10 bad-value did you mean workspace?"},
		{head + "extends: sentinal\n", "3:10 bad-value"},
		{head + "name: y\n", "3:1 duplicate-key"},
		{head + "sources: {}\n", "3:10 wrong-type"},
		{head + "sources:\n  - tables: [a]\n", "4:5 missing-key"},
		{head + "sources:\n  - logsource: {}\n    tables: [a]\n", "4:16 bad-value"},
		{head + "sources:\n  - logsource: {product: a}\n  - logsource: {product: A}\n", "5:5 duplicate-key"},
		{head + "sources:\n  - logsource: {product: a}\n    tables: [{where: {a: 1}}]\n", "5:14 missing-key"},
		{head + "sources:\n  - logsource: {product: a}\n    where: {a|contains: 1}\n", "5:13 bad-value"},
		{head + "sources:\n  - logsource: {product: a}\n    where: {a: {b: 1}}\n", "5:16 wrong-type"},
		{head + "tables: {a: {fields: {b: {typ: ip}}}}\n", "3:27 unknown-key did you mean type?"},
		{head + "tables: {a: {fields: {b: {type: strin}}}}\n", "3:33 bad-value did you mean string?"},
		{head + "tables: {a: {fields: {b: 'c[1'}}}\n", "3:26 bad-value"},
		{head + "tables: {a: {fields: {'b.*': 'c'}}}\n", "3:23 bad-value"},
		{head + "tables: {a: {fields: {b: 'c[Name=*].Value'}}}\n", "3:23 bad-value"},
		{head + "tables: {a: {fields: {b: {path: c, absent: true}}}}\n", "3:26 bad-value"},
		{head + "tables: {a: {fields: {b: {list: yes}}}}\n", "3:33 bad-value"},
		{head + "tables: {a: {fields: {b: {join: []}}}}\n", "3:23 bad-value"},
		{head + "tables: {a: {fields: {b: {by: x}}}}\n", "3:23 bad-value"},
		{head + "tables: {a: {fields: {b: {join: [c], path: d}}}}\n", "3:23 bad-value"},
		{head + "tables: {a: {fields: {b.c: {join: [d]}}}}\n", "3:23 bad-value"},
		{head + "tables: {a: {fields: {b: {join: [{before: x}]}}}}\n", "3:34 missing-key"},
		{head + "form: log-analytics\ntables: {a: {fields: {b: {join: [c]}}}}\n", "4:23 bad-value"},
		{head + "tables: {a: &x {open: true}, b: *x}\n", "3:33 wrong-type"},
		{head + "root: " + strings.Repeat("a", maxYAMLName+1) + "\n", "3:7 limit"},
		{head + "placeholders: " + strings.Repeat("[", pipelineLimits.depth+1) + strings.Repeat("]", pipelineLimits.depth+1) + "\n", "3:35 limit"},
		{strings.Repeat("#\n", pipelineLimits.bytes/2+1), "1:1 limit"},
	} {
		p, diags := ParsePipeline("p.yaml", []byte(c.text))
		if p != nil || len(diags) == 0 {
			t.Errorf("%.80q: accepted", c.text)
			continue
		}
		d := diags[0]
		got := strings.TrimSpace(strings.ReplaceAll(fmt.Sprintf("%d:%d %s %s", d.Pos.Line, d.Pos.Col, d.Code, d.Hint), `"`, ""))
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%.80q: %s: %s, want %s", c.text, got, d.Message, c.want)
		}
	}
}

func TestMergePipelines(t *testing.T) {
	a := mustParse(t, `{rulewright-pipeline: 1, name: a, form: windows-flat,
		sources: [{logsource: {product: p}, where: {x: 1}, tables: [T, {table: U, where: {y: 2}}]}],
		tables: {T: {time: t, fields: {F: {path: f, type: ip}, G: g}}}, aliases: {l: F}, placeholders: {v: [1]}}`)
	b := mustParse(t, `{rulewright-pipeline: 1, name: b,
		sources: [{logsource: {product: P}, where: {z: 3}, tables: [U]}, {logsource: {category: c}, tables: [U, T], where: {w: 4}}],
		tables: {T: {id: i, fields: {F: {path: ff}}}}, aliases: {l: G}, placeholders: {v: [2, 3]}}`)
	m := MergePipelines(nil, a, nil, b)
	if m.Name() != "a+b" || m.Form() != "windows-flat" {
		t.Error(m.Name(), m.Form())
	}
	where := func(ts []target) string {
		var out []string
		for _, tg := range ts {
			s := tg.table + ":"
			for _, w := range tg.where {
				s += " " + w.field.Name
			}
			out = append(out, s)
		}
		return strings.Join(out, "; ")
	}
	for _, c := range []struct {
		ls   sigma.LogSource
		want string
	}{
		{sigma.LogSource{Product: "p"}, "U: x z y"},
		{sigma.LogSource{Category: "c"}, "U: w; T: w"},
		{sigma.LogSource{Category: "C", Product: "P", Service: "s"}, "U: x z y w"},
		{sigma.LogSource{Product: "q"}, ""},
	} {
		if got := where(m.sources(c.ls)); got != c.want {
			t.Errorf("%v: %q, want %q", c.ls, got, c.want)
		}
	}
	tg, ok := m.table("T")
	if !ok {
		t.Fatal("no T")
	}
	if f, _ := tg.top().field(sigma.Field{Name: "F"}); f.Spec() != "ff@ip" {
		t.Error(f.Spec())
	}
	if f, _ := tg.top().field(sigma.Field{Name: "L"}); f.Spec() != "g" {
		t.Error(f.Spec())
	}
	if tg.time().Spec() != "t" || tg.id().Spec() != "i" {
		t.Error(tg.time().Spec(), tg.id().Spec())
	}
	if v, _ := m.placeholder("v"); len(v) != 2 {
		t.Error(v)
	}
	if MergePipelines() != nil || MergePipelines(nil, a) != a {
		t.Error("of none and of one")
	}
}

func mustParse(t *testing.T, text string) *Pipeline {
	t.Helper()
	p, diags := ParsePipeline("p.yaml", []byte(strings.ReplaceAll(text, "\t", " ")))
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	return p
}

func FuzzParsePipeline(f *testing.F) {
	files, err := fs.Glob(pipelineFiles, "pipelines/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := pipelineFiles.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "TargetResources.modifiedProperties.newValue")
	}
	f.Add([]byte("rulewright-pipeline: 1\nname: x\ntables: {a: {root: b, case: camel, fields: {'c.*': '[d=*].e', c: {type: json}}}}\nsources: [{logsource: {product: p}, tables: [a]}]\n"), "c.x.y")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		p, diags := ParsePipeline("fuzz", data)
		if (p == nil) != diags.HasErrors() {
			t.Fatalf("%v with %v", p, diags)
		}
		if p == nil || name == "" {
			return
		}
		for _, s := range p.entries[:min(3, len(p.entries))] {
			for _, tg := range p.sources(sigma.LogSource{Category: s.category, Product: s.product, Service: s.service}) {
				tg.top().field(sigma.Field{Name: name})
				_, in, _ := tg.top().element(sigma.Field{Name: name})
				in.field(sigma.Field{Name: name, Steps: []sigma.FieldStep{{Name: name, Index: 1}, {Name: name, Index: -1}}})
			}
		}
	})
}
