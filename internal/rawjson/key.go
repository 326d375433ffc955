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
		var w uint64
		if i+8 <= n {
			w = binary.LittleEndian.Uint64([]byte(key[i : i+8]))
		} else {
			for j := i; j < n; j++ {
				w |= uint64(key[j]) << (8 * (j - i))
			}
		}
		all |= w
		h = (h ^ (w | lower)) * 0x9E3779B97F4A7C15
		h ^= h >> 29
	}
	return h * 0x9E3779B97F4A7C15, all&0x8080808080808080 == 0
}
