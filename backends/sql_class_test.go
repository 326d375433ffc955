package backends

import "testing"

func TestASCIIClass(t *testing.T) {
	for re, want := range map[string]string{`\w`: "0-9A-Z_a-z", `[a-f0-9]`: "0-9a-f", `\d`: "0-9", `[x]`: "", `\W`: "", `.`: "", `\w+`: "", `(?i)[k]`: "", `[.:]`: "", `[A-z]`: "A-z"} {
		got, ok := asciiClass(re)
		if ok != (want != "") || got != want {
			t.Errorf("%s: %q, want %q", re, got, want)
		}
	}
}
