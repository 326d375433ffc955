package sigma

import (
	"strings"
	"testing"
)

func TestSlug(t *testing.T) {
	for title, want := range map[string]string{
		"Alert on X (Y)":                     "alert-on-x-y",
		"  -- a__b.. ":                       "a-b",
		"Ünï 日本":                             "n",
		"日本":                                 "",
		"":                                   "",
		strings.Repeat("a", 99) + " b":       strings.Repeat("a", 99),
		strings.Repeat("a", 101):             strings.Repeat("a", 100),
		"Kelvin \u212a" + "x / ../../passwd": "kelvin-kx-passwd",
	} {
		if got := Slug(title); got != want {
			t.Errorf("Slug(%q) = %q, want %q", title, got, want)
		}
	}
}
