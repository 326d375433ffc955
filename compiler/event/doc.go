// Package event knows what events look like before any rule meets them: the
// forms that one fact comes in, the containers and files that hold them, their
// time and identity.
//
//	io.Reader ─event.NewReader─▶ Record{Event, Source, Time, ID} ─▶ compiler.RuleSet.Match
//	[]byte ─event.Records─▶ each event of a batch, as bytes ─▶ compiler.RuleSet.MatchAll
//
// An event is a tree of any: map[string]any or Object for an object, []any for
// a list, string, json.Number, float64, the integer types, bool, nil.
package event
