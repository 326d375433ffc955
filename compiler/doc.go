// Package compiler gives documents their meaning and runs them.
//
//	sigma.Document ─Lower(+Pipeline)─▶ ir.Rule ─CEL─▶ CEL text
//	[]sigma.Document ─NewRuleSet─▶ RuleSet ─Match(event), MatchAll(events)─▶ hits
//	                               RuleSet ─NewStream─▶ Stream ─Push(event)─▶ hits, of correlations too
//	                               RuleSet ─NewRouter─▶ Router ─Keys(event)─▶ keys, for Stream.PushKey elsewhere
//
// Lower is the only place where modifiers, wildcards, filters, placeholders and
// field names are given a meaning (package ir states it). A Pipeline says where
// a logsource's events and fields are in one target. A RuleSet holds the
// compiled CEL programs of many rules; it is immutable and safe for concurrent
// use. An event is what encoding/json decodes, an event.Object or an event.Record
// (package event), or raw JSON, which is read where it stands. A Stream adds what
// needs state, correlations and `once`; it belongs to one goroutine. Snapshot and
// RestoreStream carry that state over a restart, Reload over to another RuleSet.
// Metrics tells of all of them.
package compiler
