// Package sigma reads detection rules: Sigma 2.1.0 and Rulewright's native
// YAML, a superset marked by `rulewright: 1`. It is the first stage of the
// path
//
//	bytes ─sigma.Parse─▶ Document ─compiler.Lower─▶ ir.Rule ─▶ CEL, KQL, SQL
//
// and the only one that knows YAML rules: Parse turns bytes into Documents and
// positioned Diagnostics, Write turns a Document back into YAML that parses to
// the same Document (see Equal), Schema prints the JSON Schema of each kind of
// file from the parser's own tables. docs/native.md is the reference page of
// the native form. A Document is what the author wrote; what it means is
// decided once, in package compiler.
package sigma
