package main

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rulewright/rulewright/sigma"
)

func runNew(c *cli, args []string) int {
	f := c.flags("--title TITLE [flags] [FOLDER]", `
Write a new rule and its fixture file into FOLDER (default: here). Both are whole:
rulewright check and rulewright test pass on them, and you change them from there.

Example:
  rulewright new --title "Mail forwarded to a free mail provider" --service auditlogs my-rules/`)
	title := f.String("title", "", "the rule's `title`: what happened, in a few words")
	product := f.String("product", "azure", "the logsource's `product`")
	service := f.String("service", "auditlogs", "the logsource's `service`")
	category := f.String("category", "", "the logsource's `category`")
	author := f.String("author", "", "the rule's `author`")
	level := f.String("level", "medium", "the rule's `level`")
	tier := f.String("tier", "alert", "the rule's `tier`: alert, report, hunt, product")
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
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return c.fail(err)
	}
	t := newTemplate(*product, *service, *category)
	rule := fmt.Sprintf(`rulewright: 1
title: %s
id: %s
version: 0.1.0
status: experimental
description: >-
  What happened, why it matters, and what else looks like it.
author: %s
date: %s
level: %s
tier: %s
tags: [attack.persistence]
%sentities:
  - account: %s
triage:
  true_positive: What it means when it is real.
  benign: Who does this in their daily work.
  actions:
    - What to look at first.
logsource: %s
detection:
  selection:
    %s: %s
  condition: selection
falsepositives:
  - Who does this in their daily work
`, quote(*title), id, quote(cmp.Or(*author, "unknown")), time.Now().UTC().Format(time.DateOnly), *level, *tier, t.requires, t.account, t.logsource, t.field, quote(t.value))
	fixture := fmt.Sprintf(`# What the rule must and must not match. rulewright test runs it.
rulewright-fixtures: 1
file: %s.yaml
cases:
  - name: it happened
    expect: match
    selections: [selection]
    events:
      - %s
        event: %s
  - name: something like it happened
    expect: no match
    events:
      - %s
        event: %s
`, name, t.form, t.event(t.value), t.form, t.event("Something else"))
	files := []struct{ name, text string }{{name + ".yaml", rule}, {name + ".fixtures.yaml", fixture}}
	for _, file := range files { // neither, rather than one
		if _, err := os.Stat(filepath.Join(dir, file.name)); !errors.Is(err, fs.ErrNotExist) {
			return c.fail(fmt.Errorf("%s is there already; choose another title or folder", filepath.Join(dir, file.name)))
		}
	}
	for _, file := range files {
		full := filepath.Join(dir, file.name)
		if err := os.WriteFile(full, []byte(file.text), 0o666); err != nil {
			return c.fail(err)
		}
		fmt.Fprintln(c.out, full)
	}
	fmt.Fprintf(c.out, "next: rulewright check %s; rulewright test %s\n", dir, dir)
	return exitOK
}

// ruleTemplate is what a new rule says about its logs.
type ruleTemplate struct {
	logsource, requires, account, field, value, form string
	known                                            []string // more of an event
}

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
		t.account, t.field, t.value, t.form = "InitiatedBy.user.userPrincipalName", "OperationName", "Add user", "form: log-analytics"
		t.known = []string{"Type: AuditLogs", "TimeGenerated: '2026-01-01T00:00:00Z'", "InitiatedBy: {user: {userPrincipalName: ana@contoso.com}}"}
	case "azure/signinlogs/":
		t.requires = "requires:\n  - {table: SigninLogs, connector: AzureActiveDirectory, licence: Entra ID P1}\n"
		t.account, t.field, t.value, t.form = "UserPrincipalName", "AppDisplayName", "Azure Portal", "form: log-analytics"
		t.known = []string{"Type: SigninLogs", "TimeGenerated: '2026-01-01T00:00:00Z'", "UserPrincipalName: ana@contoso.com"}
	default:
		t.account, t.field, t.value, t.form = "User", "FieldName", "value", "form: any"
		t.known = []string{"User: ana"}
	}
	return t
}

// event is an event as YAML flow.
func (t ruleTemplate) event(value string) string {
	return "{" + strings.Join(append(append([]string{}, t.known...), t.field+": "+quote(value)), ", ") + "}"
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
