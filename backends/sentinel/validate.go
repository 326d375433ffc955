package sentinel

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
	"unicode/utf8"
)

// Finding is something that a service or Microsoft's repository would refuse.
type Finding struct {
	File    string
	Line    int
	Check   string // its name, see Checks
	Message string
	// Warning: what is written works, but not everywhere.
	Warning bool
}

// String writes a finding as file:line: message [check].
func (f Finding) String() string {
	s := fmt.Sprintf("%s:%d: ", f.File, f.Line)
	if f.Warning {
		s += "warning: "
	}
	return s + f.Message + " [" + f.Check + "]"
}

// Checks names what Validate looks at.
func Checks() map[string]string {
	return map[string]string{
		"syntax":           "the file reads as its format, and no text has left its literal",
		"id":               "an id is a GUID and unique in the set",
		"name":             "a name is there, of at most 256 characters and unique in the set",
		"version":          "a version is a.b.c of at most 20 characters",
		"description":      "a description is there, of at most 5,000 characters",
		"severity":         "a severity is one that the service knows",
		"kind":             "a kind is one that the interface's version knows, with the properties it takes",
		"query-length":     "a query has 1 to 10,000 characters",
		"query-scope":      "a query searches no table of tables (search *, union *) and no other cluster",
		"schedule":         "the schedule is within the limits and covers what the query looks back",
		"trigger":          "operator and threshold are those that the service knows",
		"attack":           "tactics and techniques are known and agree",
		"entity-type":      "entity types and identifiers are known and none stands twice in a mapping",
		"entity-required":  "a mapping has the identifiers that its type needs",
		"entity-weak":      "no identifier is a display name",
		"entity-column":    "a column is in the query's result",
		"placeholders":     "formats of alert details have at most three placeholders, columns of the result",
		"custom-details":   "custom details have valid names and columns of the result",
		"incident":         "incident settings are complete and group by mapped entities",
		"time-column":      "the time column is in the result",
		"detection-column": "a custom detection's result has Timestamp, ReportId, for devices DeviceId, and the assets' columns",
		"enabled":          "whether a rule is on is a parameter of the template",
		"enabled-count":    "at most 512 rules are on in a workspace",
		"function":         "a function has an alias and typed parameters that its query uses",
		"watchlist":        "a watchlist has an alias, a search key among its columns and a row",
	}
}

// Validate holds files of one format to what the services and Microsoft's rule
// repository check mechanically. It reads the files as they would be read
// there, not as they were made. Files that Validate does not know (a manifest,
// CSV) are left alone.
func Validate(f Format, files []File) []Finding {
	v := &validator{format: f, ids: map[string]string{}, names: map[string]string{}}
	enabled := 0
	for _, file := range files {
		v.file = file.Name
		if strings.HasSuffix(file.Name, ".csv") || file.Name == ManifestFile {
			continue
		}
		for _, n := range v.read(file) {
			if v.artefact(n) {
				enabled++
			}
		}
	}
	if enabled > maxEnabled {
		v.findings = append(v.findings, Finding{File: v.file, Line: 1, Check: "enabled-count", Warning: true,
			Message: fmt.Sprintf("%d rules are on; a workspace takes %d, twice as many in a dedicated cluster", enabled, maxEnabled)})
	}
	sort.SliceStable(v.findings, func(i, j int) bool {
		a, b := v.findings[i], v.findings[j]
		return a.File < b.File || a.File == b.File && a.Line < b.Line
	})
	return v.findings
}

type validator struct {
	format     Format
	file       string
	findings   []Finding
	ids, names map[string]string // where one was first
}

func (v *validator) add(n *node, check, format string, args ...any) {
	v.findings = append(v.findings, Finding{File: v.file, Line: max(n.line, 1), Check: check, Message: fmt.Sprintf(format, args...)})
}

// read returns the artefacts of a file: documents, or resources of a template.
func (v *validator) read(f File) []*node {
	fail := func(err error) []*node {
		v.add(&node{}, "syntax", "%v", err)
		return nil
	}
	if !utf8.Valid(f.Data) {
		return fail(fmt.Errorf("the file is not UTF-8"))
	}
	switch v.format {
	case YAML, HuntingYAML:
		n, err := readYAML(f.Data)
		if err != nil {
			return fail(err)
		}
		if !strings.HasSuffix(f.Name, ".yaml") {
			v.add(n, "syntax", "the file's name does not end in .yaml")
		}
		return []*node{n}
	case Defender:
		n, err := readJSON(f.Data)
		if err != nil {
			return fail(err)
		}
		return []*node{n}
	case Bicep:
		ns, params, err := readBicep(string(f.Data))
		if err != nil {
			return fail(err)
		}
		if !slices.Equal(params, []string{"workspace", "enabled"}) {
			v.add(&node{}, "syntax", "the parameters are %s", strings.Join(params, ", "))
		}
		if len(ns) == 0 {
			v.add(&node{}, "syntax", "there is no resource")
		}
		return ns
	}
	n, err := readJSON(f.Data)
	if err != nil {
		return fail(err)
	}
	n = n.unescaped()
	if !n.get("parameters").has("workspace") || n.get("$schema").text() == "" || n.get("contentVersion").text() == "" {
		v.add(n, "syntax", "the template has no schema, version or parameter workspace")
	}
	if len(n.get("resources").items) == 0 {
		v.add(n, "syntax", "there is no resource")
	}
	return n.get("resources").items
}

// artefact checks one artefact and reports whether it is a rule that is on.
func (v *validator) artefact(n *node) (on bool) {
	switch v.format {
	case YAML:
		return v.rule(n, n, "name", n.get("id"), n.get("relevantTechniques"), true)
	case ARM, Bicep:
		id := n.get("name")
		if e, ok := id.value.(expression); ok {
			s := strings.TrimSuffix(e.arm, "')")
			id = &node{line: id.line, value: s[strings.LastIndexByte(s, '/')+1:]}
		}
		return v.rule(n, n.get("properties"), "displayName", id, n.get("properties", "techniques"), false)
	case Defender:
		return v.detection(n)
	case HuntingYAML:
		v.hunting(n, n, n.get("id"), n.get("name"), n.get("description"), n.get("tactics").texts(), n.get("relevantTechniques").texts())
		v.version(n.get("version"))
		v.mappings(n, readQuery(n.get("query").text()))
	case HuntingARM:
		p := n.get("properties")
		tags := map[string]*node{}
		for _, t := range p.get("tags").items {
			tags[t.get("name").text()] = t.get("value")
		}
		split := func(name string) []string {
			if t := tags[name]; t != nil && t.text() != "" {
				return strings.Split(t.text(), ",")
			}
			return nil
		}
		id := n.get("name")
		if e, ok := id.value.(expression); ok {
			s := strings.TrimSuffix(e.arm, "')")
			id = &node{line: id.line, value: s[strings.LastIndexByte(s, '/')+1:]}
		}
		description := tags["description"]
		if description == nil {
			description = &node{line: p.line}
		}
		v.hunting(n, p, id, p.get("displayName"), description, split("tactics"), append(split("techniques"), split("subTechniques")...))
		if p.get("category").text() == "" || p.get("version").value != 2 {
			v.add(p, "kind", "a saved search needs a category and version 2")
		}
	case Watchlists:
		v.watchlist(n)
	}
	return false
}

func (v *validator) unique(n *node, check string, seen map[string]string, value string) {
	if at, ok := seen[strings.ToLower(value)]; ok {
		v.add(n, check, "%s is in %s too", value, at)
	}
	seen[strings.ToLower(value)] = v.file
}

func (v *validator) id(n *node) {
	if !isUUID(n.text()) {
		v.add(n, "id", "%q is no GUID", n.text())
		return
	}
	v.unique(n, "id", v.ids, n.text())
}

func (v *validator) name(n *node) {
	if c := utf8.RuneCountInString(n.text()); c == 0 || c > maxName {
		v.add(n, "name", "the name has %d characters; 1 to %d are taken", c, maxName)
		return
	}
	v.unique(n, "name", v.names, n.text())
}

func (v *validator) version(n *node) {
	s := n.text()
	parts := strings.Split(s, ".")
	for _, p := range parts {
		if p == "" || strings.Trim(p, "0123456789") != "" {
			parts = nil
			break
		}
	}
	if len(parts) != 3 || len(s) > maxVersion {
		v.add(n, "version", "%q is no version a.b.c of at most %d characters", s, maxVersion)
	}
}

func (v *validator) description(n *node) {
	if c := utf8.RuneCountInString(n.text()); c == 0 || c > maxDescription {
		v.add(n, "description", "the description has %d characters; 1 to %d are taken", c, maxDescription)
	}
}

func (v *validator) query(n *node) queryFacts {
	text := n.text()
	if c := utf8.RuneCountInString(text); c == 0 || c > maxQuery {
		v.add(n, "query-length", "the query has %d characters; 1 to %d are taken", c, maxQuery)
	}
	bare, _ := bareKQL(text)
	flat := strings.Join(strings.Fields(string(bare)), " ")
	for _, bad := range []string{"search *", "union *", "cluster(", "adx("} {
		if i := strings.Index(flat, bad); i >= 0 && (i == 0 || !isWordByte(flat[i-1])) {
			v.add(n, "query-scope", "the query says %s", bad)
		}
	}
	return readQuery(text)
}

func (v *validator) attack(n *node, ts, techs []string, parentsOnly bool) {
	named := map[string]bool{}
	for _, t := range ts {
		if !slices.Contains(tactics, t) {
			v.add(n, "attack", "%q is no tactic", t)
		}
		if named[t] {
			v.add(n, "attack", "%s stands twice", t)
		}
		named[t] = true
	}
	for _, t := range techs {
		of := techniques()[t]
		switch {
		case !isTechnique(t) || t != strings.ToUpper(t) || of == nil:
			v.add(n, "attack", "%q is no technique of ATT&CK %s", t, ATTACKVersion)
		case parentsOnly && strings.Contains(t, "."):
			v.add(n, "attack", "%s is a sub-technique, which this interface does not take", t)
		case !slices.ContainsFunc(of, func(x string) bool { return named[x] }):
			v.add(n, "attack", "%s serves none of the tactics named", t)
		}
	}
}

// rule checks an analytics rule: n is the document or resource, p what holds
// its properties.
func (v *validator) rule(n, p *node, nameKey string, id, techs *node, isYAML bool) (on bool) {
	v.id(id)
	v.name(p.get(nameKey))
	v.description(p.get("description"))
	if s := p.get("severity"); !slices.Contains([]string{"Informational", "Low", "Medium", "High"}, s.text()) {
		v.add(s, "severity", "%q is no severity", s.text())
	}
	kind := n.get("kind")
	nrt := kind.text() == "NRT"
	if kind.text() != "Scheduled" && !(isYAML && nrt) {
		v.add(kind, "kind", "%q is no kind of this interface", kind.text())
	}
	if isYAML {
		v.version(p.get("version"))
		if p.get("requiredDataConnectors").kind != listNode {
			v.add(p, "kind", "requiredDataConnectors is missing")
		}
	} else {
		for _, k := range []string{"enabled", "queryFrequency", "queryPeriod", "triggerOperator", "triggerThreshold", "suppressionEnabled", "suppressionDuration"} {
			if !p.has(k) {
				v.add(p, "kind", "%s is missing", k)
			}
		}
		if t := n.get("type").text(); !strings.HasPrefix(t, "Microsoft.SecurityInsights/alertRules@2") && (t != "Microsoft.OperationalInsights/workspaces/providers/alertRules" || n.get("apiVersion").text() == "") {
			v.add(n, "kind", "%q is no type of a rule", t)
		}
	}
	f := v.query(p.get("query"))
	if nrt {
		for _, k := range []string{"queryFrequency", "queryPeriod", "triggerOperator", "triggerThreshold"} {
			if p.has(k) {
				v.add(p.get(k), "kind", "an NRT rule has no %s", k)
			}
		}
		if f.joins || f.kept != nil {
			v.add(p.get("query"), "kind", "an NRT rule reads one table and aggregates nothing")
		}
	} else {
		v.schedule(p, f, isYAML)
	}
	v.attack(p.get("tactics"), p.get("tactics").texts(), techs.texts(), !isYAML)
	mapped := v.mappings(p, f)
	v.details(p, f)
	v.incident(p, mapped)
	if f.words["TimeGenerated"] && !f.keeps("TimeGenerated") || f.kept != nil && !f.kept["TimeGenerated"] {
		v.add(p.get("query"), "time-column", "TimeGenerated is not in the result")
	}
	enabled := p.get("enabled")
	if isYAML {
		return enabled.value != false
	}
	e, ok := enabled.value.(expression)
	if text := e.arm + e.bicep; !ok || !strings.Contains(text, id.text()) || !strings.Contains(text, "enabled") {
		v.add(enabled, "enabled", "whether the rule is on is no parameter of the template")
	}
	return !strings.HasSuffix(e.arm, "false())") && !strings.HasSuffix(e.bicep, "false")
}

func (v *validator) schedule(p *node, f queryFacts, isYAML bool) {
	read := func(key string) time.Duration {
		n := p.get(key)
		d, ok := readSpan(n.text())
		if !ok || isYAML == strings.HasPrefix(n.text(), "P") {
			v.add(n, "schedule", "%s: %q is no length of time here", key, n.text())
		} else if d < minEvery || d > maxPeriod {
			v.add(n, "schedule", "%s is %s; 5m to 14d are taken", key, n.text())
		}
		return d
	}
	every, period := read("queryFrequency"), read("queryPeriod")
	at := p.get("queryPeriod")
	if period < every {
		v.add(at, "schedule", "the period is shorter than the frequency")
	}
	if period >= longPeriod && every < time.Hour {
		v.add(at, "schedule", "a rule that looks back two days runs hourly at most")
	}
	for _, a := range f.agos {
		if d, ok := readSpan(a); ok && d > period {
			v.add(at, "schedule", "the query looks back %s, the rule %s", a, at.text())
		}
	}
	operators := []string{"GreaterThan", "LessThan", "Equal", "NotEqual"}
	if isYAML {
		operators = append(operators, "gt", "lt", "eq", "ne")
	}
	if o := p.get("triggerOperator"); !slices.Contains(operators, o.text()) {
		v.add(o, "trigger", "%q is no operator", o.text())
	}
	if t, ok := p.get("triggerThreshold").value.(int); !ok || t < 0 || t > maxThreshold {
		v.add(p.get("triggerThreshold"), "trigger", "the threshold is not between 0 and %d", maxThreshold)
	}
}

func (v *validator) column(n *node, check string, f queryFacts) {
	c := n.text()
	switch {
	case !isIdentifier(c) || len(c) > maxColumn:
		v.add(n, check, "%q is no name of a column", c)
	case !f.words[c] || !f.keeps(c):
		v.add(n, check, "the query's result has no column %s", c)
	}
}

// mappings checks entity mappings and returns their types.
func (v *validator) mappings(p *node, f queryFacts) (types []string) {
	all := p.get("entityMappings")
	if p.has("entityMappings") && (len(all.items) == 0 || len(all.items) > maxMappings) {
		v.add(all, "entity-type", "%d entity mappings; 1 to %d are taken", len(all.items), maxMappings)
	}
	for _, m := range all.items {
		typ := m.get("entityType").text()
		types = append(types, typ)
		known, ok := requiredIdentifiers[typ]
		if !ok {
			v.add(m, "entity-type", "%q is no entity type", typ)
			continue
		}
		fields := m.get("fieldMappings").items
		if len(fields) == 0 || len(fields) > maxIdentifiers {
			v.add(m, "entity-type", "%d identifiers; 1 to %d are taken", len(fields), maxIdentifiers)
		}
		var ids []string
		for _, x := range fields {
			id := x.get("identifier").text()
			switch {
			case !slices.Contains(known.known, id):
				v.add(x, "entity-type", "%s has no identifier %q", typ, id)
			case slices.Contains(ids, id):
				v.add(x, "entity-type", "the identifier %s stands twice", id)
			case id == "DisplayName" || strings.HasSuffix(strings.ToLower(x.get("columnName").text()), "displayname"):
				v.add(x, "entity-weak", "a display name identifies nothing")
			}
			ids = append(ids, id)
			v.column(x.get("columnName"), "entity-column", f)
		}
		if !slices.ContainsFunc(known.need, func(need []string) bool {
			return !slices.ContainsFunc(need, func(id string) bool { return !slices.Contains(ids, id) })
		}) {
			v.add(m, "entity-required", "the identifiers %s do not identify one %s", strings.Join(ids, ", "), typ)
		}
	}
	return types
}

func (v *validator) details(p *node, f queryFacts) {
	o := p.get("alertDetailsOverride")
	for key, limit := range map[string]int{"alertDisplayNameFormat": maxName, "alertDescriptionFormat": maxDescription} {
		n := o.get(key)
		if n.value == nil {
			continue
		}
		if c := utf8.RuneCountInString(n.text()); c == 0 || c > limit {
			v.add(n, "placeholders", "%s has %d characters; 1 to %d are taken", key, c, limit)
		}
		parts := strings.Split(n.text(), "{{")
		if len(parts)-1 > maxPlaceholders {
			v.add(n, "placeholders", "%d placeholders; %d are taken", len(parts)-1, maxPlaceholders)
		}
		for _, x := range parts[1:] {
			col, _, ok := strings.Cut(x, "}}")
			if !ok {
				v.add(n, "placeholders", "a placeholder is not closed")
				continue
			}
			v.column(&node{line: n.line, value: col}, "placeholders", f)
		}
	}
	custom := p.get("customDetails")
	if p.has("customDetails") && (len(custom.members) == 0 || len(custom.members) > maxDetails) {
		v.add(custom, "custom-details", "%d custom details; 1 to %d are taken", len(custom.members), maxDetails)
	}
	for _, m := range custom.members {
		if !isIdentifier(m.key) || m.key[0] == '_' || len(m.key) > maxDetailKey {
			v.add(m.value, "custom-details", "%q is no key of at most %d characters", m.key, maxDetailKey)
		}
		v.column(m.value, "custom-details", f)
	}
}

func (v *validator) incident(p *node, mapped []string) {
	c := p.get("incidentConfiguration")
	if c.kind != objectNode {
		return
	}
	g := c.get("groupingConfiguration")
	if _, ok := c.get("createIncident").value.(bool); !ok {
		v.add(c, "incident", "createIncident is missing")
	}
	if g.kind != objectNode {
		return
	}
	for _, k := range []string{"enabled", "reopenClosedIncident", "lookbackDuration", "matchingMethod"} {
		if !g.has(k) {
			v.add(g, "incident", "%s is missing", k)
		}
	}
	if d, ok := readSpan(g.get("lookbackDuration").text()); !ok || d < 5*time.Minute || d > 7*day {
		v.add(g.get("lookbackDuration"), "incident", "the grouping window is not between 5 minutes and 7 days")
	}
	switch m := g.get("matchingMethod").text(); m {
	case "AllEntities", "AnyAlert":
	case "Selected":
		if len(g.get("groupByEntities").items)+len(g.get("groupByAlertDetails").items)+len(g.get("groupByCustomDetails").items) == 0 {
			v.add(g, "incident", "nothing is selected to group by")
		}
	default:
		v.add(g, "incident", "%q is no matching method", m)
	}
	for _, x := range g.get("groupByEntities").items {
		if !slices.Contains(mapped, x.text()) {
			v.add(x, "incident", "%s is grouped by and not mapped", x.text())
		}
	}
}

// hunting checks a hunting query or function.
func (v *validator) hunting(n, p, id, name, description *node, ts, techs []string) {
	v.id(id)
	v.name(name)
	v.description(description)
	f := v.query(p.get("query"))
	v.attack(p, ts, techs, false)
	if !p.has("functionAlias") && !p.has("functionParameters") {
		return
	}
	alias := p.get("functionAlias")
	if !isIdentifier(alias.text()) {
		v.add(alias, "function", "%q is no name of a function", alias.text())
	}
	v.unique(alias, "function", v.names, "function "+alias.text())
	for _, d := range strings.Split(p.get("functionParameters").text(), ", ") {
		param, typ, ok := strings.Cut(d, ":")
		if !ok || !isIdentifier(param) || !slices.Contains([]string{"string", "long", "real", "bool", "datetime", "timespan", "dynamic"}, typ) {
			v.add(p.get("functionParameters"), "function", "%q is no parameter", d)
			continue
		}
		if !f.words[param] {
			v.add(p.get("functionParameters"), "function", "the query does not use the parameter %s", param)
		}
	}
}

// detection checks a custom detection of Defender XDR.
func (v *validator) detection(n *node) (on bool) {
	v.name(n.get("displayName"))
	a := n.get("detectionAction", "alertTemplate")
	if c := utf8.RuneCountInString(a.get("title").text()); c == 0 || c > maxName {
		v.add(a, "name", "the alert's title has %d characters; 1 to %d are taken", c, maxName)
	}
	v.description(a.get("description"))
	if s := a.get("severity").text(); !slices.Contains([]string{"informational", "low", "medium", "high"}, s) {
		v.add(a, "severity", "%q is no severity", s)
	}
	q := n.get("queryCondition", "queryText")
	f := v.query(q)
	period := n.get("schedule", "period")
	i := slices.IndexFunc(detectionPeriods, func(p struct {
		name            string
		every, lookback time.Duration
	}) bool {
		return p.name == period.text()
	})
	switch {
	case period.text() == "0":
		if f.joins || len(f.tables) != 1 {
			v.add(q, "kind", "a continuous detection reads one table")
		}
	case i < 0:
		v.add(period, "schedule", "%q is no schedule", period.text())
	default:
		for _, x := range f.agos {
			if d, ok := readSpan(x); ok && d > detectionPeriods[i].lookback {
				v.add(period, "schedule", "the query looks back %s, the detection %s", x, kqlSpan(detectionPeriods[i].lookback))
			}
		}
	}
	category := a.get("category").text()
	if category != "SuspiciousActivity" && category != "Malware" && !slices.Contains(tactics, category) {
		v.add(a, "attack", "%q is no category", category)
	}
	for _, t := range a.get("mitreTechniques").texts() {
		if techniques()[t] == nil {
			v.add(a, "attack", "%q is no technique of ATT&CK %s", t, ATTACKVersion)
		}
	}
	need := []string{"Timestamp", "ReportId"}
	if slices.ContainsFunc(f.tables, hasDevice) {
		need = append(need, "DeviceId")
	}
	assets := a.get("impactedAssets").items
	if len(assets) == 0 {
		v.add(a, "detection-column", "no impacted asset is named")
	}
	for _, x := range assets {
		id := x.get("identifier").text()
		if id == "" || x.get("@odata.type").text() != "#microsoft.graph.security."+assetType(id) {
			v.add(x, "detection-column", "an impacted asset has no identifier, or one of another type")
			continue
		}
		need = append(need, strings.ToUpper(id[:1])+id[1:])
	}
	for _, c := range need {
		if !f.keeps(c) {
			v.add(q, "detection-column", "the query's result has no column %s", c)
		}
	}
	for _, t := range f.tables {
		if !tableOf(t).Report {
			v.add(q, "detection-column", "%s has no column ReportId", t)
		}
	}
	return n.get("isEnabled").value == true
}

func (v *validator) watchlist(n *node) {
	p := n.get("properties")
	v.name(p.get("displayName"))
	key := p.get("itemsSearchKey").text()
	header, rows, _ := strings.Cut(p.get("rawContent").text(), "\n")
	switch {
	case !isIdentifier(key) || strings.TrimSpace(header) != key:
		v.add(p, "watchlist", "the search key %q is no column", key)
	case strings.TrimSpace(rows) == "":
		v.add(p, "watchlist", "there is no row")
	}
	if e, ok := n.get("name").value.(expression); !ok || !strings.Contains(e.arm, "/Microsoft.SecurityInsights/") {
		v.add(n, "watchlist", "the name does not hold the alias")
	}
	if len(p.get("rawContent").text()) > maxWatchlist {
		v.add(p, "watchlist", "the content has more than %d bytes", maxWatchlist)
	}
	for _, k := range []string{"provider", "source", "contentType"} {
		if p.get(k).text() == "" {
			v.add(p, "watchlist", "%s is missing", k)
		}
	}
}
