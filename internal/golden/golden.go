// Package golden holds what tests make to committed files. Tests alone use it:
// with the flag -update they write the files anew.
package golden

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the committed files anew")

// Updating reports whether the files are to be written.
func Updating() bool { return *update }

// Compare holds got to a file, a path from the package of the test, or writes it.
// The difference is told with the command that writes it.
func Compare(t testing.TB, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; %s writes it", err, Command(t))
	}
	if got != string(want) {
		t.Errorf("%s differs; where that is right, %s writes it:\n%s", file, Command(t), Difference(string(want), got))
	}
}

// Command is how the files of a test are written.
func Command(t testing.TB) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	rel := ""
	for root := dir; ; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil || root == filepath.Dir(root) {
			break
		}
		rel = filepath.Base(root) + "/" + rel
	}
	name, _, _ := strings.Cut(t.Name(), "/")
	return fmt.Sprintf("`go test ./%s -run '^%s$' -update`", strings.TrimSuffix(rel, "/"), name)
}

// Difference lists the lines that only one of two texts has.
func Difference(want, got string) string {
	var b strings.Builder
	only := func(sign, a, other string) {
		rest := strings.Split(other, "\n")
		for _, l := range strings.Split(a, "\n") {
			if i := slices.Index(rest, l); i >= 0 {
				rest = slices.Delete(rest, i, i+1)
				continue
			}
			fmt.Fprintf(&b, "%s %s\n", sign, l)
		}
	}
	only("-", want, got)
	only("+", got, want)
	return b.String()
}
