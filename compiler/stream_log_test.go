package compiler

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
)

// A log holds what was pushed and not popped, whatever the sizes and wherever it
// has room, and gives memory back.
func TestEventLog(t *testing.T) {
	e := &engine{origins: &origins{}}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		var log eventLog
		key := bytes.Repeat([]byte("k"), r.IntN(40))
		log.name(key, 7)
		var want []packed
		sizes, most := 1+r.IntN(60), 1+r.IntN(40)
		for i := range 3000 {
			if n := len(want); n > 0 && (n > most || r.IntN(2) == 0) {
				if got := log.pop(); !bytes.Equal(got, want[0]) {
					t.Fatalf("seed %d, %d: popped %x, want %x", seed, i, got, want[0])
				}
				want = want[1:]
			} else {
				o := &occurrence{time: int64(i), id: fmt.Sprintf("%0*d", r.IntN(sizes), i)}
				m := inputMatch{input: r.IntN(3)}
				if r.IntN(4) == 0 {
					m.tuples = textsOf([]string{o.id})
				}
				o.inputs = []inputMatch{m}
				p := e.pack(entry{o, nil})
				copy(log.push(len(p)), p)
				want = append(want, slices.Clone(p))
			}
			if i%500 == 0 {
				most = 1 + r.IntN(40)
			}
			size, at := len(key), 0
			for p := range log.all() {
				if at == len(want) || !bytes.Equal(p, want[at]) {
					t.Fatalf("seed %d, %d: event %d is %x", seed, i, at, p)
				}
				size += len(p)
				at++
			}
			if at != len(want) || log.len() != at || log.size() != size || !bytes.Equal(log.key(), key) {
				t.Fatalf("seed %d, %d: %d events, length %d, size %d; want %d, %d", seed, i, at, log.len(), log.size(), len(want), size)
			}
			if len(want) > 0 {
				last := want[len(want)-1]
				if !bytes.Equal(log.first(), want[0]) || len(last.tuples()) > 0 && !log.has(slices.Collect(last.tuples().all())[0]) {
					t.Fatalf("seed %d, %d: first %x", seed, i, log.first())
				}
			}
			if limit := max(minShrunkLog+minShrunkLog/2, 5*size+200); len(log.data) > limit {
				t.Fatalf("seed %d, %d: %d bytes for %d", seed, i, len(log.data), size)
			}
		}
	}
}

// In a steady state events take the places of those that are gone.
func TestEventLogStaysInPlace(t *testing.T) {
	var log eventLog
	log.name([]byte("key"), 0)
	push := func(id string) {
		p := log.push(packedHead + len(id))
		p.begin(0, 1)
		copy(p[packedHead:], id)
	}
	for range 4 {
		push("0123456789")
	}
	for range 3 {
		log.pop()
		push("0123456789")
	}
	if n := testing.AllocsPerRun(1000, func() {
		log.pop()
		push("0123456789")
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// What is packed is the same when it is unpacked.
func TestPackedEvents(t *testing.T) {
	for _, known := range []int{0, maxOrigins} {
		e := &engine{origins: &origins{list: make([]origin, known)}}
		selections := &[]string{"a", "b"}
		for i, inputs := range [][]inputMatch{
			{{input: 0}},
			{{input: 3, selections: selections}},
			{{input: maxPackedInput}},
			{{input: maxPackedInput + 1}},
			{{input: 1, tuples: textsOf([]string{"x", ""}), selections: selections}},
			{{input: 1, values: &inputValues{numbers: []ir.Number{{Float: 0.5}, {IsInt: true, Int: -3}}}}},
			{{input: 1, tuples: textsOf([]string{"x"})}, {input: 2, selections: selections}},
		} {
			for _, id := range []string{"", "id", "2f0a5f1c-0d01-4f0f-9a3e-0123456789ab", "2F0A5F1C-0D01-4F0F-9A3E-0123456789AB"} {
				size, uuid := packedHead+len(id), uint32(0)
				if _, _, ok := packUUID(id); ok {
					size, uuid = packedHead+uuidBytes, packedUUID
				}
				o := &occurrence{time: -5, id: id, inputs: inputs}
				p := e.pack(entry{o, nil})
				if common, ok := e.common(entry{o, nil}); ok && (common|uuid != p.common() || len(p) != size) {
					t.Errorf("%d: what it has in common is %x, packed %x", i, common, p.common())
				}
				var places []int
				for n := range p.inputs() {
					places = append(places, n)
				}
				got := e.unpack(p)
				if got.time != o.time || got.id != o.id || len(got.inputs) != len(inputs) || len(places) != len(inputs) {
					t.Fatalf("%d: %+v of %+v", i, got, o)
				}
				for k, want := range inputs {
					m := got.inputs[k]
					if k > 0 {
						want.tuples = nil // those of the first count
					}
					if m.input != want.input || places[k] != want.input || !bytes.Equal(m.tuples, want.tuples) || !slices.Equal(m.numbers(), want.numbers()) ||
						(m.selections == nil) != (want.selections == nil) || m.selections != nil && !slices.Equal(*m.selections, *want.selections) {
						t.Errorf("%d: %+v of %+v", i, m, want)
					}
				}
			}
		}
	}
}
