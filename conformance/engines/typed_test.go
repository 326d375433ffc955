package engines

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/conformance"
)

// typedColumns are those of the table of the typed questions: plain types, JSON,
// and JSON in a string.
var typedColumns = []Column{{"txt", ir.TypeString}, {"Other Text", ir.TypeString}, {"addr", ir.TypeIP}, {"code", ir.TypeNumeric}, {"n", ir.TypeLong}, {"small", ir.TypeInt}, {"r", ir.TypeReal}, {"b", ir.TypeBool},
	{"g", ir.TypeGUID}, {"t", ir.TypeDatetime}, {"end", ir.TypeDatetime}, {"j", ir.TypeJSON}, {"s", ir.TypeString}, {"user", ir.TypeUnknown}}

// typedFields are the fields that typed questions ask about, by their paths.
var typedFields = []string{"txt", "Other Text", "addr@ip", "code", "n", "small", "r", "b", "txt", "r", "t@hour", "t@weekday(Europe/Berlin)", "end@duration(60,t)", "j{}", "j{}.x", "j{}[0].y", "s{}.x", "s{}.list[1]", "user"}

// ofTyped are random trees about typed columns with rows made for them.
func ofTyped(t *testing.T, n int, engine string) []asked {
	t.Helper()
	types := map[string]ir.Type{}
	for _, c := range typedColumns {
		types[c.Name] = c.Type
	}
	typed := func(spec string) ir.Field {
		f, err := ir.ParseFieldSpec(spec)
		if err != nil {
			t.Fatal(err)
		}
		f.Column = f.Path[0].Key
		if f.ColumnType = types[f.Column]; f.ColumnType == ir.TypeJSON {
			f.Path[0].JSON = false
		}
		if f.Type == ir.TypeUnknown && len(f.Path) == 1 {
			f.Type = f.ColumnType
		}
		return f
	}
	r := conformance.NewRandom(*seed + 1)
	r.Exact, r.Fields, r.Lists = true, nil, nil
	stores(engine)(r)
	for _, spec := range typedFields {
		r.Fields = append(r.Fields, typed(spec))
	}
	for _, spec := range []string{"j{}.items", "s{}.items", "j{}", "s{}"} {
		r.Lists = append(r.Lists, typed(spec))
	}
	out := make([]asked, 0, n)
	for len(out) < n {
		e, ev := r.Pair()
		if !fitsTyped(e) {
			continue
		}
		row := map[string]any{}
		for _, c := range typedColumns {
			if v, ok := ev[c.Name]; ok {
				if v = typedValue(c.Type, v); v != nil {
					row[c.Name] = v
				}
			}
		}
		out = append(out, asked{conformance.Question{Rule: &ir.Rule{When: e}, Events: []any{row}}, "typed", conformance.Reference(e, row)})
	}
	return out
}

// fitsTyped reports whether columns can say what a tree asks: a column that is
// there is null or not, so that null and absent are one.
func fitsTyped(e ir.Expr) bool {
	for _, m := range ir.Matches(e) {
		if m.Op == ir.Exists && m.Field.Column != "" && len(m.Field.Path) == 1 {
			return false
		}
	}
	return true
}

// typedValue is what a column of the type can hold of a value; nil for nothing.
func typedValue(t ir.Type, v any) any {
	for {
		list, ok := v.([]any)
		if !ok || t == ir.TypeJSON || t == ir.TypeString || len(list) == 0 {
			break
		}
		v = list[0]
	}
	text, isText := v.(string)
	number := ""
	switch v := v.(type) {
	case json.Number:
		number = string(v)
	case int64:
		number = strconv.FormatInt(v, 10)
	case float64:
		number = strconv.FormatFloat(v, 'f', -1, 64)
	}
	switch t {
	case ir.TypeJSON:
		return v
	case ir.TypeLong, ir.TypeInt:
		bits := 64
		if t == ir.TypeInt {
			bits = 32
		}
		if i, err := strconv.ParseInt(number, 10, bits); err == nil {
			return json.Number(strconv.FormatInt(i, 10))
		}
		return nil
	case ir.TypeReal:
		if f, err := strconv.ParseFloat(number, 64); err == nil {
			return f
		}
		return nil
	case ir.TypeBool:
		if b, ok := v.(bool); ok {
			return b
		}
		return nil
	case ir.TypeGUID:
		return nil
	case ir.TypeDatetime:
		if isText && len(text) > 10 && text[4] == '-' && text[10] == 'T' {
			if !strings.HasSuffix(text, "Z") && !strings.Contains(text, "+") {
				text += "Z"
			}
			return text
		}
		return nil
	case ir.TypeNumeric:
		if n, err := strconv.ParseInt(number, 10, 64); err == nil && n < 1e15 && n > -1e15 {
			return number
		}
		return nil
	}
	if isText {
		return text
	}
	if _, scalar := v.(bool); scalar || number != "" || v == nil {
		return nil
	}
	whole, err := jsonText(v)
	if err != nil || t != ir.TypeString {
		return nil
	}
	return whole
}

// TestTyped puts random trees about typed columns to every engine.
func TestTyped(t *testing.T) {
	n := *pairs / 4
	for _, o := range open(t) {
		t.Run(o.name, func(t *testing.T) {
			if o.err != nil {
				t.Skip(o.err)
			}
			table, err := o.Table("typed", typedColumns)
			if err != nil {
				t.Fatal(err)
			}
			rows := map[row]*counts{}
			left := compare(t, o.name, table, ofTyped(t, n, o.name), 0, rows)
			for r, c := range rows {
				t.Logf("%d %s", c[0], r.what)
			}
			t.Logf("%d pairs, %d of them left out or refused", n, left)
			if left > n/50 {
				t.Errorf("%d of %d pairs are left out or refused", left, n)
			}
		})
	}
}
