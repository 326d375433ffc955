package backends

import "testing"

func TestSQLiteFound(t *testing.T) {
	for re, want := range map[string]string{
		`\w`: "x GLOB '*[0-9A-Z_a-z]*'", `[.:]`: "x GLOB '*[.:]*'", `abc`: "x GLOB '*abc*'", `^a\*b$`: "x GLOB 'a[*]b'", `^$`: "x GLOB ''", ``: "x GLOB '*'",
		`(?i)^k`: "x GLOB '[Kk\u212a]*'", `.`: "x GLOB '*[^\n]*'", `(?s)^.$`: "x GLOB '?'", `^\d{2}-`: "x GLOB '[0-9][0-9]-*'",
		`^\d+$`: "(x NOT GLOB '*[^0-9]*' AND x <> '')", `^\s*$`: "x NOT GLOB '*[^\t-\n\f-\r ]*'", `[\]a]`: "x GLOB '*[]a]*'", `[-^]`: "x GLOB '*[-^]*'",
		`[\^a]`: "x GLOB '*[a^]*'", `[\]^-]`: "x GLOB '*[]-^]*'", `it's`: "x GLOB '*it''s*'", `[^a]`: "x GLOB '*[\x01-`b-\U0010ffff]*'",
		`a|bc`: "", `a+`: "", `(ab)?`: "", `^.*$`: "x NOT GLOB '*[\n]*'", `\b`: "", `(?m)^a`: "", `[A-\]]`: "x GLOB '*[]A-\\]*'",
	} {
		got, ok := sqliteFound("x", re, singleQuoted)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%s: %s, want %s", re, got, want)
		}
	}
}
