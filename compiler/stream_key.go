package compiler

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// maxEventKeys bounds the groups that a correlation puts one event in, and
	// the tuples of values, or the numbers, that it takes from it.
	maxEventKeys = 1000
	// maxEventShares bounds the tuples or numbers of one event in all of its
	// groups together, as each holds its own. Each group has one at least.
	maxEventShares = 10_000
	// maxEventBytes bounds the bytes of these and of the groups' keys.
	maxEventBytes = 4 << 20
	// maxKeyBytes bounds one part of a key. What is longer is cut, and a hash
	// of the whole keeps it apart from others.
	maxKeyBytes = 4096
)

// keysOf returns the folded text forms of all scalars that a field yields, each
// once, fit to be remembered. They are made once for an event, however many
// correlations ask, and must not be changed.
func keysOf(s *subject, f *field) []string {
	y := s.yield(f)
	if y.keys == nil {
		y.keys = y.readKeys()
	}
	return y.keys
}

func (y *yielded) readKeys() []string {
	keys := y.foldedForms()
	if len(keys) > maxEventKeys {
		keys = keys[:maxEventKeys+1] // one more, to be noticed
	}
	for i, k := range keys {
		keys[i] = strings.Clone(shortText(k, maxKeyBytes)) // the event may be large
	}
	return keys
}

// shortText cuts a text that is longer than so many bytes and puts a hash of the
// whole behind it.
func shortText(s string, most int) string {
	if len(s) <= most {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…" + hex.EncodeToString(sum[:])
}

// groupKeys returns the keys of the groups that parts with these values belong
// to: an absent part is empty, and with all of them absent there is no group.
// cut says that there are more than one event may have.
func groupKeys(parts [][]string) (keys []string, cut bool) {
	absent := 0
	for i, p := range parts {
		if len(p) == 0 {
			parts[i] = []string{""}
			absent++
		}
	}
	if absent == len(parts) && absent > 0 {
		return nil, false
	}
	return tupleKeys(parts)
}

// tupleKeys returns the keys made of one value of each part; there is none
// where a part has no value.
func tupleKeys(parts [][]string) (keys []string, cut bool) {
	keys = []string{""}
	for _, part := range parts {
		var next []string
		size := 0
	all:
		for _, k := range keys {
			for _, p := range part {
				key := k + strconv.Itoa(len(p)) + ":" + p
				size += len(key)
				if len(next) == maxEventKeys || size > maxEventBytes && len(next) > 0 {
					cut = true
					break all
				}
				next = append(next, key)
			}
		}
		keys = next
	}
	return keys, cut
}

// appendKeyPart adds a part to a key as tupleKeys does.
func appendKeyPart(key, part []byte) []byte {
	return append(appendKeyLength(key, len(part)), part...)
}

// appendKeyLength adds what stands in front of a part of so many bytes.
func appendKeyLength(key []byte, n int) []byte {
	switch {
	case n < 10:
		return append(key, '0'+byte(n), ':')
	case n < 100:
		return append(key, '0'+byte(n/10), '0'+byte(n%10), ':')
	}
	return append(strconv.AppendInt(key, int64(n), 10), ':')
}

// keyParts takes a key of tupleKeys apart.
func keyParts(key string) []string {
	var parts []string
	for key != "" {
		part, rest, ok := cutKey(key)
		if !ok {
			return parts // not a key
		}
		parts, key = append(parts, part), rest
	}
	return parts
}

func cutKey[Text string | []byte](key Text) (part, rest Text, ok bool) {
	size := 0
	for size < len(key) && key[size] != ':' {
		size++
	}
	n, err := strconv.Atoi(string(key[:size]))
	if rest = key[min(size+1, len(key)):]; err != nil || n < 0 || n > len(rest) {
		return key[:0], key[:0], false
	}
	return rest[:n], rest[n:], true
}

// compareKeys orders keys by their parts.
func compareKeys[Text string | []byte](a, b Text) int {
	for len(a) > 0 && len(b) > 0 {
		x, restA, okA := cutKey(a)
		y, restB, okB := cutKey(b)
		if !okA || !okB {
			break
		}
		if c := strings.Compare(string(x), string(y)); c != 0 {
			return c
		}
		a, b = restA, restB
	}
	return strings.Compare(string(a), string(b))
}
