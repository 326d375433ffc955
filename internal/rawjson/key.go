package rawjson

// HashKey hashes a key so that those equal under folding have one hash, if they
// are ASCII; ok says whether they are.
func HashKey[Text string | []byte](key Text) (h uint64, ok bool) {
	var all uint64
	h = uint64(len(key))
	for ; len(key) >= 8; key = key[8:] {
		w := eight(key)
		all |= w
		h = hashWord(h, w)
	}
	if len(key) > 0 {
		w := Word(key)
		all |= w
		h = hashWord(h, w)
	}
	return h * hashFactor, all&0x8080808080808080 == 0
}

const hashFactor = 0x9E3779B97F4A7C15

func hashWord(h, w uint64) uint64 {
	const lower = 0x2020202020202020 // also takes other bytes for equal
	h = (h ^ (w | lower)) * hashFactor
	return h ^ h>>29
}

// Word returns the first eight bytes of a text, the first one lowest, or as many
// as there are.
func Word[Text string | []byte](s Text) uint64 {
	if len(s) >= 8 {
		return eight(s)
	}
	return fewer(s)
}

func eight[Text string | []byte](s Text) uint64 {
	s = s[:8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// fewer is Word of up to seven bytes.
func fewer[Text string | []byte](s Text) uint64 {
	n := len(s)
	switch {
	case n >= 4: // the two halves may overlap
		return four(s[:4]) | four(s[n-4:])<<(8*(n-4))
	case n > 0: // as may the three bytes
		return uint64(s[0]) | uint64(s[n/2])<<(8*(n/2)) | uint64(s[n-1])<<(8*(n-1))
	}
	return 0
}

func four[Text string | []byte](s Text) uint64 {
	s = s[:4]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}
