package main

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rulewright/rulewright/sigma"
)

func runNew(c *cli, args []string) int {
	f := c.flags("--title TITLE [flags] [FOLDER]", `
Write a new rule and its fixture file into FOLDER (default: here). Both are whole:
rulewright check and rulewright test pass on them, and you change them from there.

In a checkout of Rulewright a folder of the pack, rules/GUIDE, is one whose rules
its tests ask more of: the rule has all that, and the fixtures go to the folder of
the guide in conformance/fixtures. It needs --covers and a technique as --tag.

Examples:
  rulewright new --title "Mail forwarded to a free mail provider" --service auditlogs my-rules/
  rulewright new --title "Alert on a new owner" --covers application-ownership-change --tag attack.persistence,attack.t1098 rules/entra-apps`)
	title := f.String("title", "", "the rule's `title`: what happened, in a few words")
	product := f.String("product", "azure", "the logsource's `product`")
	service := f.String("service", "auditlogs", "the logsource's `service`")
	category := f.String("category", "", "the logsource's `category`")
	author := f.String("author", "", "the rule's `author`")
	level := f.String("level", "medium", "the rule's `level`")
	tier := f.String("tier", "alert", "the rule's `tier`: alert, report, hunt, product")
	covers := f.String("covers", "", "the `item` of a guide that the rule is for")
	var tags list
	f.Var(&tags, "tag", "a `tag`, such as attack.persistence; again for more")
	args, code, ok := c.parse(f, args)
	if !ok {
		return code
	}
	if err := oneOf("level", *level, levels...); err != nil {
		return c.misuse("%v", err)
	}
	if err := oneOf("tier", *tier, sigma.Tiers()...); err != nil {
		return c.misuse("%v", err)
	}
	name := sigma.Slug(*title)
	if strings.TrimSpace(*title) == "" || name == "" || strings.ContainsAny(*title, "\n\r") {
		return c.misuse("what is the rule about? Give it a --title, with letters, on one line")
	}
	dir := "."
	if len(args) > 1 {
		return c.misuse("one folder, please")
	}
	if len(args) == 1 {
		dir = args[0]
	}
	id, err := newUUID()
	if err != nil {
		return c.fail(err)
	}
	t := newTemplate(*product, *service, *category)
	guide, err := guideOf(dir)
	if err != nil {
		return c.fail(err)
	}
	of, severity, coverage, references := "file: "+name+".yaml", "", "", ""
	if guide != nil {
		item, err := guide.item(*covers)
		if err != nil {
			return c.misuse("%v", err)
		}
		if !slices.ContainsFunc(tags, technique) {
			return c.misuse("a rule of the pack has a technique of ATT&CK: --tag attack.persistence,attack.t1098")
		}
		*covers = item.ID
		of = "rule: " + id + " # " + name
		severity = "guide_severity: " + quote(item.Severity) + "\n"
		references = "references:\n  - https://learn.microsoft.com/ # the page that says so\n"
		if t.requires == "" {
			t.requires = "requires:\n  - {table: " + quote(item.Tables[0]) + ", connector: whose connector, licence: with which licence}\n"
		}
	}
	if *covers != "" {
		coverage = "coverage:\n  - " + *covers + "\n"
	}
	if len(tags) == 0 {
		tags = list{"attack.persistence"}
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return c.fail(err)
	}
	rule := fmt.Sprintf(`rulewright: 1
title: %s
id: %s
version: 0.1.0
status: experimental
description: >-
  What happened, why it matters, and what else looks like it.
%sauthor: %s
date: %s
level: %s
tier: %s
%stags: [%s]
%s%sentities:
  - account: %s
triage:
  true_positive: What it means when it is real.
  benign: Who does this in their daily work.
  false_positive: What else looks the same.
  actions:
    - What to look at first.
  scope: What else may be affected.
logsource: %s
detection:
  selection:
    %s: %s
  condition: selection
falsepositives:
  - Who does this in their daily work
`, quote(*title), id, references, quote(cmp.Or(*author, "unknown")), time.Now().UTC().Format(time.DateOnly), *level, *tier, severity, strings.Join(tags, ", "), t.requires, coverage, t.account, t.logsource, t.field, quote(t.value))
	fixture := fmt.Sprintf(`# What the rule must and must not match. rulewright test runs it.
rulewright-fixtures: 1
%s
cases:
  - name: it happened
    expect: match
    selections: [selection]
    events:
%s  - name: something like it happened
    expect: no match
    events:
%s  - name: something of a longer name
    expect: no match
    events:
%s%s`, of, t.events(t.value), t.events("Something else"), t.events("Not "+t.value+" again"), t.without())
	files := []struct{ name, text string }{{filepath.Join(dir, name+".yaml"), rule}, {filepath.Join(dir, name+".fixtures.yaml"), fixture}}
	if guide != nil {
		files[1].name = filepath.Join(guide.fixtures, name+".yaml")
	}
	for _, file := range files { // neither, rather than one
		if _, err := os.Stat(file.name); !errors.Is(err, fs.ErrNotExist) {
			return c.fail(fmt.Errorf("%s is there already; choose another title or folder", file.name))
		}
	}
	for _, file := range files {
		if err := os.WriteFile(file.name, []byte(file.text), 0o666); err != nil {
			return c.fail(err)
		}
		fmt.Fprintln(c.out, file.name)
	}
	if guide != nil {
		fmt.Fprintln(c.out, "next: put your facts in place of the examples, and write the generated files anew: CONTRIBUTING.md, Add a rule")
		return exitOK
	}
	fmt.Fprintf(c.out, "next: rulewright check %s; rulewright test %s\n", dir, dir)
	return exitOK
}

// ruleTemplate is what a new rule says about its logs.
type ruleTemplate struct {
	logsource, requires, account, field, value string
	forms                                      []eventTemplate
}

// eventTemplate is an event of a form as YAML flow, without and with the
// field's value.
type eventTemplate struct{ form, rest, value string }

func newTemplate(product, service, category string) ruleTemplate {
	var source []string
	for _, kv := range [][2]string{{"category", category}, {"product", product}, {"service", service}} {
		if kv[1] != "" {
			source = append(source, kv[0]+": "+quote(kv[1]))
		}
	}
	t := ruleTemplate{logsource: "{" + strings.Join(source, ", ") + "}"}
	switch strings.ToLower(product + "/" + service + "/" + category) {
	case "azure/auditlogs/":
		t.requires = "requires:\n  - {table: AuditLogs, connector: AzureActiveDirectory, licence: Entra ID Free}\n"
		t.account, t.field, t.value = "InitiatedBy.user.userPrincipalName", "OperationName|startswith", "Add user" // the unified audit log ends it with a full stop
		t.forms = []eventTemplate{
			{"log-analytics", "Type: AuditLogs, TimeGenerated: '2026-01-01T00:00:00Z', InitiatedBy: {user: {userPrincipalName: ana@contoso.com}}", "OperationName: %s"},
			{"azure-diagnostic", "time: '2026-01-01T00:00:00Z', category: AuditLogs", "operationName: %[1]s, properties: {activityDisplayName: %[1]s, initiatedBy: {user: {userPrincipalName: ana@contoso.com}}}"},
		}
	case "azure/signinlogs/":
		t.requires = "requires:\n  - {table: SigninLogs, connector: AzureActiveDirectory, licence: Entra ID P1}\n"
		t.account, t.field, t.value = "UserPrincipalName", "AppDisplayName", "Azure Portal"
		t.forms = []eventTemplate{
			{"log-analytics", "Type: SigninLogs, TimeGenerated: '2026-01-01T00:00:00Z', UserPrincipalName: ana@contoso.com", "AppDisplayName: %s"},
			{"azure-diagnostic", "time: '2026-01-01T00:00:00Z', category: SignInLogs, operationName: Sign-in activity", "properties: {userPrincipalName: ana@contoso.com, appDisplayName: %s}"},
		}
	default:
		t.account, t.field, t.value = "User", "FieldName", "value"
		t.forms = []eventTemplate{{"any", "User: ana", "FieldName: %s"}}
	}
	return t
}

// events are the events of a case, one in each form, with a value of the field.
func (t ruleTemplate) events(value string) string {
	var b strings.Builder
	for _, e := range t.forms {
		fmt.Fprintf(&b, "      - form: %s\n        event: {%s, %s}\n", e.form, e.rest, fmt.Sprintf(e.value, quote(value)))
	}
	return b.String()
}

// without are cases in which the field has no value.
func (t ruleTemplate) without() string {
	e := t.forms[0]
	return fmt.Sprintf(`  - name: nothing is said about it
    expect: no match
    events:
      - form: %[1]s
        event: {%[2]s}
  - name: what is said about it is null
    expect: no match
    events:
      - form: %[1]s
        event: {%[2]s, %[3]s}
`, e.form, e.rest, fmt.Sprintf(e.value, "null"))
}

// quote writes text as a YAML scalar.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// newUUID is a random UUID (version 4).
func newUUID() (string, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", err
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]), nil
}
