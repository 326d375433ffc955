package compiler

import (
	"encoding/json"

	"github.com/rulewright/rulewright/internal/rawjson"
)

// decodeRaw returns what decodeJSON does of the text that v was read from.
func decodeRaw(data []byte, v *rawjson.Value) any {
	d := rawDecoder{text: string(data), size: cap(data)}
	return d.value(v)
}

// rawDecoder makes Go values of raw JSON. Strings that stand for themselves are
// parts of one copy of the text.
type rawDecoder struct {
	text string
	size int // capacity of what values' texts are parts of
}

func (d *rawDecoder) string(raw []byte, escaped, wide bool) string {
	if rawjson.Plain(raw, escaped, wide) {
		from := d.size - cap(raw)
		return d.text[from : from+len(raw)]
	}
	return string(rawjson.Append(make([]byte, 0, len(raw)), raw))
}

func (d *rawDecoder) value(v *rawjson.Value) any {
	switch v.Kind {
	case rawjson.True, rawjson.False:
		return v.Kind == rawjson.True
	case rawjson.Number:
		return json.Number(d.string(v.Text, false, false))
	case rawjson.String:
		return d.string(v.Text, v.Escaped, v.Wide)
	case rawjson.List:
		n := 0
		for x := v.First; x != nil; x = x.Next {
			n++
		}
		out := make([]any, 0, n)
		for x := v.First; x != nil; x = x.Next {
			out = append(out, d.value(x))
		}
		return out
	case rawjson.Object:
		n := 0
		for x := v.First; x != nil; x = x.Next {
			n++
		}
		out := make(map[string]any, n)
		for x := v.First; x != nil; x = x.Next {
			out[d.string(x.Key, x.KeyEscaped, x.KeyWide)] = d.value(x)
		}
		return out
	}
	return nil
}
