package sigma

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/internal/golden"
)

// TestErrors holds the findings of each bad document in testdata/errors to the
// golden file beside it.
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/errors/*.yml")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d bad documents, %v; there were more", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yml")
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, ds := Parse(filepath.Base(file), data)
			if len(ds) == 0 {
				t.Error("no findings")
			}
			for _, d := range ds {
				checkDiagnostic(t, d)
				if strings.Contains(d.Message+d.Hint, "%!") {
					t.Errorf("a verb without its argument: %v", d)
				}
			}
			var got bytes.Buffer
			if err := ds.Render(&got); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, strings.TrimSuffix(file, ".yml")+".golden", got.String())
		})
	}
}

// checkDiagnostic holds a finding to what every finding has.
func checkDiagnostic(t *testing.T, d Diagnostic) {
	t.Helper()
	if !knownCode(d.Code) {
		t.Errorf("code %q is not in the list: %v", d.Code, d)
	}
	if d.File == "" || d.Message == "" || strings.Contains(d.Message, "\n") {
		t.Errorf("not a proper finding: %+v", d)
	}
	if d.Code != CodeLimit && !d.Pos.IsValid() {
		t.Errorf("no position: %v", d)
	}
}

const exampleRule = `title: Credentials added
id: 0d7f6a1e-3c55-4d57-9a63-6f1a2b3c4d5e
name: credentials_added
sigma-version: 2.1.0
taxonomy: sigma
related:
    - id: 08fbc97d-0a2f-491c-ae21-8ffcfd3174e9
      type: similar
status: stable
description: |
    First line.
    Second line.
license: Apache-2.0
author: A, B
references: [https://example.com/a, 'https://example.com/b']
date: 2026-01-02
modified: "2026-03-04"
level: critical
tags: [attack.persistence, attack.t1098.001, cve.2026-1234]
scope: server
fields: [a, b]
falsepositives:
    - Unknown
logsource:
    category: c
    product: azure
    service: auditlogs
    definition: on
    table: AuditLogs
custom:
    list: [1, 1.5, true, null, text, 2026-01-02]
    map: {a: b}
detection:
    sel: {a: b}
    condition: sel
`

func TestMetadata(t *testing.T) {
	docs, ds := Parse("x.yml", []byte(exampleRule))
	if len(docs) != 1 || ds.HasErrors() {
		t.Fatal(ds)
	}
	d := docs[0]
	m := d.Meta
	for what, c := range map[string][2]any{
		"kind":        {d.Kind, KindRule},
		"native":      {d.Native, false},
		"id":          {m.ID, "0d7f6a1e-3c55-4d57-9a63-6f1a2b3c4d5e"},
		"name":        {m.Name, "credentials_added"},
		"title":       {m.Title, "Credentials added"},
		"version":     {m.SigmaVersion, "2.1.0"},
		"taxonomy":    {m.Taxonomy, "sigma"},
		"related":     {m.Related[0], Related{"08fbc97d-0a2f-491c-ae21-8ffcfd3174e9", "similar"}},
		"status":      {m.Status, "stable"},
		"description": {m.Description, "First line.\nSecond line.\n"},
		"license":     {m.License, "Apache-2.0"},
		"author":      {m.Author, "A, B"},
		"references":  {strings.Join(m.References, " "), "https://example.com/a https://example.com/b"},
		"date":        {m.Date, "2026-01-02"},
		"modified":    {m.Modified, "2026-03-04"},
		"level":       {m.Level, "critical"},
		"tags":        {strings.Join(m.Tags, " "), "attack.persistence attack.t1098.001 cve.2026-1234"},
		"scope":       {strings.Join(m.Scope, " "), "server"},
		"fields":      {strings.Join(m.Fields, " "), "a b"},
		"fps":         {strings.Join(m.FalsePositives, " "), "Unknown"},
		"category":    {d.LogSource.Category, "c"},
		"product":     {d.LogSource.Product, "azure"},
		"service":     {d.LogSource.Service, "auditlogs"},
		"definition":  {d.LogSource.Definition, "on"},
		"table":       {d.LogSource.Custom[0].Value, "AuditLogs"},
		"custom":      {fmt.Sprint(m.Custom[0].Value), "map[list:[1 1.5 true <nil> text 2026-01-02] map:map[a:b]]"},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: got %#v, want %#v", what, c[0], c[1])
		}
	}
}

// TestSeveralDocuments: markers cut a file wherever YAML cuts it, and each
// document's places are those of the file.
func TestSeveralDocuments(t *testing.T) {
	one := "title: %s\nlogsource: {product: p}\ndetection:\n  s: {a: b}\n  condition: s\n"
	a, b, c := fmt.Sprintf(one, "a"), fmt.Sprintf(one, "b"), fmt.Sprintf(one, "c")
	for name, text := range map[string]string{
		"markers":           a + "---\n" + b + "---\n" + c,
		"leading marker":    "---\n" + a + "---\n" + b + "---\n" + c + "---\n",
		"ends":              a + "...\n---\n" + b + "...\n# x\n---\n" + c + "...\n",
		"comments":          "# x\n---\n# y\n" + a + "--- # z\n" + b + "---\n\n---\n" + c,
		"directives":        "%YAML 1.1\n---\n" + a + "...\n%YAML 1.1\n---\n" + b + "---\n" + c,
		"CRLF":              strings.ReplaceAll(a+"---\n"+b+"---\n"+c, "\n", "\r\n"),
		"byte order mark":   "\ufeff" + a + "---\n" + b + "---\n" + c,
		"dashes in text":    strings.Replace(a, "title", "description: |\n  ---\n  x\ntitle", 1) + "---\n" + b + "---\n" + c,
		"null in between":   a + "---\n~\n---\n" + b + "---\n" + c,
		"broken in between": a + "---\n[\n---\n" + b + "---\n" + c,
	} {
		docs, _ := Parse("x.yml", []byte(text))
		var titles []string
		for _, d := range docs {
			titles = append(titles, d.Meta.Title)
			line := splitLines(strings.TrimPrefix(text, "\ufeff"))[d.KeyPos("title").Line-1]
			if line != "title: "+d.Meta.Title {
				t.Errorf("%s: title in line %d, which is %q", name, d.KeyPos("title").Line, line)
			}
		}
		if strings.Join(titles, "") != "abc" {
			t.Errorf("%s: documents %v", name, titles)
		}
	}
}

func TestCodes(t *testing.T) {
	seen := map[Code]bool{}
	for _, c := range Codes() {
		if seen[c.Code] || c.Text == "" || strings.ToLower(string(c.Code)) != string(c.Code) {
			t.Errorf("code %q: %q", c.Code, c.Text)
		}
		seen[c.Code] = true
	}
}

func TestSilence(t *testing.T) {
	docs, _ := Parse("x.yml", []byte("# rulewright: ignore unknown-field it is new\n"+exampleRule))
	ds := docs[0].Silence(Diagnostics{
		{File: "x.yml", Pos: Pos{2, 5}, Severity: SeverityWarning, Code: CodeUnknownField},
		{File: "x.yml", Pos: Pos{2, 5}, Severity: SeverityError, Code: CodeUnknownField},
		{File: "x.yml", Pos: Pos{3, 5}, Severity: SeverityWarning, Code: CodeUnknownField},
		{File: "y.yml", Pos: Pos{2, 5}, Severity: SeverityWarning, Code: CodeUnknownField},
	})
	if len(ds) != 3 {
		t.Errorf("%v", ds)
	}
}
