package event

import (
	"strconv"
	"strings"
)

// Forms of AzureActivity and mail tracing that are recognised so that nobody
// takes them for something else.
const (
	AzureRESTActivity Form = "azure-rest-activity" // AzureActivity as the REST API and the SDKs return it
	MessageTraceAPI   Form = "message-trace-api"   // Exchange Online message trace
)

// Forms returns the built-in forms, in a fixed order.
func Forms() []Form {
	return []Form{LogAnalytics, AzureDiagnostic, GraphAPI, O365Management, MDEHunting, MDEHuntingStream, Windows, WindowsInner, WindowsFlat, Winlogbeat, AzureRESTActivity, MessageTraceAPI}
}

// Detect tells what an event is from its keys and a few values: its form and
// its table. It does not guess: an event that no row of its tables describes is
// unknown. Top-level keys count in any case, as some exporters lower them all.
//
// Detect is about the event itself. A record that carries its event inside
// (see Unwrap) is what the event inside is.
//
// Directory objects as an API or command returns them (Graph collections, az,
// Exchange Online) are events too, so that rules can look at a state: their
// form is graph-api and their table has a prefix, such as graph:applications.
func Detect(ev any) (Source, bool) { return detectIn(Unwrap(ev)) }

// Open returns the event inside a record, as Unwrap does, and what it is, as
// Detect does.
func Open(ev any) (inner any, src Source, known bool) {
	d := detectors.Get().(*Detector)
	defer detectors.Put(d)
	return d.open(ev)
}

func detectIn(ev any) (Source, bool) {
	if !isObject(ev) {
		return Source{}, false
	}
	d := detectors.Get().(*Detector)
	defer detectors.Put(d)
	return d.detect(ev)
}

// Unwrap returns the event inside a record that carries it under AuditData, as
// an object or as JSON text: rows of the unified audit log as Purview,
// Search-UnifiedAuditLog and the Graph audit-log query return them. Anything
// else is returned as it is.
func Unwrap(ev any) any {
	if !isObject(ev) {
		return ev
	}
	inner, ok := lookup(ev, "AuditData")
	if !ok {
		return ev
	}
	if s, isText := inner.(string); isText {
		o, ok := objectIn(s)
		if !ok {
			return ev
		}
		inner = o
	}
	if op, ok := lookup(inner, "Operation"); !ok || blank(op) {
		return ev
	}
	return inner
}

// detect asks the forms in an order in which none hides another: those that
// name their table come first.
func detect(r *row) (Source, bool) {
	for _, f := range []func(*row) (Source, bool){
		byType, byCategory, byWorkload, byODataType, byChannel, bySignature,
	} {
		if s, ok := f(r); ok {
			return s, true
		}
	}
	return Source{}, false
}

// byType is the log-analytics form with its table name in Type. Other systems
// have a key of that name too, so a standard column must stand next to it, or
// the name be one of ours.
func byType(r *row) (Source, bool) {
	for _, key := range []int{keyType, keyDollarTable} {
		name := r.text(key)
		if name == "" {
			continue
		}
		if known, ok := tables[r.lower(key)]; ok {
			return Source{LogAnalytics, known}, true
		}
		if isTableName(name) && !r.folded && r.hasAny(keyTimeGenerated, keySourceSystem, keyItsResourceID, keyItsItemID) {
			return Source{LogAnalytics, name}, true
		}
	}
	return Source{}, false
}

func isTableName(s string) bool {
	for i, c := range []byte(s) {
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z' && i > 0, '0' <= c && c <= '9' && i > 0, c == '_' && i > 0:
		default:
			return false
		}
	}
	return s != ""
}

// byCategory is a record of diagnostic settings or of the Defender XDR
// streaming API.
func byCategory(r *row) (Source, bool) {
	category := r.lower(keyCategory)
	if category == "" {
		return Source{}, false
	}
	if table, ok := strings.CutPrefix(category, "advancedhunting-"); ok && table != "" && r.has(keyProperties) {
		if known, ok := tables[table]; ok {
			return Source{MDEHuntingStream, known}, true
		}
		return Source{MDEHuntingStream, r.text(keyCategory)[len("AdvancedHunting-"):]}, true
	}
	if table, ok := diagnosticCategories[category]; ok && r.hasAny(keyProperties, keyOperationName, keyResourceID) {
		if table == "AuditLogs" && strings.HasSuffix(r.lower(keyResourceID), "/microsoft.intune") {
			table = "IntuneAuditLogs"
		}
		return Source{AzureDiagnostic, table}, true
	}
	if activityCategories[category] && r.has(keyOperationName, keyResourceID) {
		return Source{AzureDiagnostic, "AzureActivity"}, true
	}
	if category == "auditevent" && strings.Contains(r.lower(keyResourceID), "/providers/microsoft.keyvault/") {
		return Source{AzureDiagnostic, "AZKVAuditLogs"}, true
	}
	// LogAnalytics rows of the sign-in tables without Type say the diagnostic
	// category in Category.
	if table, ok := diagnosticCategories[category]; ok && r.has(keyResultType) {
		return Source{LogAnalytics, table}, true
	}
	return Source{}, false
}

// byWorkload is a record of the Office 365 Management Activity API, which is
// what the unified audit log holds under AuditData. Directory and sign-in
// records are the facts that Log Analytics keeps in AuditLogs and SigninLogs;
// OfficeActivity never holds them.
func byWorkload(r *row) (Source, bool) {
	if !r.has(keyOperation) || r.hasAny(keyTimeGenerated, keyOfficeWorkload) {
		return Source{}, false
	}
	marks := 0
	for _, k := range []int{keyCreationTime, keyRecordType, keyWorkload} {
		if r.has(k) {
			marks++
		}
	}
	if marks < 2 {
		return Source{}, false
	}
	return Source{O365Management, auditTable(r.text(keyRecordType), r.text(keyWorkload), r.text(keyOperation))}, true
}

// auditTable names the table of a unified audit log record. RecordType is the
// number of the Management Activity API or its name.
func auditTable(recordType, workload, operation string) string {
	if n, err := strconv.ParseFloat(recordType, 64); err == nil { // 8.0 is 8
		recordType = strconv.FormatFloat(n, 'f', -1, 64)
	}
	switch strings.ToLower(recordType) {
	case "8", "azureactivedirectory":
		return "AuditLogs"
	case "9", "azureactivedirectoryaccountlogon", "15", "azureactivedirectorystslogon":
		return "SigninLogs"
	case "":
		if strings.EqualFold(workload, "AzureActiveDirectory") {
			switch operation {
			case "UserLoggedIn", "UserLoginFailed":
				return "SigninLogs"
			}
			return "AuditLogs"
		}
	}
	return "OfficeActivity"
}

// byODataType is a Graph object that says its own type.
func byODataType(r *row) (Source, bool) {
	t := strings.TrimPrefix(r.lower(keyODataType), "#")
	if t == "" {
		return Source{}, false
	}
	t = strings.TrimPrefix(t, "microsoft.graph.")
	if t == "signin" {
		return Source{GraphAPI, signInTable(r)}, true
	}
	if table, ok := graphTypes[t]; ok {
		return Source{GraphAPI, table}, true
	}
	if strings.HasSuffix(t, "authenticationmethod") {
		return Source{GraphAPI, "graph:authenticationMethods"}, true
	}
	return Source{}, false
}

// signInTable tells the kind of a Graph sign-in, which only the beta API says.
// Version 1.0 returns interactive ones.
func signInTable(r *row) string {
	kinds := elements(r.value(keySignInEventTypes))
	for _, k := range kinds {
		switch strings.ToLower(text(k)) {
		case "noninteractiveuser":
			return "AADNonInteractiveUserSignInLogs"
		case "serviceprincipal":
			return "AADServicePrincipalSignInLogs"
		case "managedidentity":
			return "AADManagedIdentitySignInLogs"
		}
	}
	if len(kinds) == 0 && r.has(keyServicePrincipalID) && !r.has(keyUserPrincipalName) && !r.has(keyUserID) {
		return "AADServicePrincipalSignInLogs"
	}
	return "SigninLogs"
}

// byChannel is a Windows event: EVTX turned to JSON (Event.System…), the same
// without the outer key, Winlogbeat, or flat with Channel and EventID at the
// top. Its table is the channel.
func byChannel(r *row) (Source, bool) {
	system, form := r.value(keySystem), WindowsInner
	if e := r.value(keyEvent); isObject(e) {
		system, _ = lookup(e, "System")
		form = Windows
	}
	if isObject(system) {
		id, _ := lookup(system, "EventID")
		channel, _ := lookup(system, "Channel")
		if name := r.d.text(channel); name != "" && r.d.text(id) != "" {
			return Source{form, name}, true
		}
	}
	if w := r.value(keyWinlog); isObject(w) {
		if channel, _ := lookup(w, "channel"); r.d.text(channel) != "" {
			return Source{Winlogbeat, r.d.text(channel)}, true
		}
	}
	if channel := r.text(keyWinlogChannel); channel != "" {
		return Source{Winlogbeat, channel}, true
	}
	if r.hasAny(keyTimeGenerated) { // a row of SecurityEvent or WindowsEvent
		return Source{}, false
	}
	if channel := r.text(keyChannel); channel != "" && (r.hasText(keyEventID) || r.hasText(keyEventUnderID)) {
		return Source{WindowsFlat, channel}, true
	}
	return Source{}, false
}

// bySignature is an event that is told by the columns it has.
func bySignature(r *row) (Source, bool) {
	for i := range signatures {
		s := &signatures[i]
		if s.exact && r.folded || !r.meets(s) {
			continue
		}
		if s.key != "" && !strings.Contains(s.values, "|"+r.lower(s.keyNumber)+"|") {
			continue
		}
		src := s.src
		if src == (Source{GraphAPI, "SigninLogs"}) {
			src.Table = signInTable(r)
		}
		return src, true
	}
	return Source{}, false
}
