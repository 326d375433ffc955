package ir

import "testing"

func TestFold(t *testing.T) {
	for in, want := range map[string]string{"FOO": "foo", "Ä": "ä", "\u212a": "\u212a", "\u0130": "\u0130", "ς": "ς", "Σ": "σ"} {
		if got := Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
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
