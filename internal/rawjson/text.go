package rawjson

import (
	"unicode/utf16"
	"unicode/utf8"
)

// Plain says whether a string stands for itself, as Append would write it.
func Plain(raw []byte, escaped, wide bool) bool {
	return !escaped && (!wide || utf8.Valid(raw))
}

// Append appends what a string without its quotes stands for, as encoding/json
// reads it: what is no UTF-8, or half a surrogate pair, is U+FFFD. It takes no
// more bytes than three times the string has.
func Append(b, raw []byte) []byte {
	for i := 0; i < len(raw); {
		switch c := raw[i]; {
		case c == '\\':
			i++
			switch raw[i] {
			case 'b':
				b = append(b, '\b')
			case 'f':
				b = append(b, '\f')
			case 'n':
				b = append(b, '\n')
			case 'r':
				b = append(b, '\r')
			case 't':
				b = append(b, '\t')
			case 'u':
				r, _ := hex4(raw[i+1:])
				i += 4
				if utf16.IsSurrogate(r) {
					pair := rune(utf8.RuneError)
					if i+2 < len(raw) && raw[i+1] == '\\' && raw[i+2] == 'u' {
						low, _ := hex4(raw[i+3:])
						pair = utf16.DecodeRune(r, low)
					}
					if r = pair; r != utf8.RuneError {
						i += 6
					}
				}
				b = utf8.AppendRune(b, r)
			default:
				b = append(b, raw[i])
			}
			i++
		case c < utf8.RuneSelf:
			// A run of what stands for itself.
			from := i
			for i < len(raw) && raw[i] != '\\' && raw[i] < utf8.RuneSelf {
				i++
			}
			b = append(b, raw[from:i]...)
		default:
			r, size := utf8.DecodeRune(raw[i:])
			b = utf8.AppendRune(b, r)
			i += size
		}
	}
	return b
}

// TrimSpace cuts white space in front.
func TrimSpace(data []byte) []byte { return data[skipSpace(data, 0):] }

// Split cuts the JSON value off that data begins with. It keeps none of the
// values in it and reads it once, however large it is and however deep.
func Split(data []byte) (value, rest []byte, ok bool) {
	end := skip(data, 0, 0)
	if end < 0 {
		return nil, data, false
	}
	return data[:end], data[end:], true
}

// skip returns where the value ends that begins at i, or -1. depth is how many
// lists and objects are around it.
func skip(data []byte, i, depth int) int {
	if i >= len(data) {
		return -1
	}
	switch data[i] {
	case '"':
		end, _, _ := scanString(data, i+1)
		if end < 0 {
			return -1
		}
		return end + 1
	case '{':
		return skipParts(data, i, depth, '}')
	case '[':
		return skipParts(data, i, depth, ']')
	case 't':
		return word(data, i, "true")
	case 'f':
		return word(data, i, "false")
	case 'n':
		return word(data, i, "null")
	}
	return scanNumber(data, i)
}

// skipParts is skip for an object or list.
func skipParts(data []byte, i, depth int, closing byte) int {
	if depth++; depth > maxDepth {
		return -1
	}
	if i = skipSpace(data, i+1); i < len(data) && data[i] == closing {
		return i + 1
	}
	for {
		if closing == '}' {
			if i = skipKey(data, i); i < 0 {
				return -1
			}
		}
		if i = skip(data, i, depth); i < 0 {
			return -1
		}
		if i = skipSpace(data, i); i >= len(data) {
			return -1
		}
		switch data[i] {
		case ',':
			i = skipSpace(data, i+1)
		case closing:
			return i + 1
		default:
			return -1
		}
	}
}

// skipKey returns where the value begins behind the key at i, or -1.
func skipKey(data []byte, i int) int {
	if i >= len(data) || data[i] != '"' {
		return -1
	}
	end, _, _ := scanString(data, i+1)
	if end < 0 {
		return -1
	}
	if i = skipSpace(data, end+1); i >= len(data) || data[i] != ':' {
		return -1
	}
	return skipSpace(data, i+1)
}

// Member returns what an object holds under a key, the last of several equal
// ones, as it stands; nil if it has none. The object must be well-formed.
func Member(object []byte, key string) (found []byte) {
	for i := skipSpace(object, 1); i < len(object) && object[i] == '"'; {
		end, escaped, _ := scanString(object, i+1)
		name := object[i+1 : end]
		if escaped {
			name = Append(nil, name)
		}
		from := skipKey(object, i)
		i = skip(object, from, 1)
		if string(name) == key {
			found = object[from:i]
		}
		if i = skipSpace(object, i); object[i] == ',' {
			i = skipSpace(object, i+1)
		}
	}
	return found
}
