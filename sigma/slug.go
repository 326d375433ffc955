package sigma

import "strings"

// Slug makes a file name, without extension, of a title: lower-case ASCII letters
// and digits, all between them a hyphen, at most 100 characters. It is empty
// where the title has neither.
func Slug(title string) string {
	const most = 100
	var b strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	s := b.String()
	return strings.Trim(s[:min(len(s), most)], "-")
}
