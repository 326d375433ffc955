package event

import (
	"errors"
	"iter"

	"github.com/rulewright/rulewright/internal/rawjson"
)

var errRecords = errors.New("what is left is no JSON value")

// Records goes through the JSON values in data, such as a message of an event
// hub: the elements of a list, those of the list under records of an object
// that has one, any other value itself, one value behind the other. Each is a
// part of data, not a copy. Where data is no JSON, the last is an error.
func Records(data []byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for rest := rawjson.TrimSpace(data); len(rest) > 0; rest = rawjson.TrimSpace(rest) {
			value, behind, ok := rawjson.Split(rest)
			if !ok {
				yield(nil, errRecords)
				return
			}
			rest = behind
			list := value
			if value[0] == '{' {
				list = rawjson.Member(value, "records")
			}
			if len(list) == 0 || list[0] != '[' {
				if !yield(value, nil) {
					return
				}
				continue
			}
			for list = rawjson.TrimSpace(list[1:]); list[0] != ']'; {
				var el []byte
				el, list, _ = rawjson.Split(list)
				if !yield(el, nil) {
					return
				}
				if list = rawjson.TrimSpace(list); list[0] == ',' {
					list = rawjson.TrimSpace(list[1:])
				}
			}
		}
	}
}
