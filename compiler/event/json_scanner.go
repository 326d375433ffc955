package event

import (
	"fmt"
)

// scanner finds where a JSON value ends, checks its structure on the way and
// measures it. It leaves the spelling of literals and numbers to the parser.
type scanner struct {
	state   byte
	stack   []byte // open brackets
	beyond  int    // depth below the limit, where only brackets are counted
	tooDeep bool
	values  int
	inText  bool // inside a string
	isKey   bool
	escaped bool
	inWord  bool // inside a number or literal
	// The last key of the outermost object, quotes included.
	keyStart, keyEnd int
}

const (
	wantValue  = iota
	wantItem   // a value or ]
	wantKey    // a key
	wantMember // a key or }
	wantColon
	wantMore // a comma or the end
)

const (
	scanMore = iota // the input is used up
	scanDone        // the value ends with the last byte taken
	scanList        // watched: a list begins under a key of the outermost object
	scanKey         // watched: another value begins there
)

// feed takes bytes of the value, the first of which is at offset in it, and
// returns how many it took. With watch it stops at every value of the outermost
// object.
func (s *scanner) feed(b []byte, offset int, watch bool) (int, int, error) {
	for i := 0; i < len(b); i++ {
		c := b[i]
		if s.inText {
			switch {
			case s.escaped:
				s.escaped = false
			case c == '\\':
				s.escaped = true
			case c == '"':
				s.inText = false
				if s.isKey {
					s.state = wantColon
					if len(s.stack) == 1 && s.beyond == 0 {
						s.keyEnd = offset + i + 1
					}
				} else {
					s.state = wantMore
					if len(s.stack) == 0 {
						return i + 1, scanDone, nil
					}
				}
			case c < 0x20:
				return i, 0, fmt.Errorf("a string with a bare control character (%#02x); the line may be cut off", c)
			}
			continue
		}
		if s.inWord {
			if isWord(c) {
				continue
			}
			s.inWord = false
			s.state = wantMore
			if len(s.stack) == 0 {
				return i, scanDone, nil
			}
		}
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		}
		if s.beyond > 0 { // only looking for the end
			switch c {
			case '"':
				s.inText, s.isKey = true, false
			case '{', '[':
				s.beyond++
			case '}', ']':
				if s.beyond--; s.beyond == 0 {
					s.state = wantMore
				}
			}
			continue
		}
		switch s.state {
		case wantMember, wantKey:
			switch {
			case c == '"':
				s.inText, s.isKey = true, true
				s.values++
				if len(s.stack) == 1 {
					s.keyStart = offset + i
				}
			case c == '}' && s.state == wantMember:
				if s.pop() {
					return i + 1, scanDone, nil
				}
			default:
				return i, 0, fmt.Errorf("not JSON: %q where a key is due", c)
			}
		case wantColon:
			if c != ':' {
				return i, 0, fmt.Errorf("not JSON: %q where a colon is due", c)
			}
			s.state = wantValue
		case wantMore:
			top := s.stack[len(s.stack)-1]
			switch {
			case c == ',' && top == '{':
				s.state = wantKey
			case c == ',':
				s.state = wantValue
			case c == '}' && top == '{' || c == ']' && top == '[':
				if s.pop() {
					return i + 1, scanDone, nil
				}
			default:
				return i, 0, fmt.Errorf("not JSON: %q where a comma or the end is due", c)
			}
		case wantValue, wantItem:
			outer := watch && len(s.stack) == 1 && s.stack[0] == '{'
			s.values++
			switch {
			case c == ']' && s.state == wantItem:
				if s.pop() {
					return i + 1, scanDone, nil
				}
				continue
			case c == '{' || c == '[':
				if len(s.stack) >= MaxNesting {
					s.tooDeep = true
					s.beyond = 1
					continue
				}
				s.stack = append(s.stack, c)
				s.state = wantMember
				if c == '[' {
					s.state = wantItem
				}
			case c == '"':
				s.inText, s.isKey = true, false
			case isWord(c):
				s.inWord = true
			default:
				return i, 0, fmt.Errorf("not JSON: %q where a value is due", c)
			}
			if outer {
				if c == '[' {
					return i + 1, scanList, nil
				}
				return i + 1, scanKey, nil
			}
		}
	}
	return len(b), scanMore, nil
}

// pop closes a bracket; true when the value is complete.
func (s *scanner) pop() bool {
	s.stack = s.stack[:len(s.stack)-1]
	s.state = wantMore
	return len(s.stack) == 0
}

func isWord(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '+' || c == '.' || c == '_'
}
