package compiler

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/rulewright/rulewright/internal/rawjson"
)

// A key whose hash somebody made that of a key that is asked for is not taken
// for it.
func TestEventKeyOfTheSameHash(t *testing.T) {
	const asked = "UserPrincipalName"
	k := newKeyNames([]string{asked})
	if n, _ := eventKey(k, "userprincipalNAME"); n != 0 {
		t.Fatalf("number %d", n)
	}
	// The steps of rawjson.HashKey backwards give the second word to any first.
	const factor, lower = 0x9E3779B97F4A7C15, 0x2020202020202020
	inverse := uint64(factor)
	for range 6 {
		inverse *= 2 - factor*inverse
	}
	hash, _ := rawjson.HashKey(asked)
	before := hash * inverse
	before = (before ^ before>>29 ^ before>>58) * inverse
	for i := range 1 << 22 {
		first := fmt.Sprintf("%08d", i)
		h := (16 ^ (rawjson.Word(first) | lower)) * factor
		h ^= h >> 29
		second := before ^ h
		if second&lower != lower || second&0x8080808080808080 != 0 {
			continue
		}
		key := string(binary.LittleEndian.AppendUint64([]byte(first), second))
		if other, _ := rawjson.HashKey(key); other != hash {
			t.Fatalf("%q has another hash", key)
		}
		if n, form := eventKey(k, key); n >= 0 || form != nil {
			t.Errorf("%q is taken for key %d", key, n)
		}
		return
	}
	t.Fatal("no key found")
}
