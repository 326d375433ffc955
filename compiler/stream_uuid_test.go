package compiler

import (
	"math/rand/v2"
	"regexp"
	"testing"
)

// A UUID in lower case comes back as it was; nothing else is taken for one.
func TestPackUUID(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	const id = "2f0a5f1c-0d01-4f0f-9a3e-0123456789ab"
	check := func(id string) {
		t.Helper()
		low, high, ok := packUUID(id)
		if ok != form.MatchString(id) {
			t.Fatalf("%q: %v", id, ok)
		}
		var b [uuidBytes]byte
		if putUUID(b[:], low, high); ok && uuidText(b[:]) != id {
			t.Fatalf("%q came back as %q", id, uuidText(b[:]))
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range id {
		check(id[:i])
		for c := range 256 {
			one := []byte(id)
			one[i] = byte(c)
			check(string(one))
			one[r.IntN(len(one))] = "0123456789abcdef"[r.IntN(16)]
			check(string(one))
			one[r.IntN(len(one))] = byte(r.IntN(256))
			check(string(one))
		}
	}
	check(id + "0")
}
