package event

import (
	"bufio"
	"container/heap"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// spilled is the head of a record in a run, in front of its event.
type spilled struct {
	Form   Form      `json:"f,omitempty"`
	Table  string    `json:"t,omitempty"`
	Time   time.Time `json:"at,omitzero"`
	ID     string    `json:"id,omitempty"`
	File   string    `json:"file,omitempty"`
	Line   int       `json:"line,omitempty"`
	Length int       `json:"n"` // of the event's JSON, on the next line
}

func (h *History) writeRun(next func() (entry, error)) error {
	w, err := h.opts.Spill.Create(h.made)
	if err != nil {
		return fmt.Errorf("cannot put events aside: %w", err)
	}
	b := bufio.NewWriterSize(w, windowStep)
	for err == nil {
		var e entry
		if e, err = next(); err != nil {
			break
		}
		content := e.json()
		var head []byte
		if head, err = json.Marshal(spilled{e.rec.Source.Form, e.rec.Source.Table, e.rec.Time, e.rec.ID, e.rec.File, e.rec.Line, len(content)}); err != nil {
			break
		}
		b.Write(head)
		b.WriteByte('\n')
		b.Write(content)
		err = b.WriteByte('\n') // a bufio.Writer keeps its first error
	}
	if err == io.EOF {
		err = b.Flush()
	}
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("cannot put events aside: %w", err)
	}
	h.runs = append(h.runs, h.made)
	h.made++
	return nil
}

// runHeap is runs that are being merged, the one with the earliest event first.
type runHeap struct{ runs []*run }

type run struct {
	head entry
	in   io.ReadCloser
	b    *bufio.Reader
}

func (h *runHeap) Len() int           { return len(h.runs) }
func (h *runHeap) Less(i, j int) bool { return compare(&h.runs[i].head, &h.runs[j].head) < 0 }
func (h *runHeap) Swap(i, j int)      { h.runs[i], h.runs[j] = h.runs[j], h.runs[i] }
func (h *runHeap) Push(x any)         { h.runs = append(h.runs, x.(*run)) }
func (h *runHeap) Pop() any {
	n := len(h.runs) - 1
	x := h.runs[n]
	h.runs = h.runs[:n]
	return x
}

func (h *History) openRuns(runs []int) (*runHeap, error) {
	m := &runHeap{}
	for _, n := range runs {
		in, err := h.opts.Spill.Open(n)
		if err != nil {
			m.close()
			return nil, fmt.Errorf("cannot read events put aside: %w", err)
		}
		r := &run{in: in, b: bufio.NewReaderSize(in, windowStep)}
		m.runs = append(m.runs, r)
		if err := r.advance(); err != nil { // a run is never empty
			m.close()
			return nil, err
		}
	}
	heap.Init(m)
	return m, nil
}

func (h *runHeap) next() (entry, error) {
	if len(h.runs) == 0 {
		return entry{}, io.EOF
	}
	r := h.runs[0]
	e := r.head
	switch err := r.advance(); {
	case err == io.EOF:
		heap.Pop(h)
		if err := r.in.Close(); err != nil {
			return entry{}, fmt.Errorf("cannot read events put aside: %w", err)
		}
	case err != nil:
		return entry{}, err
	default:
		heap.Fix(h, 0)
	}
	return e, nil
}

func (h *runHeap) close() error {
	var first error
	for _, r := range h.runs {
		if err := r.in.Close(); first == nil {
			first = err
		}
	}
	h.runs = nil
	return first
}

// advance reads the run's next record.
func (r *run) advance() error {
	line, err := r.b.ReadBytes('\n')
	if err == io.EOF && len(line) == 0 {
		return io.EOF
	}
	var s spilled
	if err == nil {
		err = json.Unmarshal(line, &s)
	}
	var content []byte
	if err == nil {
		if s.Length < 0 {
			err = errors.New("damaged")
		} else {
			content = make([]byte, s.Length+1)
			_, err = io.ReadFull(r.b, content)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot read events put aside: %w", err)
	}
	r.head = entry{
		rec:     Record{Source: Source{s.Form, s.Table}, Time: s.Time, ID: s.ID, File: s.File, Line: s.Line},
		content: content[:s.Length],
	}
	return nil
}
