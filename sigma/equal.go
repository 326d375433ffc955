package sigma

import (
	"math"
	"reflect"
)

// Equal reports whether two documents say the same. File, positions and ignore
// comments are not compared, everything else is: also the author's spelling of
// text and conditions.
func Equal(a, b *Document) bool {
	if a == nil || b == nil {
		return a == b
	}
	return equalValues(reflect.ValueOf(*a), reflect.ValueOf(*b))
}

var posType = reflect.TypeFor[Pos]()

func equalValues(a, b reflect.Value) bool {
	if a.Kind() != b.Kind() || a.IsValid() && a.Type() != b.Type() {
		return false
	}
	switch a.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Struct:
		if a.Type() == posType {
			return true
		}
		for i := range a.NumField() {
			if f := a.Type().Field(i); !f.IsExported() || a.Type() == documentType && (f.Name == "File" || f.Name == "Keys") {
				continue // where it stands, not what it says
			}
			if !equalValues(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Pointer, reflect.Interface:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() && b.IsNil()
		}
		return equalValues(a.Elem(), b.Elem())
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !equalValues(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for it := a.MapRange(); it.Next(); {
			if e := b.MapIndex(it.Key()); !e.IsValid() || !equalValues(it.Value(), e) {
				return false
			}
		}
		return true
	}
	if a.CanFloat() && math.IsNaN(a.Float()) && math.IsNaN(b.Float()) {
		return true
	}
	return a.Equal(b)
}

var documentType = reflect.TypeFor[Document]()

// MapPositions replaces every position in the document by what f makes of it.
// It is for documents whose text was derived from another.
func (d *Document) MapPositions(f func(Pos) Pos) {
	mapPositions(reflect.ValueOf(d).Elem(), f)
}

// mapPositions works on an addressable value.
func mapPositions(v reflect.Value, f func(Pos) Pos) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == posType {
			v.Set(reflect.ValueOf(f(v.Interface().(Pos))))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				mapPositions(v.Field(i), f)
			}
		}
	case reflect.Pointer:
		if !v.IsNil() {
			mapPositions(v.Elem(), f)
		}
	case reflect.Interface:
		if v.IsNil() {
			return
		}
		if v.Elem().Kind() == reflect.Pointer {
			mapPositions(v.Elem().Elem(), f)
			return
		}
		if v.Elem().Kind() != reflect.Struct {
			return // a custom attribute's value holds no position
		}
		c := reflect.New(v.Elem().Type()).Elem()
		c.Set(v.Elem())
		mapPositions(c, f)
		v.Set(c)
	case reflect.Slice:
		for i := range v.Len() {
			mapPositions(v.Index(i), f)
		}
	case reflect.Map:
		if v.Type().Elem() != posType {
			return
		}
		for _, k := range v.MapKeys() {
			v.SetMapIndex(k, reflect.ValueOf(f(v.MapIndex(k).Interface().(Pos))))
		}
	}
}
