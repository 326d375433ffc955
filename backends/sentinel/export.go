package sentinel

import (
	"cmp"
	"crypto/sha1"
	"encoding/hex"
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
	// directly or not. They are what Meaning is taken of.
	Document *sigma.Document
	Refers   []*sigma.Document
	// Rules is the document lowered for Format.Pipeline, one for each table,
	// with the options that Format.Asks and Format.ReadsWatchlists tell.
	Rules []*ir.Rule
}

// Options change how rules are exported. The zero value works.
type Options struct {
	// Every is how often an analytics rule runs; 0: every hour, rules of level
	// high and critical every 15 minutes.
	Every time.Duration
	// Parameters describes the parameters: types of functions' parameters,
	// texts of watchlists.
	Parameters []sigma.Parameter
	// Print prints a query: backends.KQL.
	Print func(*ir.Rule, backends.Target) (*backends.Query, error)
}

// Set is an export.
type Set struct {
	Format   Format
	Files    []File
	Manifest *Manifest
	// Left are rules for which the format is not made.
	Left []Left
}

// File is a file to write. Several rules never share one.
type File struct {
	Name string // in the folder, without a path
	Data []byte
}

// Left says why a rule is in no file.
type Left struct {
	Title, ID, File string
	Reason          string
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
	period                          string // of a custom detection
	alias                           string
	parameters                      []functionParameter
	examples                        []ir.Binding // what stands in the query for want of a value
}

type functionParameter struct{ name, declaration, description string }

// Export writes rules in a format. Rules that cannot be exported are left out
// and named in the diagnostics, as errors; warnings tell of parts that were left
// out. What belongs to another format is in Set.Left.
func Export(f Format, inputs []Input, opts Options) (*Set, sigma.Diagnostics) {
	e := &exporter{format: f, opts: opts, set: &Set{Format: f, Manifest: &Manifest{Target: f}}, titles: map[string]int{}, files: map[string]bool{}}
	if f == Watchlists {
		e.watchlists(inputs)
		return e.set, e.diags
	}
	counted := onlyCounted(inputs)
	for _, in := range inputs {
		meaning := Meaning(append([]*sigma.Document{in.Document}, in.Refers...)...)
		for _, r := range in.Rules {
			if r.Inner {
				continue
			}
			if counted[ruleKey(r)] && !f.hunting() {
				e.set.Left = append(e.set.Left, Left{r.Meta.Title, r.Meta.ID, r.File, "a correlation refers to it and does not say generate"})
				continue
			}
			a, err := e.artefact(in, r)
			if err != nil {
				var left leftError
				var d sigma.Diagnostic
				switch {
				case errors.As(err, &left):
					e.set.Left = append(e.set.Left, Left{r.Meta.Title, r.Meta.ID, r.File, string(left)})
				case errors.As(err, &d):
					e.diags = append(e.diags, d)
				default:
					e.report(sigma.SeverityError, sigma.CodeUnsupported, r, "", "%v", err)
				}
				continue
			}
			e.write(a, r, meaning)
		}
	}
	return e.set, e.diags
}

// onlyCounted returns the rules that correlations among the inputs refer to and
// none of which generates: their hits are no alerts of their own.
func onlyCounted(inputs []Input) map[string]bool {
	hidden, shown := map[string]bool{}, map[string]bool{}
	for _, in := range inputs {
		for _, r := range in.Rules {
			if r.Correlation == nil {
				continue
			}
			for _, input := range r.Correlation.Inputs {
				for _, t := range input.Taps {
					if r.Correlation.Generate {
						shown[ruleKey(t.Rule)] = true
					} else {
						hidden[ruleKey(t.Rule)] = true
					}
				}
			}
		}
	}
	for k := range shown {
		delete(hidden, k)
	}
	return hidden
}

// ruleKey tells rules of different documents apart, and the correlation of an
// old aggregation from its rule.
func ruleKey(r *ir.Rule) string {
	return fmt.Sprint(r.File, r.Pos, r.Meta.ID, r.Meta.Title, r.Correlation != nil)
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
	e.diags = append(e.diags, sigma.Diagnostic{File: r.File, Pos: r.Pos, Severity: sev, Code: code,
		Message: r.Meta.Title + ": " + fmt.Sprintf(format, args...), Hint: hint})
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
		if a.period, a.schedule, tooLong = detectionScheduleOf(r); tooLong != nil {
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
			"no function takes the parameter %s, which is of type %s, and it has no value: its example %s stands in the query", b.Name, e.definition(b.Name).Type, bindingText(b))
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
	if (a.kind == "rule" || a.kind == "detection") && r.Correlation != nil {
		// Of hits whose closing instant had the time to arrive since the run
		// before, nothing that would complete or undo them is still on its way.
		target.Since, target.Until = a.schedule.Every+a.schedule.Delay, a.schedule.Delay
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
	if (a.kind == "rule" || a.kind == "detection") && r.Correlation == nil {
		a.query = onlyNew(q, a.query, r, a.schedule)
	}
	if n := utf8.RuneCountInString(a.query); n > maxQuery {
		return sigma.Diagnostic{File: r.File, Pos: r.Pos, Severity: sigma.SeverityError, Code: sigma.CodeLimit,
			Message: fmt.Sprintf("%s: the query has %d characters; the service takes %d", r.Meta.Title, n, maxQuery),
			Hint:    "put long lists into a watchlist, or divide the rule"}
	}
	if shown := a.shown(); shown != "" && !strings.Contains(a.title, "{{") && !strings.Contains(a.title, "}}") {
		tail := ": {{" + shown + "}}"
		a.titleFormat = clip(a.title, maxName-len(tail)) + tail
	}
	return nil
}

func (a *artefact) shown() string {
	if len(a.mappings) == 0 {
		return ""
	}
	return a.mappings[0].Shown
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
	for _, id := range first.Assets {
		add(assetColumn(id))
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

// identify gives an artefact its id, version and a title that no other has.
func (e *exporter) identify(a *artefact, in Input, r *ir.Rule) error {
	m := r.Meta
	several := 0
	for _, x := range in.Rules {
		if !x.Inner {
			several++
		}
	}
	table := strings.Join(a.tables, "+")
	switch {
	case m.ID == "" && m.Title == "":
		return errors.New("a rule without id and title cannot be exported")
	case several == 1 && isUUID(m.ID):
		a.id = strings.ToLower(m.ID)
	default:
		a.id = uuid5(cmp.Or(m.ID, m.Title), table, e.format.Pipeline())
	}
	if several > 1 {
		a.title = clip(m.Title, maxName-len(table)-3) + " (" + table + ")"
	} else {
		a.title = clip(m.Title, maxName)
	}
	if e.titles[a.title]++; e.titles[a.title] > 1 {
		tail := " [" + a.id[:8] + "]"
		a.title = clip(a.title, maxName-len(tail)) + tail
	}
	a.version = version(m)
	return nil
}

// version is the rule's own, or the day on which it was last changed, which
// rises when it is changed.
func version(m sigma.Meta) string {
	if m.Version != "" {
		return m.Version
	}
	if d, err := time.Parse("2006-01-02", strings.ReplaceAll(cmp.Or(m.Modified, m.Date), "/", "-")); err == nil {
		return fmt.Sprintf("%d.%d.%d", d.Year(), d.Month(), d.Day())
	}
	return "1.0.0"
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(s) {
		switch dash := i == 8 || i == 13 || i == 18 || i == 23; {
		case dash != (c == '-'), !dash && !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)):
			return false
		}
	}
	return true
}

// uuid5 is the name-based UUID (RFC 9562, version 5) of a query: in the
// namespace of the rule's id or, where that is no UUID, in one of our own.
func uuid5(id, table, target string) string {
	name := table + "/" + target
	space, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if !isUUID(id) || err != nil {
		space, _ = hex.DecodeString("2c4a3b8a6f3e4d0c9a51c3f0b7e1d2a4")
		name = id + "/" + name
	}
	sum := sha1.Sum(append(space, name...))
	sum[6], sum[8] = sum[6]&0x0f|0x50, sum[8]&0x3f|0x80
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// describe writes what an analyst reads: what the rule says, how to judge a
// hit, what to do, and whose rule it is. What does not fit goes from the end,
// whose rule it is excepted.
func describe(a *artefact, r *ir.Rule) string {
	m := r.Meta
	var parts []string
	add := func(head, text string) {
		if text = strings.TrimRight(text, " \n"); text != "" {
			parts = append(parts, head+text)
		}
	}
	bullets := func(ss []string) string {
		if len(ss) == 0 {
			return ""
		}
		return "\n- " + strings.Join(ss, "\n- ")
	}
	add("", cmp.Or(strings.TrimSpace(m.Description), m.Title))
	var ps []string
	for _, p := range a.parameters {
		ps = append(ps, strings.TrimRight(p.name+": "+p.description, ": "))
	}
	add("A function, called as "+a.alias+"("+strings.Join(names(a.parameters), ", ")+"):", bullets(ps))
	var es []string
	for _, b := range a.examples {
		es = append(es, b.Name+": "+bindingText(b))
	}
	add("Examples stand in the query for parameters that have no value in the profile and cannot be given in a call:", bullets(es))
	if t := m.Triage; t != nil {
		add("True positive: ", t.TruePositive)
		add("Benign: ", t.Benign)
		add("False positive: ", t.FalsePositive)
		add("What to do:", bullets(t.Actions))
		add("Scope of compromise: ", t.Scope)
	}
	add("Known false positives:", bullets(m.FalsePositives))
	if r.Meta.Tier == "product" {
		add("", "The product raises this alert itself; the rule is off unless it is switched on.")
	}
	add("Needs: ", needs(m.Requires, a.tables))
	add("References:", bullets(m.References))
	var own []string
	for _, s := range []struct{ head, text string }{{"Rule ", m.ID}, {"by ", m.Author}, {"licence ", m.License}} {
		if s.text != "" {
			own = append(own, s.head+s.text)
		}
	}
	tail := ""
	if len(own) > 0 {
		tail = "\n\n" + clip(strings.Join(own, ", ")+".", 1000)
	}
	room := maxDescription - utf8.RuneCountInString(tail)
	text := clip(parts[0], room)
	for _, p := range parts[1:] {
		if next := text + "\n\n" + p; utf8.RuneCountInString(next) <= room {
			text = next
		}
	}
	return text + tail
}

func names(ps []functionParameter) []string {
	var out []string
	for _, p := range ps {
		out = append(out, p.name)
	}
	return out
}

func needs(rs []sigma.Requirement, tables []string) string {
	var out []string
	for _, q := range rs {
		if q.Licence != "" && slices.Contains(tables, q.Table) {
			out = append(out, q.Table+" ("+q.Licence+")")
		}
	}
	if len(out) == 0 {
		return ""
	}
	return strings.Join(out, ", ") + "."
}

// connectors returns the data connectors of an artefact with their tables.
func (a *artefact) connectors() list {
	of := map[string][]string{}
	var order []string
	for _, t := range a.tables {
		c := tableOf(t).Connector
		for _, q := range a.meta.Requires {
			if q.Table == t && isIdentifier(q.Connector) {
				c = q.Connector
			}
		}
		if c == "" {
			continue
		}
		if of[c] == nil {
			order = append(order, c)
		}
		of[c] = append(of[c], t)
	}
	out := list{}
	for _, c := range order {
		out = append(out, object{{"connectorId", c}, {"dataTypes", texts(of[c])}})
	}
	return out
}

// write writes an artefact in the format and notes it in the manifest.
func (e *exporter) write(a *artefact, r *ir.Rule, meaning string) {
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
	e.set.Manifest.add(Entry{ID: a.id, Kind: a.kind, File: name, Title: a.title, Version: a.version, Meaning: meaning,
		Parameters: bindings(r), Examples: exampleNames(a.examples), Text: digest(data)}, r)
}

// fileName names a file after a title.
func (e *exporter) fileName(title, id, ext string) string {
	name := slug(title)
	if name == "" || e.files[name] {
		name = strings.Trim(name+"-"+id, "-")
	}
	e.files[name] = true
	return name + ext
}

func slug(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(clip(b.String(), 100), "-")
}
