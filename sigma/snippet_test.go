package sigma

import "testing"

func TestWithSnippets(t *testing.T) {
	ds := Diagnostics{{File: "a", Pos: Pos{2, 1}}, {File: "b", Pos: Pos{2, 1}}, {File: "a"}, {File: "a", Pos: Pos{9, 1}}, {File: "a", Pos: Pos{1, 1}, Snippet: "kept"}}
	got := ds.WithSnippets("a", []byte("\ufeffone\r\ntwo\n"))
	for i, want := range []string{"two", "", "", "", "kept"} {
		if got[i].Snippet != want {
			t.Errorf("%d: %q, want %q", i, got[i].Snippet, want)
		}
	}
	if ds[0].Snippet != "" {
		t.Error("the argument changed")
	}
}
