// Package coverage says how much of what guides ask to be watched a rule pack
// does, how each rule is proven, where it runs, and what an organisation gets
// with the tables and licences that it has. New makes a Report; the report is a
// value for JSON and prints itself as a page of HTML, as Markdown and as a layer
// of MITRE ATT&CK Navigator. Nothing in it depends on the clock or on the order
// of files: the same rules and fixtures give the same bytes.
package coverage
