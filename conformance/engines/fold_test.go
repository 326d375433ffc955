package engines

import (
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
)

// TestFolding holds what the printer believes of lower: DuckDB folds every code
// point as ir.Fold does but for two, which become ASCII; the others fold ASCII.
func TestFolding(t *testing.T) {
	wrong := map[string]map[rune]bool{"duckdb": {'\u0130': true, '\u212a': true}}
	for _, o := range open(t) {
		t.Run(o.name, func(t *testing.T) {
			if o.err != nil {
				t.Skip(o.err)
			}
			query := `SELECT lower($1 COLLATE "C")`
			switch o.name {
			case "duckdb":
				query = "SELECT lower($1)"
			case "sqlite":
				query = "SELECT lower(?1)"
			case "clickhouse":
				query = "SELECT lower(?)"
			}
			const block = 1 << 12
			for from := rune(1); from <= 0x1ffff; from += block { // no letters behind
				var b strings.Builder
				for r := from; r < from+block; r++ {
					if r < 0xd800 || r > 0xdfff {
						b.WriteRune(r)
					}
				}
				var lower string
				if err := o.db.QueryRow(query, b.String()).Scan(&lower); err != nil {
					t.Fatal(err)
				}
				in, out := []rune(b.String()), []rune(lower)
				if len(in) != len(out) {
					t.Fatalf("U+%04X: %d code points become %d", from, len(in), len(out))
				}
				for i, r := range in {
					want := []rune(ir.Fold(string(r)))[0]
					if foldsASCII(o.name) && r > 127 {
						want = r
					}
					if (out[i] != want) != wrong[o.name][r] {
						t.Errorf("U+%04X becomes U+%04X, want U+%04X", r, out[i], want)
					}
				}
			}
		})
	}
}
