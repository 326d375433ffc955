// Package compiler gives documents their meaning and runs them.
//
//	sigma.Document ─Lower(+Pipeline)─▶ ir.Rule ─CEL─▶ CEL text
//	[]sigma.Document ─NewRuleSet─▶ RuleSet ─Match(event)─▶ hits
//	                               RuleSet ─NewStream─▶ Stream ─Push(event)─▶ hits, of correlations too
//
// Lower is the only place where modifiers, wildcards, filters, placeholders and
// field names are given a meaning (package ir states it). A Pipeline says where
// a logsource's events and fields are in one target. A RuleSet holds the
// compiled CEL programs of many rules; it is immutable and safe for concurrent
// use. A Stream adds what needs state, correlations and `once`; it belongs to
// one goroutine.
package compiler
