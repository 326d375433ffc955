package compiler

import (
	"time"
)

// The limits of a Stream where its options set none.
const (
	DefaultMaxGroups      = 100_000
	DefaultMaxGroupEvents = 100_000
	DefaultMaxPending     = 1_000_000
)

// StreamOptions say how a Stream treats time and how much it remembers. The
// zero value is a stream in order with the default limits.
type StreamOptions struct {
	// Lateness is how much older than the latest event an event may be. Hits
	// come that much later.
	Lateness time.Duration
	// MaxGroups bounds the groups that each correlation remembers, and the
	// keys that each rule with once does. Beyond it the one that was without
	// an event for longest is forgotten and counted.
	MaxGroups int
	// MaxGroupEvents bounds the events, and the distinct values, remembered
	// for each group of a correlation. Beyond it the oldest is forgotten and
	// counted; counts and values are then those of what is remembered.
	MaxGroupEvents int
	// MaxPending bounds the events that wait for the watermark. Beyond it the
	// oldest instant is decided early and counted.
	MaxPending int
	// KeepEvents has contributions carry their events, which must not change.
	KeepEvents bool
}

// StreamStats counts what a Stream left out or decided otherwise than it would
// have without limits, and what it holds now.
type StreamStats struct {
	Late          int64 // events older than the watermark, dropped
	WithoutTime   int64 // events without a time, which take no part
	DecidedEarly  int64 // events decided on before their time, by MaxPending
	EvictedGroups int64 // by MaxGroups
	DroppedEvents int64 // events and values of a group, by MaxGroupEvents
	CutKeys       int64 // events with more groups or tuples than are looked at

	Groups  int // now remembered
	Pending int // events now waiting for the watermark
}
