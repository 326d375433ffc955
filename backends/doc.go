// Package backends prints rules as queries, for logs that are in a store
// already. It is the right end of the path
//
//	sigma.Document ─compiler.Lower─▶ ir.Rule ─▶ backends.KQL, backends.SQL ─▶ Query
//
// The tree says what a rule means; leaf.go says what that comes to at a place of
// a known type; a printer only writes it down. What a target cannot say exactly
// is refused at the author's line. KQL and SQL keep no state and do not
// change the rule, so they are safe for concurrent use, with one rule too.
package backends
