// Package rules is the embedded rule pack.
package rules
