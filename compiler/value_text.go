package compiler

import "unicode/utf8"

// validText replaces what is no UTF-8 as encoding/json does, so that an event
// means the same as bytes and as a Go value.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}
