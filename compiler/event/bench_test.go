package event

import (
	"io"
	"strings"
	"testing"
)

func BenchmarkReader(b *testing.B) {
	for name, in := range map[string]string{"lines": strings.Repeat(ev1+"\n", 1000), "records": `{"records":[` + strings.Repeat(ev1+",", 999) + ev1 + `]}`} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				r := NewReader(strings.NewReader(in), ReaderOptions{})
				for {
					if _, err := r.Next(); err == io.EOF {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
