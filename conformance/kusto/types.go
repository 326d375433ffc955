package kusto

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Type is a scalar data type of KQL.
type Type uint8

const (
	TypeBool Type = iota + 1
	TypeInt
	TypeLong
	TypeReal
	TypeString
	TypeDatetime
	TypeTimespan
	TypeGUID
	TypeDynamic
)

var typeNames = [...]string{"", "bool", "int", "long", "real", "string", "datetime", "timespan", "guid", "dynamic"}

func (t Type) String() string { return typeNames[t] }

// TypeNamed is the type of a name as queries write it, aliases included.
func TypeNamed(name string) (Type, bool) {
	switch name {
	case "bool", "boolean":
		return TypeBool, true
	case "int":
		return TypeInt, true
	case "long":
		return TypeLong, true
	case "real", "double":
		return TypeReal, true
	case "string":
		return TypeString, true
	case "datetime", "date":
		return TypeDatetime, true
	case "timespan", "time":
		return TypeTimespan, true
	case "guid", "uuid", "uniqueid":
		return TypeGUID, true
	case "dynamic":
		return TypeDynamic, true
	}
	return 0, false
}

func (t Type) integer() bool { return t == TypeInt || t == TypeLong }
func (t Type) number() bool  { return t == TypeInt || t == TypeLong || t == TypeReal }

// Value is a scalar: nil for null, else by type
//
//	bool      bool
//	int       int32
//	long      int64
//	real      float64
//	string    string (never nil)
//	datetime  Datetime
//	timespan  Timespan
//	guid      GUID
//	dynamic   bool, int64, float64, string, Datetime, Timespan, GUID,
//	          []any or map[string]any of these and nil
type Value = any

// Column is a named and typed column.
type Column struct {
	Name string
	Type Type
}

// Table is rows under columns; each row has one Value per column.
type Table struct {
	Columns []Column
	Rows    [][]Value
}

// Column returns the values of a column, nil if there is none of that name.
func (t *Table) Column(name string) []Value {
	for i, c := range t.Columns {
		if c.Name == name {
			out := make([]Value, len(t.Rows))
			for j, r := range t.Rows {
				out[j] = r[i]
			}
			return out
		}
	}
	return nil
}

// Database is what a query reads. A run only reads it, so one database may
// serve many runs at a time.
//
// Rows may also hold Go's int, float32, time.Time, time.Duration,
// json.Number and nil for an empty string: they are converted.
type Database struct {
	Tables     map[string]*Table
	Watchlists map[string]*Table // by alias, for _GetWatchlist
	Now        time.Time         // of now() and ago()
	Choices    Choices
}

// IngestionTime is a column of type datetime that a table may have: what
// ingestion_time() says of its rows.
const IngestionTime = "$IngestionTime"

// Choices are made where the documentation is silent or contradicts itself and
// an actual query might depend on it. Run a query with either choice: if the
// results differ, the query leans on something that is not documented.
type Choices struct {
	// ApplyToEmpty makes mv-apply run its subquery on an empty subtable for a
	// record whose arrays are all empty. Otherwise such a record, which the
	// expansion gives no record for, has no subtable and is gone.
	ApplyToEmpty bool
	// JSONLong makes gettype() of a whole number in a dynamic value "long".
	// Otherwise it is "int" where it fits 32 bits, as gettype's page says.
	JSONLong bool
	// RealPoint makes the text of a whole real number end in ".0".
	RealPoint bool
	// NullEqualsNullFalse makes null == null and null != null false, as the
	// page of the logical operators says. Otherwise they are null, as the page
	// of null values says.
	NullEqualsNullFalse bool
}

// null is the value that stands for a missing value of the type.
func null(t Type) Value {
	if t == TypeString {
		return ""
	}
	return nil
}

// Convert makes a Go value the Value of a type, without parsing text: it
// takes what Database's rows may hold.
func Convert(t Type, v any) (Value, error) {
	if v == nil {
		return null(t), nil
	}
	switch t {
	case TypeBool:
		if x, ok := v.(bool); ok {
			return x, nil
		}
	case TypeInt:
		if x, ok := wholeOf(v); ok && int64(int32(x)) == x {
			return int32(x), nil
		}
	case TypeLong:
		if x, ok := wholeOf(v); ok {
			return x, nil
		}
	case TypeReal:
		switch x := v.(type) {
		case float64:
			return x, nil
		case float32:
			return float64(x), nil
		case json.Number:
			if f, err := x.Float64(); err == nil {
				return f, nil
			}
		}
		if x, ok := wholeOf(v); ok {
			return float64(x), nil
		}
	case TypeString:
		if x, ok := v.(string); ok {
			return x, nil
		}
	case TypeDatetime:
		switch x := v.(type) {
		case Datetime:
			return x, nil
		case time.Time:
			return DatetimeOf(x), nil
		}
	case TypeTimespan:
		switch x := v.(type) {
		case Timespan:
			return x, nil
		case time.Duration:
			return Timespan(x / 100), nil
		}
	case TypeGUID:
		if x, ok := v.(GUID); ok {
			return x, nil
		}
	case TypeDynamic:
		return dynamicOf(v, 0)
	}
	return nil, fmt.Errorf("a Go %T is no value of type %s", v, t)
}

func wholeOf(v any) (int64, bool) {
	switch x := v.(type) {
	case int64:
		return x, true
	case int32:
		return int64(x), true
	case int:
		return int64(x), true
	case json.Number:
		n, err := strconv.ParseInt(string(x), 10, 64)
		return n, err == nil
	}
	return 0, false
}

// dynamicOf converts numbers to int64 and float64 all the way down; it copies
// only where it must.
func dynamicOf(v any, depth int) (Value, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("a dynamic value is nested more than %d deep", maxDepth)
	}
	switch x := v.(type) {
	case nil, bool, int64, float64, string, Datetime, Timespan, GUID:
		return v, nil
	case []any:
		out := x
		for i, e := range x {
			c, err := dynamicOf(e, depth+1)
			if err != nil {
				return nil, err
			}
			if needsCopy(e) {
				if &out[0] == &x[0] {
					out = append([]any(nil), x...)
				}
				out[i] = c
			}
		}
		return out, nil
	case map[string]any:
		out, copied := x, false
		for k, e := range x {
			c, err := dynamicOf(e, depth+1)
			if err != nil {
				return nil, err
			}
			if needsCopy(e) {
				if !copied {
					copied = true
					out = make(map[string]any, len(x))
					for k, e := range x {
						out[k] = e
					}
				}
				out[k] = c
			}
		}
		return out, nil
	case json.Number:
		return jsonNumber(x), nil
	case float32:
		return float64(x), nil
	case time.Time:
		return DatetimeOf(x), nil
	case time.Duration:
		return Timespan(x / 100), nil
	}
	if n, ok := wholeOf(v); ok {
		return n, nil
	}
	return nil, fmt.Errorf("a Go %T is no value of type dynamic", v)
}

func needsCopy(v any) bool {
	switch v.(type) {
	case nil, bool, int64, float64, string, Datetime, Timespan, GUID:
		return false
	}
	return true
}
