package event

import (
	"bytes"
	"encoding/json"
)

const MaxRecordBytes = 16 << 20

func decodeRecord(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	return v, d.Decode(&v)
}
