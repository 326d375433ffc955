package sentinel

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// Format is a kind of file to export to.
type Format string

// The formats.
const (
	YAML        Format = "sentinel-yaml"         // analytics rules, as in Microsoft's repository
	ARM         Format = "sentinel-arm"          // analytics rules, one template each
	Bicep       Format = "bicep"                 // analytics rules, one file each
	Defender    Format = "defender-xdr"          // custom detections, as Microsoft Graph takes them
	HuntingYAML Format = "sentinel-hunting-yaml" // hunting queries and functions
	HuntingARM  Format = "sentinel-hunting-arm"  // saved searches, one template each
	Watchlists  Format = "watchlists"            // parameters, a template and a CSV file each
)

// Formats returns all formats.
func Formats() []Format {
	return []Format{YAML, ARM, Bicep, Defender, HuntingYAML, HuntingARM, Watchlists}
}

// Pipeline returns the name of the built-in pipeline for which rules of the
// format are lowered.
func (f Format) Pipeline() string {
	if f == Defender {
		return "defender"
	}
	return "sentinel"
}

// Asks reports whether the format has functions, for which rules are lowered
// with compiler.Options.Ask.
func (f Format) Asks() bool { return f.hunting() }

// ReadsWatchlists reports whether queries of the format can read watchlists
// (compiler.Options.Watchlists).
func (f Format) ReadsWatchlists() bool { return f != Defender && f != Watchlists }

func (f Format) hunting() bool { return f == HuntingYAML || f == HuntingARM }

// Input is a rule to export.
type Input struct {
	// Document is the rule as written, Refers what a correlation refers to,
	// directly or not (sigma.References.Behind). They are what Meaning is taken
	// of.
	Document *sigma.Document
	Refers   []*sigma.Document
	// OnlyFeeds says that the rule has no hits of its own: compiler.OnlyFeed
	// among the documents that are exported together. Nothing is made of it.
	OnlyFeeds bool
	// Rules is the document lowered for Format.Pipeline, one for each table,
	// with the options that Format.Asks and Format.ReadsWatchlists tell.
	Rules []*ir.Rule
}

// Options change how rules are exported. The zero value works.
type Options struct {
	// Every is how often an analytics rule runs, within MinEvery and MaxEvery;
	// 0: every hour, rules of level high and critical every 15 minutes.
	Every time.Duration
	// Parameters describes the parameters: types of functions' parameters,
	// texts of watchlists.
	Parameters []sigma.Parameter
	// Print prints a query; nil: backends.KQL.
	Print func(*ir.Rule, backends.Target) (*backends.Query, error)
}

// Set is an export.
type Set struct {
	Format   Format
	Files    []File
	Manifest *Manifest
	// Left are rules for which the format is not made.
	Left []Left

	rules map[*sigma.Document]bool
}

// File is a file to write. Several rules never share one.
type File struct {
	Name string // in the folder, without a path
	Data []byte
}

// Left says why a rule is in no file, or a parameter in no watchlist.
type Left struct {
	Document *sigma.Document // of the rule, as its Input has it; nil for a parameter
	Title    string
	Reason   string
}

// artefact is a rule as the formats see it.
type artefact struct {
	id, title, version, description string
	kind                            string // rule, hunting query, function, detection
	meta                            sigma.Meta
	attack                          attack
	severity                        string // as Sentinel spells it
	enabled                         bool
	incident                        bool // whether incidents are grouped
	lookback                        time.Duration
	tables                          []string
	query                           string
	mappings                        []mapping
	details                         []fieldMapping
	titleFormat                     string
	schedule                        schedule
	related                         []ir.EntityField // of a custom detection, beside its assets
	alias                           string
	parameters                      []functionParameter
	examples                        []ir.Binding // what stands in the query for want of a value
}

type functionParameter struct{ name, declaration, description string }

// Export writes rules in a format. Rules that cannot be exported are left out
// and named in the diagnostics, as errors; warnings tell of parts that were left
// out. What belongs to another format is in Set.Left.
func Export(f Format, inputs []Input, opts Options) (*Set, sigma.Diagnostics) {
	if opts.Print == nil {
		opts.Print = backends.KQL
	}
	e := &exporter{format: f, opts: opts, set: &Set{Format: f, Manifest: &Manifest{Target: f}, rules: map[*sigma.Document]bool{}}, titles: map[string]int{}, files: map[string]bool{}}
	if f == Watchlists {
		e.watchlists(inputs)
		return e.set, e.diags
	}
	for _, in := range inputs {
		meaning := Meaning(append([]*sigma.Document{in.Document}, in.Refers...)...)
		for _, r := range in.Rules {
			if r.Inner {
				continue
			}
			if in.OnlyFeeds {
				e.set.Left = append(e.set.Left, Left{in.Document, r.Meta.Title, "it feeds a correlation and is no alert of its own"})
				continue
			}
			a, err := e.artefact(in, r)
			if err != nil {
				var left leftError
				var d sigma.Diagnostic
				switch {
				case errors.As(err, &left):
					e.set.Left = append(e.set.Left, Left{in.Document, r.Meta.Title, string(left)})
				case errors.As(err, &d):
					e.diags = append(e.diags, d)
				default:
					e.report(sigma.SeverityError, sigma.CodeUnsupported, r, "", "%v", err)
				}
				continue
			}
			e.write(a, in, r, meaning)
		}
	}
	return e.set, e.diags
}

// leftError is the reason for which a rule belongs to another format.
type leftError string

func (e leftError) Error() string { return string(e) }

type exporter struct {
	format Format
	opts   Options
	set    *Set
	diags  sigma.Diagnostics
	titles map[string]int
	files  map[string]bool
}

func (e *exporter) report(sev sigma.Severity, code sigma.Code, r *ir.Rule, hint, format string, args ...any) {
	d := sigma.Diagnostic{File: r.File, Pos: r.Pos, Severity: sev, Code: code, Message: r.Meta.Title + ": " + fmt.Sprintf(format, args...), Hint: hint}
	if !slices.Contains(e.diags, d) { // once for all tables of the rule
		e.diags = append(e.diags, d)
	}
}

func (e *exporter) artefact(in Input, r *ir.Rule) (*artefact, error) {
	m := r.Meta
	a := &artefact{meta: m, enabled: m.Tier != "product", tables: tablesOf(r), examples: r.Examples()}
	asks := len(r.Lacks) > 0 || len(r.Asks()) > 0
	forAlerts := m.Tier == "" || m.Tier == "alert" || m.Tier == "product"
	var tooLong error
	switch {
	case r.Correlation != nil && r.Correlation.Type == sigma.Summary && !e.format.hunting():
		return nil, leftError("a summary raises no alert; it is a hunting query")
	case asks && !e.format.hunting():
		return nil, leftError("it lacks " + strings.Join(r.Lacks, ", ") + "; give a value, or export it as a function with sentinel-hunting-yaml or -arm")
	case !forAlerts && !e.format.hunting():
		return nil, leftError("of tier " + m.Tier + ", it is a hunting query")
	case e.format == Defender && m.Tier == "product":
		return nil, leftError("it passes on an alert that Defender XDR shows already")
	case e.format == Defender:
		a.kind = "detection"
		if a.schedule, tooLong = detectionScheduleOf(r); tooLong != nil {
			return nil, tooLong
		}
	default:
		a.kind = "rule"
		a.schedule, tooLong = scheduleOf(r, cmp.Or(e.opts.Every, every(m.Level)))
	}
	if e.format.hunting() {
		a.kind = "hunting query"
		if asks {
			a.kind = "function"
		} else if forAlerts && tooLong == nil && len(a.examples) == 0 && (r.Correlation == nil || r.Correlation.Type != sigma.Summary) {
			return nil, leftError("it is an analytics rule, of the other formats")
		}
	} else if tooLong != nil {
		return nil, tooLong
	}
	if len(a.tables) == 0 {
		return nil, fmt.Errorf("%s: its logsource has no table in the pipeline %s", m.Title, e.format.Pipeline())
	}
	if err := e.identify(a, in, r); err != nil {
		return nil, err
	}
	if first := e.set.Manifest.rules[a.id]; first != nil && (first.File != r.File || first.Pos != r.Pos) {
		same := "id"
		if m.ID == "" {
			same = "title, and neither has an id"
		}
		return nil, sigma.Diagnostic{File: r.File, Pos: r.Pos, Severity: sigma.SeverityError, Code: sigma.CodeID,
			Message: fmt.Sprintf("%s: %s:%d has the same %s", m.Title, first.File, first.Pos.Line, same),
			Hint:    "give each an id of its own; the second is not exported"}
	}
	a.attack = attackOf(m.Tags)
	if len(a.attack.Unknown) > 0 {
		e.report(sigma.SeverityWarning, sigma.CodeTag, r, "", "ATT&CK %s does not have %s: left out", ATTACKVersion, strings.Join(a.attack.Unknown, ", "))
	}
	a.severity = severities[m.Level]
	if a.severity == "" {
		a.severity = "Medium"
		e.report(sigma.SeverityInfo, sigma.CodeLevel, r, "", "no level is set: exported with severity Medium")
	}
	for _, b := range a.examples {
		e.report(sigma.SeverityWarning, sigma.CodeParameter, r, "give it a value in the profile",
			"the parameter %s, of type %s, has no value, and a call cannot give it where it stands: its example %s stands in the query", b.Name, e.definition(b.Name).Type, bindingText(b))
	}
	a.incident = (m.Tier == "alert" || m.Tier == "") && m.Level != "informational" && m.Level != "low"
	a.lookback = 5 * time.Hour
	if r.Once != nil {
		a.lookback = min(max(time.Duration(r.Once.For)*time.Microsecond, 5*time.Minute), 7*day).Truncate(time.Minute)
	}
	if a.kind == "function" {
		if err := e.function(a, r); err != nil {
			return nil, err
		}
	}
	if err := e.print(a, r); err != nil {
		return nil, err
	}
	a.description = describe(a, r)
	return a, nil
}

var severities = map[string]string{"critical": "High", "high": "High", "medium": "Medium", "low": "Low", "informational": "Informational"}

// print prints the query with the columns that the artefact names.
func (e *exporter) print(a *artefact, r *ir.Rule) error {
	c := *r
	c.Entities = entityFields(r)
	// A custom detection names columns of its table.
	target := backends.Target{Entities: a.kind != "detection"}
	scheduled := a.kind == "rule" || a.kind == "detection"
	if scheduled && (r.Correlation != nil || r.Once != nil) {
		// Of hits whose closing instant had the time to arrive since the run
		// before, nothing that would complete or undo them is still on its way.
		target.Since, target.Until = a.schedule.Every+a.schedule.Delay, a.schedule.Delay
		if r.Once != nil {
			target.Known = (a.schedule.Period - history(r)).Truncate(time.Minute)
		}
	}
	if a.kind == "detection" && r.Correlation != nil {
		closing, err := closingColumns(r, a.tables)
		if err != nil {
			return err
		}
		target.Closing = closing
	}
	q, err := e.opts.Print(&c, target)
	if err != nil {
		return err
	}
	if r.Correlation != nil && a.kind != "detection" {
		q = groupEntities(q, &c)
	}
	m := mapEntities(q, c.Entities)
	a.query, a.mappings, a.details = m.Query, m.Mappings, m.Details
	if a.kind == "rule" {
		a.giveTitle()
	}
	if scheduled && r.Correlation == nil {
		if r.Once == nil { // else the query has what is new in it
			a.query = onlyNew(q, a.query, r, a.schedule)
		}
		a.related = c.Entities
	}
	if n := utf8.RuneCountInString(a.query); n > maxQuery {
		return sigma.Diagnostic{File: r.File, Pos: r.Pos, Severity: sigma.SeverityError, Code: sigma.CodeLimit,
			Message: fmt.Sprintf("%s: the query has %d characters; the service takes %d", r.Meta.Title, n, maxQuery),
			Hint:    "put long lists into a watchlist, or divide the rule"}
	}
	return nil
}

// giveTitle makes the title show what a hit is about.
func (a *artefact) giveTitle() {
	columns := a.shown()
	if len(columns) == 0 || strings.Contains(a.title, "{{") || strings.Contains(a.title, "}}") {
		return
	}
	shown := columns[0]
	if len(columns) > 1 {
		shown += "Shown"
		a.query += fmt.Sprintf("\n| extend %s = coalesce(%s)", shown, strings.Join(columns, ", "))
	}
	tail := ": {{" + shown + "}}"
	a.titleFormat = clip(a.title, maxName-len(tail)) + tail
}

// shown returns the column of the first entity, and those of its kind that stand
// in for it where a row has none: a service principal that acted, not a user.
func (a *artefact) shown() []string {
	if len(a.mappings) == 0 {
		if len(a.details) > 0 {
			return []string{a.details[0].Column}
		}
		return nil
	}
	var columns []string
	for _, m := range a.mappings {
		if m.Type == a.mappings[0].Type {
			columns = append(columns, m.Shown)
		}
	}
	return columns
}

// closingColumns are those of its last event that a custom detection needs of a
// correlation's hit.
func closingColumns(r *ir.Rule, tables []string) ([]string, error) {
	refuse := func(format string, args ...any) error {
		return sigma.Diagnostic{File: r.File, Pos: r.Pos, Severity: sigma.SeverityError, Code: sigma.CodeUnsupported,
			Message: r.Meta.Title + ": " + fmt.Sprintf(format, args...), Hint: "export it as an analytics rule of Sentinel"}
	}
	if slices.ContainsFunc(r.Correlation.Inputs, func(in ir.Input) bool {
		return slices.ContainsFunc(in.Taps, func(t ir.Tap) bool { return t.Rule.Correlation != nil })
	}) {
		return nil, refuse("a hit of a correlation over correlations is no event of a table and has no ReportId, which a custom detection needs")
	}
	first := tableOf(tables[0])
	for _, name := range tables {
		switch t := tableOf(name); {
		case !t.Report || len(t.Assets) == 0:
			return nil, refuse("a custom detection needs the columns Timestamp, ReportId and one that names a device, user or mailbox; %s does not have them", name)
		case name != tables[0] && (!slices.Equal(t.Assets, first.Assets) || !hasDevice(name)):
			return nil, refuse("a custom detection names one kind of asset and one ReportId in all rows; %s and %s have columns of their own", tables[0], name)
		}
	}
	out := []string{"Timestamp", "ReportId"}
	add := func(c string) {
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	if hasDevice(tables[0]) {
		add("DeviceId")
	}
	for _, c := range first.Assets {
		add(c)
	}
	return out, nil
}

// onlyNew keeps what is new since the run before: of a plain rule rows that
// arrived since then, however late.
func onlyNew(q *backends.Query, text string, r *ir.Rule, s schedule) string {
	// The source is the first line that is no statement.
	at := 0
	for strings.HasPrefix(text[at:], "let ") {
		at += strings.IndexByte(text[at:], '\n') + 1
	}
	n := strings.IndexByte(text[at:], '\n')
	if n < 0 {
		n = len(text) - at
		text += "\n"
	}
	at += n + 1
	fresh := fmt.Sprintf("ingestion_time() > ago(%s)", kqlSpan(s.Every))
	if r.Source.Function { // a view over tables has no time of arrival
		fresh = fmt.Sprintf("%s > ago(%s) and %[1]s <= ago(%s)", q.Time, kqlSpan(s.Every+s.Delay), kqlSpan(s.Delay))
	}
	return strings.TrimSuffix(text[:at]+"| where "+fresh+"\n"+text[at:], "\n")
}

// write writes an artefact in the format and notes it in the manifest.
func (e *exporter) write(a *artefact, in Input, r *ir.Rule, meaning string) {
	var data []byte
	ext := ".yaml"
	switch e.format {
	case YAML:
		data = yamlText(a.analyticsYAML())
	case HuntingYAML:
		data = yamlText(a.huntingYAML())
	case ARM:
		ext, data = ".json", jsonText(a.template(a.alertRule()), true)
	case HuntingARM:
		ext, data = ".json", jsonText(a.template(a.savedSearch()), true)
	case Bicep:
		ext, data = ".bicep", []byte(a.bicep())
	case Defender:
		o, err := a.detection()
		if err != nil {
			e.report(sigma.SeverityError, sigma.CodeUnsupported, r, "", "%v", err)
			return
		}
		ext, data = ".json", jsonText(o, false)
	}
	name := e.fileName(a.title, a.id, ext)
	e.set.Files = append(e.set.Files, File{name, data})
	e.set.rules[in.Document] = true
	e.set.Manifest.add(Entry{ID: a.id, Kind: a.kind, File: name, Title: a.title, Version: a.version, Meaning: meaning,
		Parameters: bindings(r), Examples: exampleNames(a.examples), Text: digest(data)}, r)
}
