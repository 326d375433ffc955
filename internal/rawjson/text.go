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
