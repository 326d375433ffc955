package rawjson

import "encoding/binary"

// HashKey hashes a key so that those equal under folding have one hash, if they
// are ASCII; ok says whether they are.
func HashKey[Text string | []byte](key Text) (h uint64, ok bool) {
	const lower = 0x2020202020202020 // also takes other bytes for equal
	var all uint64
	n := len(key)
	h = uint64(n)
	for i := 0; i < n; i += 8 {
		w := Word(key[i:])
		all |= w
		h = (h ^ (w | lower)) * 0x9E3779B97F4A7C15
		h ^= h >> 29
	}
	return h * 0x9E3779B97F4A7C15, all&0x8080808080808080 == 0
}

// Word returns the first eight bytes of a text, the first one lowest, or as many
// as there are.
func Word[Text string | []byte](s Text) uint64 {
	n := len(s)
	switch {
	case n >= 8:
		return binary.LittleEndian.Uint64([]byte(s[:8]))
	case n >= 4: // the two halves may overlap
		return uint64(binary.LittleEndian.Uint32([]byte(s[:4]))) |
			uint64(binary.LittleEndian.Uint32([]byte(s[n-4:])))<<(8*(n-4))
	case n > 0: // as may the three bytes
		return uint64(s[0]) | uint64(s[n/2])<<(8*(n/2)) | uint64(s[n-1])<<(8*(n-1))
	}
	return 0
}
