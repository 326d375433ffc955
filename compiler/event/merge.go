package event

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Spill is where a merge puts what does not fit in memory: numbered runs, each
// written once from start to end and then read, perhaps more than once. The
// caller decides whether that is a folder, and removes it afterwards.
type Spill interface {
	// Create starts run n, counted from 0, and returns where to write it.
	Create(n int) (io.WriteCloser, error)
	// Open reads run n from its start.
	Open(n int) (io.ReadCloser, error)
	// Remove drops run n, which is not needed any more.
	Remove(n int) error
}

// MergeOptions set how a history is put together. The zero value keeps
// everything in memory.
type MergeOptions struct {
	// Spill receives sorted runs whenever MaxMemory is reached; nil: never.
	Spill Spill
	// MaxMemory is how much the events in memory may take, in bytes, roughly;
	// 0 is DefaultMergeMemory. Without Spill it is no limit.
	MaxMemory int64
	// OnError, if set, is given every record that could not be read.
	OnError func(*RecordError)
	// OnRecord, if set, is called after each record that was read: progress.
	OnRecord func()
}

// Limits of a merge.
const (
	DefaultMergeMemory = 256 << 20
	treeMemory         = 64 << 20 // from here on events are kept as JSON, not as trees
	maxOpenRuns        = 64       // runs read at the same time; more are merged into one
	rememberedIDs      = 1 << 20  // how many events back a repeated id is found
)

// History is the events of many inputs in the order in which they happened.
type History struct {
	opts   MergeOptions
	buf    []entry
	size   int64
	packed bool  // the events in buf are JSON
	runs   []int // of Spill
	made   int   // runs created so far
	merged *runHeap
	seen   map[[16]byte]struct{}
	ring   [][16]byte
	oldest int

	records    int
	unreadable int
	duplicates int
}

// Merge reads the inputs that next returns, to the end and one after another,
// until it returns io.EOF, and returns their events as one history: by time,
// whatever the order inside and between inputs; events at the same time by id,
// then by content (its hash); events without a time last. The order of the inputs makes no
// difference to it.
//
// Two events of the same source with the same id are one event, found as long
// as no more than a million others lie between them.
//
// A record that cannot be read is counted and handed to OnError. Only next and
// Spill can make Merge fail.
func Merge(opts MergeOptions, next func() (*Reader, error)) (*History, error) {
	if opts.MaxMemory <= 0 {
		opts.MaxMemory = DefaultMergeMemory
	}
	h := &History{opts: opts, seen: map[[16]byte]struct{}{}}
	for {
		r, err := next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		r.keepRaw = true
		err = h.add(r)
		r.Close()
		if err != nil {
			return nil, err
		}
	}
	return h, h.finish()
}

// Records returns how many records were read, duplicates included.
func (h *History) Records() int { return h.records }

// Unreadable returns how many records could not be read.
func (h *History) Unreadable() int { return h.unreadable }

// Duplicates returns how many records Next has left out because their event had
// been there. It is complete once Next has returned io.EOF.
func (h *History) Duplicates() int { return h.duplicates }

func (h *History) add(r *Reader) error {
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return nil
		}
		var re *RecordError
		if errors.As(err, &re) {
			h.unreadable++
			if h.opts.OnError != nil {
				h.opts.OnError(re)
			}
			continue
		}
		if err != nil {
			return err
		}
		h.records++
		if h.opts.OnRecord != nil {
			h.opts.OnRecord()
		}
		e := entry{rec: rec, content: r.raw}
		if h.packed {
			e.pack()
		}
		h.buf = append(h.buf, e)
		h.size += e.weight()
		if !h.packed && h.size >= min(treeMemory, h.opts.MaxMemory) {
			h.pack()
		}
		if h.opts.Spill != nil && h.size >= h.opts.MaxMemory {
			if err := h.spill(); err != nil {
				return err
			}
		}
	}
}

// pack keeps the events as JSON from here on.
func (h *History) pack() {
	h.packed, h.size = true, 0
	for i := range h.buf {
		h.buf[i].pack()
		h.size += h.buf[i].weight()
	}
}

// weigh estimates the memory that an event takes.
func weigh(v any) int64 {
	switch x := v.(type) {
	case string:
		return int64(16 + len(x))
	case json.Number:
		return int64(16 + len(x))
	case map[string]any:
		n := int64(48)
		for k, v := range x {
			n += int64(len(k)) + 48 + weigh(v)
		}
		return n
	case []any:
		n := int64(24)
		for _, v := range x {
			n += 16 + weigh(v)
		}
		return n
	}
	return 16
}

// entry is a record in a run or in memory, with its event as a tree, as JSON,
// or both.
type entry struct {
	rec     Record
	content []byte
	sum     [16]byte // of the event; zero until it is asked for
}

// pack drops the tree.
func (e *entry) pack() {
	e.json()
	e.rec.Event = nil
}

// unpack makes the tree.
func (e *entry) unpack() error {
	if e.rec.Event != nil {
		return nil
	}
	var err error
	e.rec.Event, err = decodeRecord(e.content)
	return err
}

func (e *entry) weight() int64 {
	return weigh(e.rec.Event) + int64(len(e.content)) + 256
}

// json is the event as JSON, as it was read or as it is written here.
func (e *entry) json() []byte {
	if e.content == nil {
		e.content = encode(e.rec.Event)
	}
	return e.content
}

// encode writes an event with sorted keys: the same for equal events.
func encode(ev any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(ev); err != nil {
		return []byte("null") // readers make nothing that cannot be encoded
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// hash is the same for equal events, however they are written.
func (e *entry) hash() [16]byte {
	if e.sum == ([16]byte{}) {
		ev := e.rec.Event
		if ev == nil {
			ev, _ = decodeRecord(e.content)
		}
		sum := sha256.Sum256(encode(ev))
		copy(e.sum[:], sum[:])
	}
	return e.sum
}

func compare(a, b *entry) int {
	if za, zb := a.rec.Time.IsZero(), b.rec.Time.IsZero(); za != zb {
		if za {
			return 1
		}
		return -1
	}
	if c := a.rec.Time.Compare(b.rec.Time); c != 0 {
		return c
	}
	if c := strings.Compare(a.rec.ID, b.rec.ID); c != 0 {
		return c
	}
	if c := strings.Compare(a.rec.Source.Table, b.rec.Source.Table); c != 0 {
		return c
	}
	if c := strings.Compare(string(a.rec.Source.Form), string(b.rec.Source.Form)); c != 0 {
		return c
	}
	ha, hb := a.hash(), b.hash()
	if c := bytes.Compare(ha[:], hb[:]); c != 0 {
		return c
	}
	if c := strings.Compare(a.rec.File, b.rec.File); c != 0 {
		return c
	}
	return cmp.Compare(a.rec.Line, b.rec.Line)
}

func (h *History) sort() {
	slices.SortFunc(h.buf, func(a, b entry) int { return compare(&a, &b) })
}

// spill writes what is in memory as one sorted run.
func (h *History) spill() error {
	h.sort()
	i := 0
	err := h.writeRun(func() (entry, error) {
		if i == len(h.buf) {
			return entry{}, io.EOF
		}
		i++
		return h.buf[i-1], nil
	})
	h.buf, h.size = nil, 0
	if err == nil && len(h.runs) == maxOpenRuns {
		err = h.cascade()
	}
	return err
}

// cascade merges all runs into one.
func (h *History) cascade() error {
	m, err := h.openRuns(h.runs)
	if err != nil {
		return err
	}
	old := h.runs
	h.runs = nil
	err = h.writeRun(m.next)
	if cerr := m.close(); err == nil {
		err = cerr
	}
	for _, n := range old {
		if rerr := h.opts.Spill.Remove(n); err == nil {
			err = rerr
		}
	}
	return err
}

// finish makes the history ready to be read.
func (h *History) finish() error {
	h.sort()
	if len(h.runs) == 0 {
		return nil
	}
	var err error
	h.merged, err = h.openRuns(h.runs)
	return err
}

// Next returns the next event of the history, io.EOF at its end. Other errors
// are those of Spill.
func (h *History) Next() (Record, error) {
	for {
		e, err := h.take()
		if err != nil {
			return Record{}, err
		}
		if e.rec.ID != "" && h.repeated(&e) {
			h.duplicates++
			continue
		}
		if err := e.unpack(); err != nil {
			return Record{}, fmt.Errorf("cannot read events put aside: %w", err)
		}
		return e.rec, nil
	}
}

func (h *History) take() (entry, error) {
	fromRuns := h.merged != nil && len(h.merged.runs) > 0
	if len(h.buf) == 0 && !fromRuns {
		return entry{}, io.EOF
	}
	if fromRuns && (len(h.buf) == 0 || compare(&h.merged.runs[0].head, &h.buf[0]) <= 0) {
		return h.merged.next()
	}
	e := h.buf[0]
	h.buf[0] = entry{}
	h.buf = h.buf[1:]
	return e, nil
}

// repeated tells whether an event has been there, and remembers it. A snapshot
// has no time, so the same object in another state is another event.
func (h *History) repeated(e *entry) bool {
	sum := sha256.New()
	for _, s := range []string{string(e.rec.Source.Form), e.rec.Source.Table, e.rec.ID} {
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], uint64(len(s)))
		sum.Write(n[:])
		io.WriteString(sum, s)
	}
	if e.rec.Time.IsZero() {
		content := e.hash()
		sum.Write(content[:])
	}
	var key [16]byte
	copy(key[:], sum.Sum(nil))
	if _, ok := h.seen[key]; ok {
		return true
	}
	h.seen[key] = struct{}{}
	if len(h.ring) < rememberedIDs {
		h.ring = append(h.ring, key)
		return false
	}
	delete(h.seen, h.ring[h.oldest])
	h.ring[h.oldest] = key
	h.oldest = (h.oldest + 1) % rememberedIDs
	return false
}

// Close closes the runs that are still open. The history is at its end then.
func (h *History) Close() error {
	h.buf = nil
	if h.merged == nil {
		return nil
	}
	m := h.merged
	h.merged = nil
	return m.close()
}
