package sigma

import "strings"

// WithSnippets returns the findings, those about the file with their line of
// it. Parse gives its findings their lines; later stages have no text at hand.
func (ds Diagnostics) WithSnippets(file string, data []byte) Diagnostics {
	var lines []string
	out := append(Diagnostics(nil), ds...)
	for i, d := range out {
		if d.File != file || d.Snippet != "" || !d.Pos.IsValid() {
			continue
		}
		if lines == nil {
			lines = splitLines(strings.TrimPrefix(string(data), "\ufeff"))
		}
		if d.Pos.Line <= len(lines) {
			out[i].Snippet = strings.ToValidUTF8(lines[d.Pos.Line-1], "\ufffd")
		}
	}
	return out
}
