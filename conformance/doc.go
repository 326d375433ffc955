// Package conformance holds every engine to one meaning. It has a format of
// fixtures that rule authors write, an interpreter of rule trees that is slow
// and obvious, random trees and events, mutants of rules, and a runner that
// puts the same question to any number of referees and compares the answers.
//
//	fixtures ─Load─▶ []*Fixture ─Evaluate(referees)─▶ Report
//
// Run does all of that inside a test:
//
//	func TestRules(t *testing.T) {
//		conformance.Run(t, os.DirFS("rules"), conformance.RunOptions{})
//	}
//
// docs/fixtures.md describes the format.
package conformance
