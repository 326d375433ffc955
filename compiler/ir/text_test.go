package ir

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestFold(t *testing.T) {
	for in, want := range map[string]string{"FOO": "foo", "Ä": "ä", "\u212a": "\u212a", "\u0130": "\u0130", "ς": "ς", "Σ": "σ"} {
		if got := Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
}

// Texts of all lengths, cases and alphabets are told apart as Fold says.
func TestFoldsTo(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	letters := []rune("aAbBzZ@[`{09-\x00\x7fäÄ\u212aσΣς\ufffd\U0001f600")
	text := func() string {
		var b strings.Builder
		ascii := r.IntN(2) == 0
		for range r.IntN(40) {
			if c := letters[r.IntN(len(letters))]; c < 0x80 || !ascii {
				b.WriteRune(c)
			}
		}
		if r.IntN(20) == 0 {
			b.WriteByte(0xff)
		}
		return b.String()
	}
	for range 100_000 {
		a, b := text(), text()
		if r.IntN(2) == 0 { // mostly equal, but for a byte
			b = strings.ToUpper(a)
			if x := []byte(a); len(x) > 0 && r.IntN(2) == 0 {
				x[r.IntN(len(x))] ^= 1 << r.IntN(8)
				b = string(x)
			}
		}
		folded := Fold(b)
		want := Fold(a) == folded
		if got := FoldsTo(a, folded); got != want || FoldsTo([]byte(a), []byte(folded)) != want {
			t.Fatalf("FoldsTo(%q, %q) = %v", a, folded, got)
		}
	}
}

// Texts that are equal when folded have one hash; others, whether they differ in
// a letter, a sign that is a letter's but for a bit, or their length, have others.
func TestHashASCII(t *testing.T) {
	secrets := [2]uint64{0xD1B54A32D192ED03, 0x9E3779B97F4A7C15}
	seen := map[uint64]string{}
	for n := range 40 {
		for at := range max(n, 1) {
			for _, c := range "aAbB@`[{z{Zz09" {
				text := strings.Repeat("x", n)
				if n > 0 {
					text = text[:at] + string(c) + text[at+1:]
				}
				h := HashASCII(&secrets, text)
				if HashASCII(&secrets, []byte(strings.ToUpper(text))) != h {
					t.Errorf("%q has another hash in upper case", text)
				}
				if other, ok := seen[h]; ok && !strings.EqualFold(other, text) {
					t.Errorf("%q and %q have one hash", text, other)
				}
				seen[h] = text
			}
		}
	}
}

func TestNumberText(t *testing.T) {
	for in, want := range map[string]string{"5": "5", "-0": "0", "007": "7", "5.0": "5", "0.10": "0.1", "999999999999999": "999999999999999"} {
		if got, ok := NumberText(in); !ok || got.String() != want {
			t.Errorf("NumberText(%q) = %v, %v, want %s", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "-", "5.", ".5", "+5", " 5", "1e3", "0x1", "1234567890123456", "5.0.0", "--5", "5.1234567890123456"} {
		if n, ok := NumberText(in); ok {
			t.Errorf("NumberText(%q) = %v, want none", in, n)
		}
	}
}
