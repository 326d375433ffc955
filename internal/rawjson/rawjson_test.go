package rawjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
)

// decode makes of a Value what encoding/json makes of its text.
func decode(v *Value) any {
	switch v.Kind {
	case False, True:
		return v.Kind == True
	case Number:
		return json.Number(v.Text)
	case String:
		return unquoted(v.Text, v.Escaped, v.Wide)
	case List:
		l := []any{}
		for x := v.First; x != nil; x = x.Next {
			l = append(l, decode(x))
		}
		return l
	case Object:
		m := map[string]any{}
		for x := v.First; x != nil; x = x.Next {
			m[unquoted(x.Key, x.KeyEscaped, x.KeyWide)] = decode(x)
		}
		return m
	}
	return nil
}

func unquoted(raw []byte, escaped, wide bool) string {
	if Plain(raw, escaped, wide) {
		return string(raw)
	}
	return string(Append(nil, raw))
}

func theirs(data []byte) (any, bool) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil, false
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, false
	}
	return v, true
}

var samples = []string{
	``, ` `, `null`, ` true `, `false`, `tru`, `nulll`, `0`, `-0`, `01`, `-`, `1.`, `.5`, `1.5e+10`, `1e`, `1E5 `, `12345678901234567890`,
	`""`, `"abc"`, `"a\\b\"c\/\b\f\n\r\t"`, `"\u00e9\ud83d\ude00"`, `"\ud83d"`, `"\ud83dx"`, `"\ud83d\u0041"`, `"\ude00\ud83d"`, `"\u12"`, `"\x"`, `"a`, `"\`, `"` + "\x01" + `"`, `"` + "\n" + `"`, `"é` + "\xff" + `"`, "\"\xed\xa0\x80\"",
	`"12345678\\"`, `"1234567é"`, `"12345678901234567é"`, `"0123456` + "\x1f" + `"`, "\"0123456\x7f\"",
	`[]`, `[ ]`, `[1,2]`, `[1,]`, `[,1]`, `[1 2]`, `[[[]]]`, `[`, `]`, `{}`, `{ }`, `{"a":1}`, `{"a" : 1 , "b" : [ {} ] }`, `{"a":1,"a":{"b":2}}`, `{"a":1,}`, `{a:1}`, `{"a"}`, `{"a":}`, `{"a":1`, `{"a":1}}`, `{} {}`, `{"\u0061":1,"a":2}`,
	"\xef\xbb\xbf{}", strings.Repeat("[", 9999) + strings.Repeat("]", 9999), strings.Repeat("[", 10001) + strings.Repeat("]", 10001), strings.Repeat(`{"a":`, 10000) + "1" + strings.Repeat("}", 10000),
}

func check(t *testing.T, d *Doc, data []byte) {
	want, ok := theirs(data)
	d.Reset()
	v := d.Parse(data)
	if (v != nil) != ok {
		t.Fatalf("%.200q: taken %v, by encoding/json %v", data, v != nil, ok)
	}
	if ok && !reflect.DeepEqual(decode(v), want) {
		t.Fatalf("%.200q: %v, want %v", data, decode(v), want)
	}
	value, rest, split := Split(TrimSpace(data))
	if split = split && len(TrimSpace(rest)) == 0; split != ok || ok && !bytes.Equal(value, bytes.Trim(data, " \t\r\n")) {
		t.Fatalf("%.200q: split %v into %.200q and %.200q", data, split, value, rest)
	}
}

func TestParse(t *testing.T) {
	var d Doc
	for _, s := range samples {
		check(t, &d, []byte(s))
	}
	for n := range 40 { // every alignment
		check(t, &d, []byte(`["`+strings.Repeat("x", n)+`\\`+strings.Repeat("y", n)+`"]`))
		check(t, &d, []byte(`["`+strings.Repeat("é", n)+`",`+fmt.Sprint(n)+`]`))
	}
}

// Too many values are refused, and what follows is none the worse.
func TestMaxValues(t *testing.T) {
	var d Doc
	if d.Parse([]byte("["+strings.Repeat("0,", MaxValues)+"0]")) != nil {
		t.Error("taken")
	}
	d.Reset()
	if len(d.chunks) > keptChunks || d.Parse([]byte(`{"a":[1]}`)) == nil {
		t.Error("not usable any more")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range samples {
		if len(s) < 1000 {
			f.Add([]byte(s))
		}
	}
	var d Doc
	f.Fuzz(func(t *testing.T, data []byte) { check(t, &d, data) })
}
