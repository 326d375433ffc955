// Package kusto evaluates a subset of KQL, the Kusto Query Language, over
// tables in memory. It is a referee for queries that are printed elsewhere: it
// is written from Microsoft's documentation of the language
// (https://learn.microsoft.com/en-us/kusto/query/) and knows nothing of what
// prints them.
//
//	text ─Parse─▶ Query ─Run(Database)─▶ Table
//
// What is outside the subset is refused with a position, never approximated:
// so are names and types that Kusto refuses, and operations whose result the
// documentation leaves open. Where it leaves something open that a query can
// hardly avoid, a choice is made; docs/kusto.md lists them, and those of
// Choices can be made either way.
//
// The package reads no file and no clock: tables, watchlists and the time of
// now() come with the Database.
package kusto
