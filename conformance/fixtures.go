package conformance

import "embed"

// Fixtures holds the fixtures of the contract and of the rule pack, in the
// folder fixtures. It is read-only and safe for concurrent use.
//
//go:embed fixtures
var Fixtures embed.FS
