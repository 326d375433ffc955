package compiler

import (
	"fmt"
	"strings"
	"testing"
)

// Keys that differ in case alone are members of their own, however many there
// are: raw JSON and the map have the same hits.
func TestKeysAlike(t *testing.T) {
	rs := loadSet(t, RuleSetOptions{AnySource: true}, "title: A\nid: 0e1f0c5a-5f0e-4c0e-9a55-40a64b1d2f03\nlogsource: {product: any}\ndetection:\n  s: {ParentCommandLineX: evil}\n  condition: s\n")
	const name = "parentcommandlinex"
	for _, n := range []int{10, maxAlikeKeys - 2, maxAlikeKeys + 2, 13_000} {
		var b strings.Builder
		b.WriteString(`{"a":"b"`)
		for i := range n {
			key := []byte(name)
			for at := range key {
				if i>>at&1 == 1 {
					key[at] -= 'a' - 'A'
				}
			}
			fmt.Fprintf(&b, `,"%s":"q"`, key)
		}
		raw := []byte(b.String() + `,"ParentCommandLineX":"evil"}`)
		v, err := decodeJSON(raw)
		if err != nil {
			t.Fatal(err)
		}
		of, err1 := rs.Match(raw)
		in, err2 := rs.Match(v)
		if len(of) != 1 || len(in) != 1 || err1 != nil || err2 != nil {
			t.Errorf("%d keys: of the text %d hits, %v; of the map %d, %v", n, len(of), err1, len(in), err2)
		}
	}
}
