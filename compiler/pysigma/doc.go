// Package pysigma runs pySigma's YAML processing pipelines over rules. Such a
// pipeline is an ordered list of rewrites, each under conditions:
//
//	bytes ─sigma.Parse─▶ Document ─Pipeline.Apply─▶ Document ─compiler.Lower─▶ …
//
// It is not a compiler.Pipeline, which maps logsources and fields to tables and
// paths and has no order. A Pipeline is immutable and safe for concurrent use;
// what a run remembers (state, what was applied where) lives as long as one
// Apply. Values are rewritten in their parts (sigma.Part), never as text, so
// that a literal star stays one and a wildcard, too. What would write text of a
// query language, or need templates, a network or a command, is refused by name
// at its place in the file.
//
// docs/pysigma.md lists every transformation and condition. The format is that
// of pySigma 1.x: https://sigmahq-pysigma.readthedocs.io/en/latest/Processing_Pipelines.html
package pysigma
