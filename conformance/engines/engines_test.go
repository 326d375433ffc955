package engines

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// opened is an engine, or why there is none.
type opened struct {
	name string
	*Engine
	err error
}

// open opens the engines that the tests need. RULEWRIGHT_REQUIRE names those
// that must be there, separated by commas; another that is missing is named and
// left out.
func open(t *testing.T) []opened {
	t.Helper()
	all := []opened{{name: "duckdb"}, {name: "sqlite"}, {name: "postgres"}, {name: "clickhouse"}}
	all[0].Engine, all[0].err = DuckDB()
	all[1].Engine, all[1].err = SQLite(true)
	all[2].Engine, all[2].err = PostgreSQL()
	all[3].Engine, all[3].err = ClickHouse()
	required := strings.Split(os.Getenv("RULEWRIGHT_REQUIRE"), ",")
	for _, o := range all {
		switch {
		case o.err == nil:
			t.Cleanup(func() { o.Close() })
		case slices.Contains(required, o.name):
			t.Errorf("%s must be there: %v", o.name, o.err)
		}
	}
	return all
}
