package compiler

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strconv"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/internal/rawjson"
)

// plain brings a value of an event to one of nil, string, bool, json.Number,
// int64, uint64, float64, map[string]any, event.Object, []any and, of raw JSON,
// *rawjson.Value that is a string, number, list or object. Whatever
// else a Go program puts into a map has a meaning too: named types are what
// they are made of, bytes and times are text, a pointer is what it points to,
// and a struct is an object without keys.
func plain(v any) any {
	switch v := v.(type) {
	case nil, string, bool, json.Number, float64, map[string]any, []any, int64:
		return v
	case int:
		return int64(v)
	case *rawjson.Value:
		switch v.Kind {
		case rawjson.Null:
			return nil
		case rawjson.True, rawjson.False:
			return v.Kind == rawjson.True
		}
		return v
	case event.Object:
		if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer && r.IsNil() {
			return nil
		}
		return v
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case json.RawMessage:
		x, err := decodeJSON(v)
		if err != nil {
			return string(v)
		}
		return x
	case event.Record:
		return plain(v.Event)
	}
	return plainKind(reflect.ValueOf(v), maxPointers)
}

// maxPointers bounds how many pointers in a row are followed.
const maxPointers = 16

func plainKind(r reflect.Value, pointers int) any {
	switch r.Kind() {
	case reflect.Bool:
		return r.Bool()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return r.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return r.Uint()
	case reflect.Float32:
		f, _ := strconv.ParseFloat(strconv.FormatFloat(r.Float(), 'g', -1, 32), 64)
		return f
	case reflect.Float64:
		return r.Float()
	case reflect.String:
		return r.String()
	case reflect.Map:
		if r.IsNil() {
			return nil
		}
		if r.Type().Key().Kind() != reflect.String && r.Type().Key().Kind() != reflect.Interface {
			return map[string]any{}
		}
		m := make(map[string]any, r.Len())
		for it := r.MapRange(); it.Next(); {
			k := it.Key()
			if k.Kind() == reflect.Interface {
				k = k.Elem()
			}
			if k.Kind() == reflect.String {
				m[k.String()] = it.Value().Interface()
			}
		}
		return m
	case reflect.Slice, reflect.Array:
		if r.Kind() == reflect.Slice && r.IsNil() {
			return nil
		}
		if r.Type().Elem().Kind() == reflect.Uint8 && r.Kind() == reflect.Slice {
			return string(r.Bytes())
		}
		l := make([]any, r.Len())
		for i := range l {
			l[i] = r.Index(i).Interface()
		}
		return l
	case reflect.Pointer, reflect.Interface:
		if r.IsNil() {
			return nil
		}
		if pointers == 0 || !r.Elem().CanInterface() {
			return map[string]any{}
		}
		if r.Elem().Kind() == reflect.Pointer {
			return plainKind(r.Elem(), pointers-1)
		}
		return plain(r.Elem().Interface())
	case reflect.Invalid:
		return nil
	}
	return map[string]any{}
}

var errTrailing = errors.New("there is more behind the JSON value")

// decodeJSON reads one JSON value: numbers as they stand, the last of several
// equal keys, nothing but white space behind it.
func decodeJSON(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errors.New("the JSON value is not complete")
		}
		return nil, err
	}
	if len(bytes.TrimLeft(data[d.InputOffset():], " \t\r\n")) > 0 {
		return nil, errTrailing
	}
	return v, nil
}

// mayBeJSON reports whether text looks like a JSON object or list.
func mayBeJSON[Text string | []byte](s Text) bool {
	i := 0
	for i < len(s) && (s[i] == ' ' || s[i] == '\t' || s[i] == '\r' || s[i] == '\n') {
		i++
	}
	return i < len(s) && (s[i] == '{' || s[i] == '[')
}

// isObject tells an object from plain's other forms.
func isObject(v any) bool {
	switch v := v.(type) {
	case map[string]any, event.Object:
		return true
	case *rawjson.Value:
		return v.Kind == rawjson.Object
	}
	return false
}
