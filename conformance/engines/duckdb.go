package engines

import (
	"database/sql"

	_ "github.com/duckdb/duckdb-go/v2" // the driver

	"github.com/rulewright/rulewright/backends"
)

// DuckDB opens a database in memory.
func DuckDB() (*Engine, error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("SET threads = 1"); err != nil { // the tables are small
		return nil, err
	}
	return newEngine(backends.DuckDB, db, func(int) string { return "?" })
}
