package event

import (
	"strings"
	"time"
)

// paths are the places where a fact stands in the events of one form, the best
// first. Each place is keys from the top down.
type paths [][]string

func at(places ...string) paths {
	out := make(paths, len(places))
	for i, p := range places {
		out[i] = strings.Split(p, "/")
	}
	return out
}

// timePlaces says where an event has its time. A table of its own precedes its
// form. A diagnostic record has in time when it was written and in properties
// when it happened, which is what the other forms of the same fact say.
var (
	timePlaces = map[Form]paths{
		LogAnalytics:      at("TimeGenerated", "CreatedDateTime", "ActivityDateTime", "Start_Time", "CreationTime", "EventSubmissionTimestamp", "Timestamp"),
		AzureDiagnostic:   at("properties/createdDateTime", "properties/activityDateTime", "time", "eventTimestamp"),
		GraphAPI:          at("createdDateTime", "activityDateTime", "detectedDateTime", "riskLastUpdatedDateTime"),
		O365Management:    at("CreationTime", "CreationDate"),
		MDEHunting:        at("Timestamp", "TimeGenerated"),
		MDEHuntingStream:  at("properties/Timestamp", "time"),
		Windows:           at("Event/System/TimeCreated/#attributes/SystemTime", "Event/System/TimeCreated/@SystemTime", "Event/System/TimeCreated/SystemTime", "Event/System/TimeCreated", "System/TimeCreated/#attributes/SystemTime", "System/TimeCreated/@SystemTime", "System/TimeCreated/SystemTime", "System/TimeCreated", "@timestamp", "TimeCreated/SystemTime", "TimeCreated", "SystemTime", "UtcTime", "EventTime", "Timestamp"),
		AzureRESTActivity: at("eventTimestamp", "event_timestamp", "submissionTimestamp", "submission_timestamp"),
		MessageTraceAPI:   at("Received"),
	}
	tableTimePlaces = map[Source]paths{
		{AzureDiagnostic, "AADUserRiskEvents"}:             at("properties/activityDateTime", "properties/detectedDateTime", "time"),
		{AzureDiagnostic, "AADServicePrincipalRiskEvents"}: at("properties/activityDateTime", "properties/detectedDateTime", "time"),
		{AzureDiagnostic, "AADRiskyUsers"}:                 at("properties/riskLastUpdatedDateTime", "time"),
		{LogAnalytics, "AADUserRiskEvents"}:                at("ActivityDateTime", "DetectedDateTime", "TimeGenerated"),
		{LogAnalytics, "AADServicePrincipalRiskEvents"}:    at("ActivityDateTime", "DetectedDateTime", "TimeGenerated"),
		{LogAnalytics, "AADRiskyUsers"}:                    at("RiskLastUpdatedDateTime", "TimeGenerated"),
	}
)

// idPlaces says where an event has its identity: all of the parts together, of
// which the first must be there. What several events share (the id of a risk
// that is updated, the record number of a host) is made whole by the parts that
// tell them apart.
var (
	idPlaces = map[Form]paths{
		LogAnalytics:      at("Id"),
		AzureDiagnostic:   at("properties/id"),
		GraphAPI:          at("id"),
		O365Management:    at("Id"),
		MDEHunting:        at("ReportId", "DeviceId", "Timestamp"),
		MDEHuntingStream:  at("properties/ReportId", "properties/DeviceId", "properties/Timestamp"),
		Windows:           nil, // see windowsID
		AzureRESTActivity: at("eventDataId"),
		MessageTraceAPI:   at("MessageTraceId", "RecipientAddress"),
	}
	tableIDPlaces = map[Source]paths{
		{LogAnalytics, "OfficeActivity"}:                at("OfficeId"),
		{LogAnalytics, "AzureActivity"}:                 at("EventDataId"),
		{LogAnalytics, "MicrosoftGraphActivityLogs"}:    at("RequestId"),
		{LogAnalytics, "AADUserRiskEvents"}:             at("Id", "RiskState", "RiskDetail", "LastUpdatedDateTime"),
		{LogAnalytics, "AADServicePrincipalRiskEvents"}: at("Id", "RiskState", "RiskDetail", "LastUpdatedDateTime"),
		{LogAnalytics, "AADRiskyUsers"}:                 at("Id", "RiskState", "RiskLastUpdatedDateTime"),
		{LogAnalytics, "SecurityAlert"}:                 at("SystemAlertId", "Status", "EndTime"),
		{LogAnalytics, "SecurityEvent"}:                 at("EventRecordId", "Computer", "Channel", "TimeGenerated"),
		// Id there is that of the secret or key, which many events are about.
		{LogAnalytics, "AZKVAuditLogs"}:                    at("CorrelationId", "OperationName", "HttpStatusCode", "TimeGenerated"),
		{AzureDiagnostic, "AZKVAuditLogs"}:                 at("correlationId", "operationName", "properties/httpStatusCode", "time"),
		{AzureDiagnostic, "AzureActivity"}:                 at("properties/eventDataId"),
		{AzureDiagnostic, "MicrosoftGraphActivityLogs"}:    at("properties/requestId"),
		{AzureDiagnostic, "AADUserRiskEvents"}:             at("properties/id", "properties/riskState", "properties/riskDetail", "properties/lastUpdatedDateTime"),
		{AzureDiagnostic, "AADServicePrincipalRiskEvents"}: at("properties/id", "properties/riskState", "properties/riskDetail", "properties/lastUpdatedDateTime"),
		{AzureDiagnostic, "AADRiskyUsers"}:                 at("properties/id", "properties/riskState", "properties/riskLastUpdatedDateTime"),
		{GraphAPI, "AADUserRiskEvents"}:                    at("id", "riskState", "riskDetail", "lastUpdatedDateTime"),
		{GraphAPI, "AADServicePrincipalRiskEvents"}:        at("id", "riskState", "riskDetail", "lastUpdatedDateTime"),
		{GraphAPI, "AADRiskyUsers"}:                        at("id", "riskState", "riskLastUpdatedDateTime"),
		{GraphAPI, "exo:inboxRules"}:                       at("Identity"),
		{GraphAPI, "exo:transportRules"}:                   at("Identity"),
		{GraphAPI, "exo:mailboxes"}:                        at("ExchangeGuid"),
		{MDEHunting, "AlertInfo"}:                          at("AlertId"),
		{MDEHunting, "AlertEvidence"}:                      nil, // many rows of one alert, no id of their own
		{MDEHuntingStream, "AlertInfo"}:                    at("properties/AlertId"),
		{MDEHuntingStream, "AlertEvidence"}:                nil,
	}
	xdrRowID      = at("ReportId", "DeviceId", "TimeGenerated")
	windowsRecord = at("Event/System/EventRecordID", "System/EventRecordID", "winlog/record_id", "winlog.record_id", "EventRecordID", "RecordNumber")
	windowsHost   = at("Event/System/Computer", "System/Computer", "winlog/computer_name", "winlog.computer_name", "Computer", "Hostname")
)

// Snapshot tells whether a table holds directory objects rather than events: a
// state without a time.
func (s Source) Snapshot() bool { return strings.Contains(s.Table, ":") && s.Form == GraphAPI }

// Time returns when an event of the given source happened, in UTC and cut to
// microseconds; false when it has no time that can be read. Directory objects
// have none.
func Time(ev any, src Source) (time.Time, bool) { return timeIn(Unwrap(ev), src) }

func timeIn(ev any, src Source) (time.Time, bool) {
	if src.Snapshot() {
		return time.Time{}, false
	}
	places, ok := tableTimePlaces[src]
	if !ok {
		places = timePlaces[src.Form.family()]
	}
	for _, p := range places {
		if v, ok := lookupPath(ev, p); ok {
			if t, ok := timeOf(v); ok {
				return t, true
			}
		}
	}
	return time.Time{}, false
}

// ID returns the event's own id, the same for every copy of the event in the
// same form, or "" when it has none. Where the source gives one id to several
// events, what tells them apart is part of the result.
func ID(ev any, src Source) string { return idIn(Unwrap(ev), src) }

func idIn(ev any, src Source) string {
	if src.Form.family() == Windows {
		return windowsID(ev, src)
	}
	places, ok := tableIDPlaces[src]
	if !ok {
		places = idPlaces[src.Form]
	}
	if id := joinID(ev, places); id != "" || src.Form != LogAnalytics {
		return id
	}
	return joinID(ev, xdrRowID) // a Defender XDR table kept in Log Analytics
}

// noGUID is what anonymised exports and some services write for an id.
const noGUID = "00000000-0000-0000-0000-000000000000"

func joinID(ev any, places paths) string {
	var id strings.Builder
	for i, p := range places {
		v, _ := lookupPath(ev, p)
		t := text(v)
		if t == "" || t == noGUID {
			if i == 0 {
				return ""
			}
			continue
		}
		if i > 0 {
			id.WriteByte('|')
		}
		id.WriteString(t)
	}
	return id.String()
}

// windowsID is host, record number and time: record numbers start anew when a
// log is cleared.
func windowsID(ev any, src Source) string {
	first := func(places paths) string {
		for _, p := range places {
			if v, ok := lookupPath(ev, p); ok {
				if t := text(v); t != "" {
					return t
				}
			}
		}
		return ""
	}
	record, host := first(windowsRecord), first(windowsHost)
	if record == "" || host == "" {
		return ""
	}
	id := host + "|" + record
	if t, ok := timeIn(ev, src); ok {
		id += "|" + t.Format(time.RFC3339Nano)
	}
	return id
}
