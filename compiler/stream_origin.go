package compiler

import (
	"encoding/binary"

	"github.com/rulewright/rulewright/compiler/event"
)

// origin is what an event of a log has in common with many: where it came from
// and which selections were true.
type origin struct {
	source     *event.Source
	selections *[]string
}

// origins numbers origins from 1.
type origins struct {
	list    []origin
	numbers map[string]uint32
	key     []byte
}

// The numbers of origins, and of bytes of one, that are remembered. Others
// stand in their events in full: who writes events may make them up.
const (
	maxOrigins     = 1 << 12 // less than packedUUID
	maxOriginBytes = 1 << 10
)

// number returns the number of an origin, or 0.
func (o *origins) number(source *event.Source, selections *[]string) uint32 {
	x := origin{source, selections}
	o.key = x.append(o.key[:0])
	n, ok := o.numbers[string(o.key)]
	if ok || len(o.list) >= maxOrigins || len(o.key) > maxOriginBytes {
		return n
	}
	if o.numbers == nil {
		o.numbers = map[string]uint32{}
	}
	o.list = append(o.list, x)
	o.numbers[string(o.key)] = uint32(len(o.list))
	return uint32(len(o.list))
}

// append writes an origin in full.
func (o origin) append(b []byte) []byte {
	if o.source == nil {
		b = append(b, 0)
	} else {
		b = texts(append(b, 1)).append([]byte(o.source.Form))
		b = texts(b).append([]byte(o.source.Table))
	}
	if o.selections == nil {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(*o.selections))+1)
	for _, s := range *o.selections {
		b = texts(b).append([]byte(s))
	}
	return b
}

func cutOrigin(b []byte) (o origin, rest []byte) {
	text := func() string {
		s, rest := texts(b).next()
		b = rest
		return string(s)
	}
	there := b[0] == 1
	if b = b[1:]; there {
		o.source = &event.Source{Form: event.Form(text()), Table: text()}
	}
	n, b := cutUvarint(b)
	if n > 0 {
		list := make([]string, n-1)
		for i := range list {
			list[i] = text()
		}
		o.selections = &list
	}
	return o, b
}
