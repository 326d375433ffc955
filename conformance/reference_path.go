package conformance

import (
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
)

// scalars returns the non-null scalars of a field: string, number or bool.
func scalars(f ir.Field, ev any) []any {
	var found []any
	for _, v := range places(f, ev) {
		for _, leaf := range flatten(v) {
			if leaf != nil && !isObject(leaf) {
				found = append(found, leaf)
			}
		}
	}
	return found
}

// places returns what stands at each place that the field leads to, lists
// whole; a derived field gives its numbers.
func places(f ir.Field, ev any) []any {
	if f.Leaves {
		return leaves(ev)
	}
	places := walk(f.Path, ev)
	if f.Derive == nil {
		return places
	}
	var derived []any
	for _, v := range places {
		for _, leaf := range flatten(v) {
			t, ok := timeOf(leaf)
			if !ok {
				continue
			}
			derived = append(derived, derive(*f.Derive, t, ev)...)
		}
	}
	return derived
}

// elements returns the elements of the list that a field yields.
func elements(over ir.Field, ev any) []any {
	var found []any
	for _, v := range places(over, ev) {
		if normal(v) == nil {
			continue
		}
		found = append(found, flatten(v)...)
	}
	return found
}

func leaves(v any) []any {
	var found []any
	switch v := normal(v).(type) {
	case nil:
	case event.Object:
		for _, k := range keys(v) {
			child, _ := v.Get(k)
			found = append(found, leaves(child)...)
		}
	case []any:
		for _, el := range v {
			found = append(found, leaves(el)...)
		}
	default:
		found = append(found, v)
	}
	return found
}

// flatten takes lists apart, however deep, and returns their elements; anything
// else is a list of one.
func flatten(v any) []any {
	list, ok := normal(v).([]any)
	if !ok {
		return []any{normal(v)}
	}
	var found []any
	for _, el := range list {
		found = append(found, flatten(el)...)
	}
	return found
}

// walk follows a path from one value.
func walk(path ir.Path, v any) []any {
	places := []any{v}
	for _, step := range ir.Path(nil).Join(path) {
		var next []any
		for _, place := range places {
			for _, v := range lookUp(step.Key, place) {
				next = append(next, refine(step, v)...)
			}
		}
		places = next
	}
	return places
}

// lookUp finds a step's key in a value: flat, dots and all, else cut behind its
// first name; in a list, in every element.
func lookUp(key string, v any) []any {
	if key == "" {
		return []any{v}
	}
	if list, ok := normal(v).([]any); ok {
		var found []any
		for _, el := range flatten(list) {
			found = append(found, lookUp(key, el)...)
		}
		return found
	}
	if got, ok := get(v, key); ok {
		return []any{got}
	}
	first, rest, ok := strings.Cut(key, ".")
	if !ok {
		return nil
	}
	got, ok := get(v, first)
	if !ok || rest == "" {
		return nil
	}
	return lookUp(rest, got)
}

// get returns the value of one key of an object: of the exact key, else of the
// first in byte order that is equal under folding.
func get(v any, key string) (any, bool) {
	o, ok := normal(v).(event.Object)
	if !ok {
		return nil, false
	}
	if got, ok := o.Get(key); ok {
		return got, true
	}
	for _, k := range keys(o) {
		if fold(k) == fold(key) {
			return o.Get(k)
		}
	}
	return nil, false
}

// refine applies what stands behind a step's key: JSON, position, selector.
func refine(step ir.Step, v any) []any {
	if t, ok := v.(string); ok && step.JSON {
		if parsed, ok := parseJSON(t); ok {
			v = parsed
		}
	}
	places := []any{v}
	if step.HasPosition {
		var list []any
		switch v := normal(v).(type) {
		case nil:
		case []any:
			list = v
		default:
			list = []any{v}
		}
		if step.Position >= len(list) {
			return nil
		}
		places = []any{list[step.Position]}
	}
	if step.Where.Key == "" {
		return places
	}
	var kept []any
	name := &ir.Match{Field: ir.Field{Path: ir.Path{{Key: step.Where.Key}}}, Op: ir.Equal, Values: []ir.Value{ir.String(step.Where.Value)}}
	for _, place := range places {
		for _, el := range flatten(place) {
			if isObject(el) && match(name, el) {
				kept = append(kept, el)
			}
		}
	}
	return kept
}

// parseJSON reads the text of a JSON object or list.
func parseJSON(t string) (any, bool) {
	d := json.NewDecoder(strings.NewReader(t))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil, false
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, false
	}
	switch v.(type) {
	case map[string]any, []any:
		return v, true
	}
	return nil, false
}

// derive computes the numbers that a time stands for.
func derive(d ir.Derivation, t time.Time, ev any) []any {
	if d.Kind == ir.Duration {
		var found []any
		for _, v := range walk(*d.Since, ev) {
			for _, leaf := range flatten(v) {
				if since, ok := timeOf(leaf); ok {
					// Whole and fraction apart, so that no span overflows.
					seconds := float64(t.Unix()-since.Unix()) + float64(t.Nanosecond()-since.Nanosecond())/1e9
					found = append(found, number{f: seconds / float64(d.Unit)})
				}
			}
		}
		return found
	}
	zone := time.UTC
	if d.Zone != "" {
		z, err := time.LoadLocation(d.Zone)
		if err != nil {
			return nil
		}
		zone = z
	}
	t = t.In(zone)
	n := 0
	switch d.Kind {
	case ir.Minute:
		n = t.Minute()
	case ir.Hour:
		n = t.Hour()
	case ir.Day:
		n = t.Day()
	case ir.Weekday:
		n = int(t.Weekday())
		if n == 0 {
			n = 7
		}
	case ir.Week:
		_, n = t.ISOWeek()
	case ir.Month:
		n = int(t.Month())
	case ir.Year:
		n = t.Year()
	}
	return []any{intNumber(int64(n))}
}

// timeOf reads a scalar as a time.
func timeOf(v any) (time.Time, bool) {
	t, ok := v.(string)
	if !ok {
		return time.Time{}, false
	}
	return event.ParseTime(t)
}
