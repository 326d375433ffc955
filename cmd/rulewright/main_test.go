package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
)

// rulewright runs the command in testdata.
func rulewright(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Chdir("testdata")
	return rulewrightHere(t, stdin, args...)
}

func rulewrightHere(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(stdin), &out, &err)
	return code, out.String(), err.String()
}

const oneEvent = `{"Type":"AuditLogs","Id":"9","TimeGenerated":"2026-03-01T09:00:00Z","OperationName":"Add user","InitiatedBy":{"user":{"userPrincipalName":"eve@contoso.com"}}}`

// The second event is older than the first by two minutes; later ones make no
// new burst but, with once, repeat it.
const (
	late  = `{"Type":"AuditLogs","TimeGenerated":"2026-03-01T09:02:00Z","OperationName":"Delete user","InitiatedBy":{"user":{"userPrincipalName":"eve"}}}{"Type":"AuditLogs","TimeGenerated":"2026-03-01T09:00:00Z","OperationName":"Delete user","InitiatedBy":{"user":{"userPrincipalName":"eve"}}}{"Type":"AuditLogs","TimeGenerated":"2026-03-01T09:30:00Z","OperationName":"Add user"}`
	often = `{"Type":"AuditLogs","TimeGenerated":"2026-03-01T09:00:00Z","OperationName":"Delete user","InitiatedBy":{"user":{"userPrincipalName":"eve"}}}{"Type":"AuditLogs","TimeGenerated":"2026-03-01T09:01:00Z","OperationName":"Delete user","InitiatedBy":{"user":{"userPrincipalName":"eve"}}}{"Type":"AuditLogs","TimeGenerated":"2026-03-01T10:00:00Z","OperationName":"Delete user","InitiatedBy":{"user":{"userPrincipalName":"eve"}}}{"Type":"AuditLogs","TimeGenerated":"2026-03-01T10:01:00Z","OperationName":"Delete user","InitiatedBy":{"user":{"userPrincipalName":"eve"}}}`
)

// Four deletions: one before ten, three after.
const risen = `{"Type":"AuditLogs","TimeGenerated":"2026-03-01T09:30:00Z","OperationName":"Delete user"}{"Type":"AuditLogs","TimeGenerated":"2026-03-01T10:10:00Z","OperationName":"Delete user"}{"Type":"AuditLogs","TimeGenerated":"2026-03-01T10:20:00Z","OperationName":"Delete user"}{"Type":"AuditLogs","TimeGenerated":"2026-03-01T10:30:00Z","OperationName":"Delete user"}`

func TestRun(t *testing.T) {
	for _, c := range []struct {
		name  string
		args  string // separated by spaces
		stdin string
		code  int
		out   []string // all must be there; one that begins with ! must not
		err   []string
	}{
		{"no command", "", "", 2, nil, []string{"Usage: rulewright COMMAND", "match ", "Start here:"}},
		{"help", "help", "", 0, []string{"Usage: rulewright COMMAND", "Exit codes"}, nil},
		{"--help", "--help", "", 0, []string{"Usage: rulewright COMMAND"}, nil},
		{"help of a command", "match --help", "", 0, []string{"Usage: rulewright match [flags] EVENTS", "Examples:", "--profile file", "--fail-on level"}, nil},
		{"help, then a command", "help check", "", 0, []string{"Usage: rulewright check"}, nil},
		{"unknown command", "mach", "", 2, nil, []string{`there is no command "mach"; did you mean match?`}},
		{"unknown flag", "match --profil x", "", 2, nil, []string{"rulewright match: there is no flag --profil; did you mean --profile?", "--help"}},
		{"version", "version", "", 0, []string{"rulewright "}, nil},
		{"--version", "--version", "", 0, []string{"rulewright "}, nil},

		{"check", "check rules", "", 0, []string{"3 files, 2 rules, 0 errors, 0 warnings\n"}, nil},
		{"check of a slow rule", "check -", "title: t\nlogsource: {product: windows}\ndetection:\n  a: {User|re: '[0-9]{3}'}\n  condition: a\n", 0, []string{"stdin:4:16: warning: every event", "takes about", "[slow-rule]", "1 warnings"}, nil},
		{"check bad rules", "check bad", "", 1, []string{
			"bad/condition.yaml:12:14: detection has no selection 'selections' [unknown-selection]\n  12 |   condition: selections\n     |              ^\n  hint: did you mean selection?\n",
			"2 files, 1 rules, 1 errors, 1 warnings\n"}, nil},
		{"check, only the count", "check --quiet bad", "", 1, []string{"2 files, 1 rules, 1 errors, 1 warnings\n", "!selections"}, nil},
		{"check a profile and overrides", "check rules tenant.yaml overrides.yaml", "", 0, []string{"5 files, 2 rules, 0 errors"}, nil},
		{"check stdin", "check -", "title: x\n", 1, []string{"stdin:", "1 files,"}, nil},
		{"check, flags behind", "check rules --format json", "", 0, []string{`"findings": []`, `"rules": 2`}, nil},
		{"check as SARIF", "check --format sarif bad/condition.yaml", "", 1, []string{`"version": "2.1.0"`, `"ruleId": "unknown-selection"`, `"startLine": 12`, `"uri": "bad/condition.yaml"`}, nil},
		{"check, warnings fail", "check --fail-on warning --level low bad/condition.yaml", "", 2, nil, []string{"no rule fits"}},
		{"check a folder that is not there", "check nowhere", "", 2, nil, []string{"nowhere"}},
		{"check a folder of other things", "check events", "", 2, nil, []string{"there is no .yml or .yaml file in events"}},
		{"check with a pipeline", "check --pipeline sentinel rules", "", 0, []string{"0 errors"}, nil},
		{"check with a pipeline that is not there", "check --pipeline sentinal rules", "", 2, nil, []string{"did you mean sentinel?"}},
		{"check the pack", "check --quiet", "", 0, []string{" 0 errors,"}, nil},

		{"compile", "compile --to cel --set approved_admins=admin@contoso.com rules", "", 0, []string{
			"// A user is added · 0b6a1f4e-", `event.equalsAny("OperationName", ["Add user"])`}, nil},
		{"compile, through a pipeline", "compile --to cel --pipeline azure-diagnostic --id 0b6a1f4e-3d0c-4f57-9d0d-5f2b0f6a7c11 rules", "", 0, []string{"azure-diagnostic AuditLogs"}, nil},
		{"compile, a parameter missing", "compile --to cel --format jsonl rules", "", 1, []string{
			`"error":"rules/user-added-by-stranger.yaml:20:1: A user is added by a stranger: these parameters have no value: approved_admins; give them with --profile or --set [parameter]"`, `"query":"event.equalsAny(`}, []string{"1 refused"}},
		{"compile to nothing", "compile rules", "", 2, nil, []string{"--to takes cel"}},
		{"compile to KQL", "compile --to kql --set approved_admins=admin@contoso.com rules", "", 0, []string{"AuditLogs\n| where "}, nil},
		{"compile what can never hold", "compile --to kql --pipeline defender -", "title: t\nlogsource: {product: azure, category: signin}\ndetection:\n  a: {IsManaged: true}\n  condition: a\n", 0,
			[]string{"| where false"}, []string{"stdin:4:18: warning: IsManaged holds numbers; it never equals true"}},
		{"compile bad rules", "compile --to cel bad/condition.yaml", "", 1, nil, []string{"refused: bad/condition.yaml:12:14", "; did you mean selection?"}},
		{"compile a correlation to SQL without a time", "compile --to sql --dialect sqlite -", countedRule, 1, nil,
			[]string{"refused: stdin:3:12: no column is known to hold the time of these events", "name it with Target.Time (--time)"}},
		{"compile a correlation to SQL with a time", "compile --to sql --dialect sqlite --time ts -", countedRule, 0, []string{"ts"}, nil},
		{"compile to KQL, a flag of SQL", "compile --to kql --dialect sqlite rules", "", 2, nil, []string{"--dialect is for --to sql"}},

		{"match", "match --rules rules events", "", 0, []string{
			"eve@contoso.com  (account, 1 hit)\n  2026-03-01 09:00:00Z  high           A user is added  ip 203.0.113.7\n      OperationName = Add user\n",
			"2 hits of 1 rule: 2 high\n",
			"4 events in 2 files; 1 left out as duplicates; 1 unreadable; 1 other file passed over\n",
			"1 event of unknown source met no rule: events/a.jsonl (1); see",
			"1 of 2 rules ran, 1 did not: parameters without a value: approved_admins (1 rule)\n", "rulewright params"}, []string{"a.jsonl:3: "}},
		{"match with a profile", "match --rules rules --profile tenant.yaml events", "", 0, []string{"critical       A user is added by a stranger", "3 hits of 2 rules: 1 critical, 2 high", "2 rules ran\n"}, nil},
		{"match with --set", "match --rules rules --set approved_admins=admin@contoso.com --set approved_admins=eve@contoso.com events", "", 0, []string{"!stranger", "2 rules ran\n"}, nil},
		{"match with overrides", "match --rules rules --overrides overrides.yaml events", "", 0, []string{"2 hits of 1 rule: 2 low"}, nil},
		{"match, a file named twice", "match --rules rules events events/b.csv", "", 0, []string{"4 events in 2 files; 1 left out as duplicates"}, nil},
		{"match, --min-level", "match --rules rules --overrides overrides.yaml --min-level medium events", "", 0, []string{"0 hits\n"}, nil},
		{"match, --fail-on", "match --rules rules --fail-on high events", "", 1, []string{"2 high"}, nil},
		{"match, --fail-on more", "match --rules rules --fail-on critical events", "", 0, []string{"2 high"}, nil},
		{"match, --level", "match --rules rules --level critical --profile tenant.yaml events", "", 0, []string{"1 hit of 1 rule: 1 critical"}, nil},
		{"match stdin", "match --rules rules -", oneEvent, 0, []string{"eve@contoso.com", "1 hit of 1 rule: 1 high", "1 event in 1 file\n"}, nil},
		{"match, set form", "match --rules rules --form azure-diagnostic -", oneEvent, 0, []string{"0 hits"}, nil},
		{"match, any source", "match --rules rules --any-source -", `{"OperationName":"Add user","x":1}`, 0, []string{"no entity named", "1 hit of 1 rule"}, nil},
		{"match, unknown source", "match --rules rules -", `{"x":1}`, 0, []string{"0 hits\n", "1 event of unknown source met no rule"}, nil},
		{"match with a pipeline for queries", "match --pipeline sentinel --rules rules events", "", 2, nil, []string{"sentinel is for queries"}},
		{"match with a pipeline laid over", "match --pipeline overlay.yaml --rules rules -", `{"Type":"AuditLogs","TimeGenerated":"2026-03-01T09:00:00Z","Activity":"Add user"}`, 0, []string{"1 hit of 1 rule"}, nil},
		{"check with two pipelines", "check --pipeline sentinel --pipeline defender --pipeline log-analytics rules", "", 0, []string{"0 errors"}, nil},
		{"compile through two pipelines of a form", "compile --to cel --pipeline log-analytics --pipeline overlay.yaml --id 0b6a1f4e-3d0c-4f57-9d0d-5f2b0f6a7c11 rules", "", 0, []string{`event.equalsAny("Activity", ["Add user"])`}, nil},
		{"match, no time", "match --rules rules -", `{"Type":"AuditLogs","OperationName":"Add user","SourceSystem":"x"}`, 0, []string{"1 event in 1 file; 1 without a time that can be read, put last", "no time"}, nil},
		{"match with what", "match --rules rules", "", 2, nil, []string{"which events?"}},
		{"match nothing", "match --rules rules nowhere.json", "", 2, nil, []string{"nowhere.json"}},
		{"match a folder without events", "match rules", "", 2, nil, []string{"no event file in rules"}},
		{"match, unknown form", "match --form sysmon events", "", 2, nil, []string{"--form takes auto, log-analytics"}},
		{"match, a table without form", "match --table x events", "", 2, nil, []string{"--table needs --form"}},
		{"match, stdin and files", "match events -", "", 2, nil, []string{"cannot be merged"}},
		{"match, an unknown parameter", "match --rules rules --set aproved_admins=x events", "", 2, nil, []string{"did you mean approved_admins?"}},
		{"match, a profile that is not there", "match --profile nope.yaml events", "", 2, nil, []string{"nope.yaml"}},
		{"match, bad rules are left out", "match --rules bad --rules rules events", "", 0, []string{"2 hits"}, []string{"bad/condition.yaml:12:14", "rules with errors are left out"}},
		{"match, only bad rules", "match --rules bad events", "", 2, nil, []string{"no rule to match"}},
		{"match with the pack", "match events", "", 0, []string{" rules ran (and ", " that only feed them), ", "which rules did not run: rulewright coverage --rules --missing\n"}, nil},
		{"match, one guide", "match --guide entra-apps events", "", 0, []string{"0 hits"}, nil},
		{"match, an unknown guide", "match --guide nope events", "", 2, nil, []string{"no rule fits"}},

		{"match correlations", "match --rules ../../../conformance/scenarios/rules ../../../conformance/scenarios/aitm-incident.jsonl", "", 0, []string{
			"nora.lindqvist@contoso.com  (account, ",
			"critical       Signs of an account taken over\n      account = nora.lindqvist@contoso.com; 3 of 6 rules within 4h, 2026-03-12 07:11:05Z to 11:11:05Z\n        09:04:11Z  A user in two countries within ten minutes\n",
			"high           A password that was found by trying  ip 203.0.113.91\n",
			"      sign_in_failed 4, sign_in 1 within 10m, 2026-03-12 10:49:44Z to 10:59:44Z\n        10:55:10Z  A sign-in that failed for its password  tomas.novak@contoso.com  203.0.113.91\n",
			"        … 4 more\n        11:10:51Z  Mail deleted  nora.lindqvist@contoso.com  203.0.113.77\n",
			"14 hits of 11 rules: 1 critical, 2 high, 6 medium, 2 low, 3 informational\n", "16 rules ran (and 12 that only feed them)\n", "!A sign-in that failed for its password\n"}, nil},
		{"match correlations by the names of accounts", "match --rules ../../../conformance/scenarios/rules ../../../conformance/scenarios/token-replay.jsonl", "", 0, []string{
			"amira.haddad@tailwindtraders.com  (account, 8 hits)\n", "critical       A token replayed\n", "bruno.costa@tailwindtraders.com  (account, 1 hit)\n", "9 hits of 8 rules"}, nil},
		{"match one correlation", "match --rules ../../../conformance/scenarios/rules --level critical --fail-on critical ../../../conformance/scenarios/aitm-incident.jsonl", "", 1, []string{"1 hit of 1 rule: 1 critical\n"}, nil},
		{"match correlations, --min-level", "match --rules ../../../conformance/scenarios/rules --min-level high ../../../conformance/scenarios/aitm-incident.jsonl", "", 0, []string{"3 hits of 3 rules: 1 critical, 2 high\n"}, nil},
		{"match late events", "match --rules twice.yaml -", late, 0, []string{"0 hits\n", "1 event came too late and took no part in correlations; see --lateness\n1 of them came behind the one of 2026-03-01 09:02:00Z (stdin:1); where its date is wrong, leave it out\n"},
			[]string{"stdin:1: too late for correlations: it came behind the one of 2026-03-01 09:02:00Z (stdin:1); further such events are only counted\n"}},
		{"explain late events", "explain --rule twice.yaml -", late, 0, []string{"1 event came too late and took no part in correlations; put them in a file, which is read in order\n", "1 of them came behind the one of 2026-03-01 09:02:00Z"}, nil},
		{"match late events within the lateness", "match --rules twice.yaml --lateness 5m -", late, 0, []string{"InitiatedBy.user.userPrincipalName = eve; 2 events within 10m, 2026-03-01 08:52:00Z to 09:02:00Z\n", "1 hit of 1 rule: 1 medium\n", "!too late"}, nil},
		{"match files with lateness", "match --rules rules --lateness 5m events", "", 2, nil, []string{"--lateness is for -"}},
		{"match with negative lateness", "match --rules rules --lateness -5m -", "", 2, nil, []string{"--lateness takes a time from 0 on"}},
		{"match once", "match --rules twice.yaml -", often, 0, []string{"1 hit of 1 rule: 1 medium\n1 further hit was counted on an earlier one (once)\n", "      1 further hit with the same key not raised (once)\n"}, nil},
		{"check correlations", "check twice.yaml", "", 0, []string{"1 files, 2 rules, 0 errors, 0 warnings\n"}, nil},
		{"check a correlation without its rule", "check bad-reference.yaml", "", 1, []string{"bad-reference.yaml:6:"}, nil},
		{"compile a correlation", "compile --to cel twice.yaml", "", 1, []string{`event.equalsAny("OperationName", ["Delete user"])`}, []string{"refused: twice.yaml:13:3:", "a correlation is more than a predicate over one event", "1 refused"}},
		{"list correlations", "rules twice.yaml", "", 0, []string{"Two failures"}, nil},

		{"explain", "explain --rule rules/user-added.yaml events", "", 0, []string{
			`"A user is added" matches this log-analytics AuditLogs event`, `yes OperationName equal "Add user"  event: "Add user"`, `no  OperationName equal "Add user"  event: "Delete user"`,
			"4 events: 3 met the rule, 2 matched", "1 event: A user is added: nobody can tell the event's source"}, nil},
		{"explain, only matches", "explain --rule rules/user-added.yaml --only match --limit 1 events", "", 0, []string{"!Delete user", "2 matched, 1 shown"}, nil},
		{"explain a rule of the pack", "explain --rule 13cf6657-a011-48fb-9cec-dd56a2b436af events", "", 0, []string{"does not match"}, nil},
		{"explain what", "explain events", "", 2, nil, []string{"which rule?"}},
		{"explain an unknown rule", "explain --rule nope events", "", 2, nil, []string{"no rule"}},

		{"explain a correlation", "explain --rules ../../../conformance/scenarios/rules --rule password_spray --limit 2 ../../../conformance/scenarios/aitm-incident.jsonl", "", 0, []string{
			"\"An address tries many accounts\" has 1 hit in 171 events\n", "sign_in_failed (A sign-in that failed for its password): 18 events matched\n",
			"yes 2026-03-12 08:42:19Z  IPAddress = 203.0.113.77: 10 values of UserPrincipalName within 15m; wanted: gte 10\n", "no  2026-03-12 07:16:02Z  IPAddress = 198.51.100.24: 1 value of UserPrincipalName within 15m; wanted: gte 10\n", "… and 1 more group (--limit)\n"}, nil},
		{"explain a correlation of correlations", "explain --rules ../../../conformance/scenarios/rules --rule account_takeover ../../../conformance/scenarios/aitm-incident.jsonl", "", 0, []string{
			"mass_download (Many files downloaded): 1 hit\n", "account = tomas.novak@contoso.com: 1 of 6 rules (two_countries 0, password_guessed 1, ", "; wanted: gte 3\n"}, nil},
		{"explain new values", "explain --rules ../../../conformance/scenarios/rules --rule user_in_new_network ../../../conformance/scenarios/aitm-incident.jsonl", "", 0, []string{
			"UserPrincipalName = ravi.menon@contoso.com: at least 3 earlier events in the last 30d; wanted: at least 3, and a value not among them\n"}, nil},
		{"explain counts", "explain --rules ../../../conformance/scenarios/rules --rule password_guessed --limit 2 ../../../conformance/scenarios/aitm-incident.jsonl", "", 0, []string{
			"sign_in_failed 1, sign_in 2 within 10m; wanted: sign_in_failed gte 4, sign_in gte 1\n"}, nil},
		{"explain an increase", "explain --rule increase.yaml -", risen, 0, []string{
			`"More deletions" has 1 hit in 4 events`, "yes 2026-03-01 11:00:00Z  all events: 3 events, 2026-03-01 10:00:00Z to 11:00:00Z; before 1, 2026-03-01 09:00:00Z to 10:00:00Z; " +
				"wanted: at least 1.5 times as many, at least 2 more, at least 1 before\n"}, nil},
		{"explain too little of an increase", "explain --rule increase.yaml -", often, 0, []string{
			`"More deletions" has no hit in 4 events`, "no  2026-03-01 10:00:00Z  all events: 2 events, 2026-03-01 09:00:00Z to 10:00:00Z; before 0, 2026-03-01 08:00:00Z to 09:00:00Z; "}, nil},
		{"explain only groups without a hit", "explain --rules ../../../conformance/scenarios/rules --rule password_spray --only no-match ../../../conformance/scenarios/aitm-incident.jsonl", "", 0, []string{
			"  3 groups, 2 shown (--only), the nearest first", "no  2026-03-12 07:16:02Z  IPAddress = 198.51.100.24", "!yes "}, nil},
		{"explain a summary", "explain --rules ../../../conformance/scenarios/rules --rule cd28d864-d6e8-4c6a-998f-69a0138851b0 --limit 1 ../../../conformance/scenarios/aitm-incident.jsonl", "", 0, []string{
			"sums up 3 groups in 171 events\n", "    IPAddress = 203.0.113.77; 12 events, 12 values of UserPrincipalName, 2026-03-12 08:36:07Z to 08:43:40Z\n    … and 2 more groups (--limit)\n"}, nil},
		{"explain a file whose rules are elsewhere", "explain --rule elsewhere.yaml --rules twice.yaml --rules twice.yaml -", late, 0, []string{"\"Three failures\" has no hit in 3 events\n", "failed (A failure): 2 events matched\n", "within 10m; wanted: gte 3\n", "!Two failures"}, nil},
		{"explain a correlation without events", "explain --rule twice.yaml -", oneEvent, 0, []string{"\"Two failures\" has no hit in 1 event\n", "failed (A failure): 0 events matched\n", "no group: "}, nil},

		{"test", "test rules", "", 0, []string{"8 passed, 0 failed, 0 skipped\n"}, nil},
		{"test one referee", "test --referee reference rules", "", 0, []string{"2 passed, 0 failed"}, nil},
		{"test an unknown referee", "test --referee postgres rules", "", 2, nil, []string{"--referee takes reference"}},
		{"test fails", "test bad/failing.fixtures.yaml", "", 1, []string{"bad/failing.fixtures.yaml:4: wrong: reference: event 1: no match, want match", "4 failed"}, nil},
		{"test as JSON", "test --format json rules", "", 0, []string{`"passed":8`}, nil},
		{"test nothing", "test tenant.yaml", "", 2, nil, []string{"there are no fixtures"}},

		{"rules", "rules rules", "", 0, []string{"0b6a1f4e-3d0c-4f57-9d0d-5f2b0f6a7c11  high           alert   A user is added  [AuditLogs]"}, nil},
		{"rules as lines", "rules --format jsonl rules", "", 0, []string{`"requires":[{"table":"AuditLogs","connector":"AzureActiveDirectory","licence":"Entra ID Free"}]`, `"parameters":["approved_admins"]`}, nil},
		{"rules of the pack", "rules --tier report --guide entra-apps", "", 0, []string{"Report the consent of an end user"}, nil},
		{"rules of a table", "rules --table auditlogs rules", "", 0, []string{"A user is added  [AuditLogs]"}, nil},
		{"rules of another table", "rules --table AuditLog rules", "", 2, nil, []string{`no rule says under requires that it needs the table "AuditLog"; did you mean AuditLogs?`}},
		{"rules of two tables of the pack", "rules --table SigninLogs --table EmailEvents", "", 0, []string{"  [EmailEvents]\n", "  [SigninLogs, AADNonInteractiveUserSignInLogs]\n", "!A session is used", "!  [AuditLogs]\n"}, nil},
		{"rules, those that feed counted", "rules twice.yaml", "", 0, []string{"Two failures\n1 rule; 1 more only feed correlations (--feeders)\n", "!A failure"}, nil},
		{"rules that feed", "rules --feeders twice.yaml", "", 0, []string{"A failure\n", "!Two failures"}, nil},
		{"rules that feed, as lines", "rules --feeders --format jsonl twice.yaml", "", 0, []string{`"title":"A failure"`, "!Two failures"}, nil},
		{"rules, none that feeds", "rules --feeders rules", "", 0, []string{"no rule only feeds a correlation\n"}, nil},
		{"rules, unknown tier", "rules --tier reports", "", 2, nil, []string{"--tier takes alert, report, hunt, product"}},

		{"params", "params rules", "", 0, []string{"rulewright-profile: 1\n", "# approved_admins: ['app.admin@contoso.com'", "Used by 1 rule."}, nil},
		{"params of a profile", "params --profile tenant.yaml rules", "", 0, []string{"2 of 2 rules can run where their tables are there\n"}, nil},
		{"params of an empty profile", "params --profile /dev/null rules", "", 2, nil, []string{"holds no profile"}},

		{"coverage", "coverage --guide entra-apps --have e3", "", 0, []string{"entra-apps  18/18 covered", "with Microsoft 365 E3: ", "18 of 18 items covered", "Azure subscription ", "over snapshots that `rulewright match` reads and no workspace holds, so that no export has them: 2 rules\n"}, nil},
		{"coverage, a table missing", "coverage --have SigninLogs coverage", "", 0, []string{"no table", "needs AuditLogs (Entra ID Free)", "0 of 187 items", "what one licence more would show"}, nil},
		{"coverage by rules", "coverage --rules --have SigninLogs coverage", "", 0, []string{"no table  ", "needs AuditLogs (Entra ID Free)", "lack a table", "!cases"}, nil},
		{"coverage by rules, those that wait", "coverage --rules --missing --guide token-theft", "", 0, []string{"lacks     hunt     informational  Look up ", "parameters without a value: incident_traces\n", "!\n  runs ", "rules can run (alert "}, nil},
		{"coverage as JSON", "coverage --guide entra-apps --format json coverage", "", 0, []string{`"nearMiss": 1`, `"log-analytics": true`, `"needs": "AuditLogs"`}, nil},
		{"coverage as HTML", "coverage --guide entra-apps --format html coverage", "", 0, []string{"<!doctype html>", "1 of 18 things"}, nil},
		{"coverage as a layer", "coverage --format navigator coverage", "", 0, []string{`"layer": "4.5"`, `"techniqueID": "T1098.001"`}, nil},
		{"coverage, unknown table", "coverage --have SignInLog coverage", "", 2, nil, []string{"\"SignInLog\" is no table and no plan", "SigninLogs"}},
		{"coverage as pages nowhere", "coverage --format markdown", "", 2, nil, []string{"--out is missing"}},
		{"coverage, unknown guide", "coverage --guide entra coverage", "", 2, nil, []string{"--guide takes entra-apps"}},

		{"list modifiers", "list modifiers", "", 0, []string{"base64offset", "native documents only"}, nil},
		{"list pipelines", "list pipelines", "", 0, []string{"azure-diagnostic", "query target"}, nil},
		{"list forms", "list forms", "", 0, []string{"o365-management"}, nil},
		{"list tables", "list tables", "", 0, []string{"AuditLogs"}, nil},
		{"list fields", "list fields --table AuditLogs", "", 0, []string{"TargetResources"}, nil},
		{"list fields of what", "list fields", "", 2, nil, []string{"which table?"}},
		{"list fields of no table", "list fields --table AuditLog", "", 2, nil, []string{"did you mean AuditLogs?"}},
		{"list codes", "list codes", "", 0, []string{"unknown-selection"}, nil},
		{"list dialects", "list dialects", "", 0, []string{"cel"}, nil},
		{"list what", "list", "", 2, nil, []string{"list one of: modifiers"}},
		{"list something else", "list rules", "", 2, nil, []string{`no list of "rules"`}},

		{"schema", "schema native", "", 0, []string{`"$schema"`}, nil},
		{"schema of hits", "schema hit", "", 0, []string{`"event_id"`}, nil},
		{"schema of fixtures", "schema fixtures", "", 0, []string{`"cases"`}, nil},
		{"schema of profiles", "schema profile", "", 0, []string{`"parameters"`}, nil},
		{"schema of what", "schema", "", 2, nil, []string{"the schema of what?"}},
		{"schema of something else", "schema x", "", 2, nil, []string{"there is no schema of"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name == "params of an empty profile" {
				if _, err := os.Stat("/dev/null"); err != nil {
					t.Skip(err)
				}
			}
			code, out, err := rulewright(t, c.stdin, strings.Fields(c.args)...)
			if code != c.code {
				t.Errorf("exit %d, want %d", code, c.code)
			}
			for _, x := range []struct {
				name, text string
				want       []string
			}{{"stdout", out, c.out}, {"stderr", err, c.err}} {
				for _, w := range x.want {
					no := strings.HasPrefix(w, "!")
					if strings.Contains(x.text, strings.TrimPrefix(w, "!")) == no {
						t.Errorf("%s: want %q in\n%s", x.name, w, x.text)
					}
				}
			}
			if c.code == 0 && c.err == nil && err != "" && !strings.Contains(c.args, "events") && !strings.Contains(c.args, "jsonl") {
				t.Errorf("stderr: %s", err)
			}
			if strings.Contains(out, "\x1b") {
				t.Error("colour without a terminal")
			}
		})
	}
}

func TestMatchLines(t *testing.T) {
	code, out, errs := rulewright(t, "", "match", "--rules", "rules", "--profile", "tenant.yaml", "--format", "jsonl", "events")
	if code != 0 || !strings.Contains(errs, "3 hits of 2 rules") {
		t.Fatalf("exit %d: %s", code, errs)
	}
	var schema struct {
		Required   []string
		Properties map[string]any
	}
	if err := json.Unmarshal(hitSchema, &schema); err != nil {
		t.Fatal(err)
	}
	var last time.Time
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines", len(lines))
	}
	for _, l := range lines {
		var hit map[string]any
		if err := json.Unmarshal([]byte(l), &hit); err != nil {
			t.Fatal(err)
		}
		for _, k := range schema.Required {
			if hit[k] == nil {
				t.Errorf("no %s in %s", k, l)
			}
		}
		for k := range hit {
			if schema.Properties[k] == nil {
				t.Errorf("the schema has no %s", k)
			}
		}
		at, err := time.Parse(time.RFC3339, hit["time"].(string))
		if err != nil || at.Before(last) {
			t.Errorf("time %v after %v, %v", at, last, err)
		}
		last = at
	}
	_, again, _ := rulewrightHere(t, "", "match", "--rules", "rules", "--profile", "tenant.yaml", "--format", "jsonl", "events/b.csv", "events/a.jsonl")
	if ids(again) != ids(out) {
		t.Errorf("files in another order: %s, want %s", ids(again), ids(out))
	}
}

func ids(lines string) string {
	var out []string
	for _, l := range strings.Split(strings.TrimSpace(lines), "\n") {
		var hit struct{ ID string }
		json.Unmarshal([]byte(l), &hit)
		out = append(out, hit.ID)
	}
	return strings.Join(out, " ")
}

// A profile with values that no rule can use is refused, by every command that
// reads one, at the place and with what to write.
func TestProfileForms(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("tenant.yaml", []byte(`rulewright-profile: 1
parameters:
  approved_countries: [Germany]
  owned_domains: ['.contoso.com', '@contoso.com']
  privileged_roles: [Global Administrator]
  approved_admins: 'a@b.c, d@e.f'
  privileged_accounts: ['*@contoso.com']
  corporate_networks: ['0.0.0.0/0', '10.0.0.0/8']
`), 0o666); err != nil {
		t.Fatal(err)
	}
	want := []string{"tenant.yaml:3:24: ", "write DE", "tenant.yaml:4:19: ", "tenant.yaml:4:35: ", "write contoso.com",
		"tenant.yaml:5:22: ", "write 62e90394-69f5-4237-9190-012177145e10", "tenant.yaml:6:20: ", "write each for itself: ['a@b.c', 'd@e.f']",
		"tenant.yaml:7:25: ", "wildcards stand for themselves", "tenant.yaml:8:24: warning: ", "tenant.yaml:8:37: warning: "}
	for _, args := range [][]string{{"check", "tenant.yaml"}, {"coverage", "--profile", "tenant.yaml"}, {"match", "--profile", "tenant.yaml", "-"},
		{"export", "--to", "bicep", "--out", "out", "--profile", "tenant.yaml"}} {
		code, out, errs := rulewrightHere(t, "", args...)
		if code == 0 {
			t.Errorf("%q: exit 0", args)
		}
		for _, w := range want {
			if !strings.Contains(out+errs, w) {
				t.Errorf("%q lacks %q:\n%s%s", args, w, out, errs)
			}
		}
	}
	if code, _, errs := rulewrightHere(t, "", "match", "--set", "approved_countries=Germany", "-"); code == 0 || !strings.Contains(errs, "write DE") {
		t.Errorf("--set: exit %d: %s", code, errs)
	}
}

// Every command counts the same rules: those with hits of their own.
func TestRuleCounts(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("tenant.yaml", []byte("rulewright-profile: 1\nparameters:\n  owned_domains: [contoso.com]\n  approved_countries: [DE]\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	count := func(pattern string, args ...string) (first, second, third string) {
		code, out, errs := rulewrightHere(t, oneEvent, append(args, "--profile", "tenant.yaml")...)
		m := regexp.MustCompile(pattern).FindStringSubmatch(out + errs)
		if code != 0 || m == nil {
			t.Fatalf("%q: exit %d, no %s in\n%s%s", args, code, pattern, out, errs)
		}
		return m[1], m[2], append(m, "")[3]
	}
	runs, all, _ := count(`(\d+) of (\d+) rules can run`, "params")
	for _, args := range [][]string{{"coverage"}, {"coverage", "--rules", "--missing"}} {
		if r, a, _ := count(`(\d+) of (\d+) rules can run`, args...); r != runs || a != all {
			t.Errorf("%q: %s of %s, params has %s of %s", args, r, a, runs, all)
		}
	}
	if r, a, _ := count(`(\d+) of (\d+) rules ran`, "match", "-"); r != runs || a != all {
		t.Errorf("match: %s of %s, params has %s of %s", r, a, runs, all)
	}
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	exported, a, left := count(`(\d+) of (\d+) rules exported, (\d+) left out`, "export", "--to", "sentinel-yaml", "--have", "e3,azure", "--out", "out")
	if a != all || number(exported)+number(left) != number(all) {
		t.Errorf("export: %s of %s, %s left out; the pack has %s", exported, a, left, all)
	}
	if alerts, _, _ := count(`rules can run \(alert (\d+) of (\d+)`, "coverage", "--have", "e3,azure"); alerts != exported {
		t.Errorf("%s alert rules can run, and %s were exported", alerts, exported)
	}
}

// ownRules have no ids: two rules, and a correlation of two more.
const ownRules = `title: Fails
name: fails
level: low
logsource: {product: azure, service: signinlogs}
detection: {s: {ResultType: 50126}, condition: s}
---
title: Passes
name: passes
level: low
logsource: {product: azure, service: signinlogs}
detection: {s: {ResultType: 0}, condition: s}
---
title: Fails, then passes
level: medium
correlation: {type: temporal_ordered, rules: [fails, passes], group-by: [UserPrincipalName], timespan: 1h}
---
title: Is disabled
level: low
logsource: {product: azure, service: signinlogs}
detection: {s: {ResultType: 50057}, condition: s}
---
rulewright: 1
title: Comes from elsewhere
level: low
parameters: [{name: countries, type: string, list: true, description: Where people are.}]
logsource: {product: azure, service: signinlogs}
detection: {s: {Location|expand: '%countries%'}, condition: s}
`

// It counts rules without an id and without an item of a guide as others.
func TestRuleCountsWithoutIDs(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"own.yaml": ownRules, "tenant.yaml": "rulewright-profile: 1\nparameters: {owned_domains: [contoso.com]}\n"} {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for args, want := range map[string]string{
		"rules own.yaml":                               "3 rules; 2 more only feed correlations (--feeders)\n",
		"match --rules own.yaml -":                     "2 of 3 rules ran (and 2 that only feed them), 1 did not: parameters without a value: countries (1 rule)\n",
		"params --profile tenant.yaml own.yaml":        "2 of 3 rules can run where their tables are there\n",
		"coverage own.yaml":                            "2 of 3 rules can run (without a tier 2 of 3); 1 lack a parameter\n",
		"coverage --rules --missing own.yaml":          "no guide  Rules that no guide asks for\n  lacks              low            Comes from elsewhere\n",
		"export --to sentinel-yaml --out out own.yaml": "2 of 3 rules exported, 1 left out; 2 that only feed correlations are part of these\n",
	} {
		code, out, errs := rulewrightHere(t, oneEvent, strings.Fields(args)...)
		if code != exitOK || !strings.Contains(out, want) {
			t.Errorf("%s: exit %d, no %q in\n%s%s", args, code, want, out, errs)
		}
	}
}

// The profile that params writes is one; filled in with its examples, every
// rule of the pack runs.
func TestParams(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	code, out, errs := rulewrightHere(t, "", "params", "--out", "tenant.yaml")
	if code != 0 || !strings.Contains(out, "written to tenant.yaml") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	if code, _, errs := rulewrightHere(t, "", "params", "--out", "tenant.yaml"); code != 2 || !strings.Contains(errs, "is there already") {
		t.Errorf("exit %d: %s", code, errs)
	}
	if code, out, errs := rulewrightHere(t, "", "check", "tenant.yaml"); code != 0 {
		t.Errorf("as written: exit %d: %s%s", code, out, errs)
	}
	data, err := os.ReadFile("tenant.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	for i, l := range lines {
		if name, _, ok := strings.Cut(strings.TrimPrefix(l, "  # "), ": "); ok && strings.HasPrefix(l, "  # ") && !strings.Contains(name, " ") && name != "Type" {
			lines[i] = "  " + strings.TrimPrefix(l, "  # ")
		}
	}
	if err := os.WriteFile("full.yaml", []byte(strings.Join(lines, "\n")), 0o666); err != nil {
		t.Fatal(err)
	}
	code, out, errs = rulewrightHere(t, "", "params", "--profile", "full.yaml")
	if code != 0 || strings.Contains(out, "without a value") {
		t.Errorf("filled in: exit %d: %s%s", code, out, errs)
	}
}

func TestCompileOut(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "x")
	code, out, errs := rulewright(t, "", "compile", "--to", "cel", "--profile", "tenant.yaml", "--pipeline", "log-analytics", "--pipeline", "graph-api", "--out", dir, "rules")
	if code != 0 || out != "" {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 4 {
		t.Fatalf("%v %v", entries, err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "a-user-is-added-log-analytics-auditlogs.cel"))
	if err != nil || !strings.Contains(string(data), "event.equalsAny") {
		t.Errorf("%s %v", data, err)
	}
}

// The incident is told alike from one stream and from a spilled merge.
func TestSpill(t *testing.T) {
	spill := &fileSpill{}
	defer spill.removeAll()
	n := 0
	h, err := event.Merge(event.MergeOptions{Spill: spill, MaxMemory: 2000}, func() (*event.Reader, error) {
		if n == 3 {
			return nil, io.EOF
		}
		n++
		var b strings.Builder
		for i := range 50 {
			fmt.Fprintf(&b, `{"Type":"AuditLogs","Id":"%d-%d","TimeGenerated":"2026-03-01T09:%02d:00Z","OperationName":"x"}`+"\n", n, i, 59-i)
		}
		return event.NewReader(strings.NewReader(b.String()), event.ReaderOptions{}), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if spill.dir == "" {
		t.Error("nothing was put aside")
	}
	var last time.Time
	got := 0
	for {
		rec, err := h.Next()
		if err == io.EOF {
			break
		}
		if err != nil || rec.Time.Before(last) {
			t.Fatal(rec.Time, err)
		}
		last = rec.Time
		got++
	}
	h.Close()
	spill.removeAll()
	if _, err := os.Stat(spill.dir); got != 150 || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%d events; the folder: %v", got, err)
	}
}

func TestInterrupted(t *testing.T) {
	t.Chdir("testdata")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out, errs bytes.Buffer
	if code := run(ctx, []string{"match", "--rules", "rules", "events"}, strings.NewReader(""), &out, &errs); code != exitError || !strings.Contains(errs.String(), "interrupted") {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}

// Events are written by attackers too: nothing of them reaches the terminal as
// a command.
func TestClean(t *testing.T) {
	ev := `{"Type":"AuditLogs","Id":"9","TimeGenerated":"2026-03-01T09:00:00Z","OperationName":"Add user","InitiatedBy":{"user":{"userPrincipalName":"\u001b]0;x\u0007\u202eeve\r\nroot"}}}`
	_, out, _ := rulewright(t, ev, "match", "--rules", "rules", "-")
	if strings.ContainsAny(out, "\x1b\x07\r\u202e") || !strings.Contains(out, "eve  root  (account, 1 hit)") {
		t.Errorf("%q", out)
	}
}

func TestTimelineRepeats(t *testing.T) {
	var b strings.Builder
	for i := range 20 {
		fmt.Fprintf(&b, "%s\n", strings.Replace(strings.Replace(oneEvent, `"9"`, fmt.Sprintf(`"%d"`, i), 1), "09:00:00", fmt.Sprintf("09:%02d:00", i), 1))
	}
	_, out, _ := rulewright(t, b.String(), "match", "--rules", "rules", "-")
	if strings.Count(out, "A user is added\n") != shownRepeats || !strings.Contains(out, "… and 15 more of this rule until 2026-03-01 09:19:00Z") || !strings.Contains(out, "20 hits of 1 rule") {
		t.Error(out)
	}
	_, out, _ = rulewrightHere(t, b.String(), "match", "--rules", "rules", "--all", "-")
	if strings.Count(out, "A user is added\n") != 20 {
		t.Error(out)
	}
}

func TestColor(t *testing.T) {
	c := &cli{color: true}
	if got := c.paint(red, "x"); got != "\x1b[31mx\x1b[0m" {
		t.Errorf("%q", got)
	}
	var b bytes.Buffer
	m := &meter{w: &b, start: time.Now().Add(-time.Minute)}
	m.show(func() string { return "half\x1b" })
	m.show(func() string { t.Error("too soon"); return "" })
	m.clear()
	if b.String() != "\r\x1b[Khalf\uFFFD\r\x1b[K" {
		t.Errorf("%q", b.String())
	}
	short := &meter{w: &b, start: time.Now()}
	short.show(func() string { t.Error("a short job shows progress"); return "" })
}

func TestMemoryFS(t *testing.T) {
	m := memoryFS{"a/b.yaml": []byte("1"), "a/c/d.yaml": []byte("2"), "e.yaml": []byte("3")}
	var names []string
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	if err := fstest.TestFS(m, names...); err != nil {
		t.Error(err)
	}
}

func TestLevels(t *testing.T) {
	if levelRank("") != -1 || levelRank("High") <= levelRank("medium") || levelRank("nope") != -1 {
		t.Error("levels")
	}
	if got := plural(1234567, "entry"); got != "1,234,567 entries" {
		t.Error(got)
	}
}

// Lines of correlation hits have only keys of the schema, come in order of time
// and say which events they rest on.
func TestMatchCorrelationLines(t *testing.T) {
	code, out, errs := rulewright(t, "", "match", "--format", "jsonl", "--rules", "../../../conformance/scenarios/rules", "../../../conformance/scenarios/aitm-incident.jsonl")
	if code != 0 || !strings.Contains(errs, "14 hits of 11 rules") {
		t.Fatalf("exit %d: %s", code, errs)
	}
	var schema struct{ Properties map[string]any }
	if err := json.Unmarshal(hitSchema, &schema); err != nil {
		t.Fatal(err)
	}
	ids, last := map[string]bool{}, ""
	for _, l := range strings.Split(strings.TrimSpace(out), "\n") {
		var raw map[string]any
		var hit hitLine
		if err := json.Unmarshal([]byte(l), &raw); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(l), &hit); err != nil {
			t.Fatal(err)
		}
		for k := range raw {
			if schema.Properties[k] == nil {
				t.Errorf("the schema has no %s", k)
			}
		}
		if ids[hit.ID] {
			t.Errorf("two hits are %s", hit.ID)
		}
		ids[hit.ID] = true
		if len(hit.Group) == 0 || hit.Window == nil {
			t.Errorf("a hit without group or window: %s", l)
		}
		if hit.Level == "informational" { // the summary
			if len(hit.Contributing) > 0 || len(hit.Distinct) != 1 {
				t.Errorf("a summary: %s", l)
			}
			continue
		}
		if hit.Time < last {
			t.Errorf("%s behind %s", hit.Time, last)
		}
		last = hit.Time
		for _, c := range hit.Contributing {
			if c.Hit == "" && (c.EventID == "" || c.Account == "" || c.IP == "" || c.Line == 0) || c.Title == "" || c.Time > hit.Time {
				t.Errorf("%s: %+v", hit.Title, c)
			}
		}
		if len(hit.Contributing) == 0 {
			t.Errorf("%s rests on nothing", hit.Title)
		}
	}
}

const countedRule = `title: Base
name: base
logsource: {product: linux, service: auth}
detection:
  s: {a: b}
  condition: s
---
title: Many
correlation: {type: event_count, rules: [base], timespan: 5m, condition: {gte: 5}}
`
