package engines

import (
	"database/sql"
	"errors"
	"os"
	"strconv"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver

	"github.com/rulewright/rulewright/backends"
)

// PostgresVariable names the environment variable with the address of a
// PostgreSQL server, as the driver pgx takes it.
const PostgresVariable = "RULEWRIGHT_POSTGRES"

// PostgreSQL opens the server that PostgresVariable names.
func PostgreSQL() (*Engine, error) {
	address := os.Getenv(PostgresVariable)
	if address == "" {
		return nil, errors.New(PostgresVariable + " names no PostgreSQL server")
	}
	db, err := sql.Open("pgx", address)
	if err != nil {
		return nil, err
	}
	if err := db.Ping(); err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("SET jit = off"); err != nil { // compiling takes longer than these queries do
		return nil, err
	}
	return newEngine(backends.PostgreSQL, db, func(n int) string { return "$" + strconv.Itoa(n) })
}
