package engines

import (
	"database/sql"
	"database/sql/driver"
	"regexp"
	"sync"

	"modernc.org/sqlite"

	"github.com/rulewright/rulewright/backends"
)

// SQLite opens a database in memory; with expressions, in a program that defines
// REGEXP.
func SQLite(expressions bool) (*Engine, error) {
	d := backends.SQLite
	if expressions {
		d = backends.SQLiteWithRegexp
		if err := defineRegexp(); err != nil {
			return nil, err
		}
	}
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	return newEngine(d, db, func(int) string { return "?" })
}

// defineRegexp makes SQLite's REGEXP a search of Go's regexp.
var defineRegexp = sync.OnceValue(func() error {
	var known sync.Map
	return sqlite.RegisterDeterministicScalarFunction("regexp", 2, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		expression, ok1 := args[0].(string)
		text, ok2 := args[1].(string)
		if !ok1 || !ok2 {
			return nil, nil
		}
		re, ok := known.Load(expression)
		if !ok {
			compiled, err := regexp.Compile(expression)
			if err != nil {
				return nil, err
			}
			re = compiled
			known.Store(expression, re)
		}
		return re.(*regexp.Regexp).MatchString(text), nil
	})
})
