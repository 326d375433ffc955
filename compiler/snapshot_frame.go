package compiler

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
)

const (
	// snapshotMagic and snapshotVersion are what a snapshot begins with.
	snapshotMagic   = "rulewright stream\n"
	snapshotVersion = 2
	// maxFrameBytes bounds a frame: what is read at once, and checked before
	// anything of it is believed.
	maxFrameBytes = 64 << 10
	frameHeader   = 1 + 4 + 4
	// maxSnapshotText bounds one text in a snapshot, such as an event.
	maxSnapshotText = 128 << 20
)

// A snapshot is a sequence of frames: kind, length, checksum of kind, number in
// the sequence, length and content, content. A section is made of frames of
// its kind, so that a reader can leave out one that it has no use for.
type frameKind byte

const (
	frameStream  frameKind = 'S' // times and counts
	frameUnit    frameKind = 'U' // a correlation, or a rule with once; the first of several
	frameMore    frameKind = 'u' // goes on with a unit
	framePending frameKind = 'P' // events that wait
	frameEnd     frameKind = 'E'
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func frameSum(kind frameKind, number uint32, content []byte) uint32 {
	var head [9]byte
	head[0] = byte(kind)
	binary.LittleEndian.PutUint32(head[1:], number)
	binary.LittleEndian.PutUint32(head[5:], uint32(len(content)))
	return crc32.Update(crc32.Checksum(head[:], castagnoli), castagnoli, content)
}

// snapshotWriter writes values into frames. The first error ends it.
type snapshotWriter struct {
	w        io.Writer
	kind     frameKind
	number   uint32
	buf      []byte // a frame, its header in front
	err      error
	repeated table[any]
}

func newSnapshotWriter(w io.Writer) *snapshotWriter {
	x := &snapshotWriter{w: w, buf: make([]byte, frameHeader, maxFrameBytes)}
	head := binary.LittleEndian.AppendUint16([]byte(snapshotMagic), snapshotVersion)
	x.send(head)
	return x
}

func (w *snapshotWriter) send(b []byte) {
	if w.err != nil {
		return
	}
	n, err := w.w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	w.err = err
}

// section ends the frame before and begins one of this kind.
func (w *snapshotWriter) section(kind frameKind) {
	w.flush()
	w.kind = kind
	w.repeated = table[any]{}
}

func (w *snapshotWriter) flush() {
	if w.kind == 0 || w.err != nil {
		return
	}
	w.buf[0] = byte(w.kind)
	content := w.buf[frameHeader:]
	binary.LittleEndian.PutUint32(w.buf[1:], uint32(len(content)))
	binary.LittleEndian.PutUint32(w.buf[5:], frameSum(w.kind, w.number, content))
	w.send(w.buf)
	w.number++
	w.buf = w.buf[:frameHeader]
	if w.kind == frameUnit {
		w.kind = frameMore
	}
}

func (w *snapshotWriter) bytes(b []byte) {
	for len(b) > 0 && w.err == nil {
		n := min(len(b), maxFrameBytes-len(w.buf))
		w.buf = append(w.buf, b[:n]...)
		if b = b[n:]; len(w.buf) == maxFrameBytes {
			w.flush()
		}
	}
}

func (w *snapshotWriter) uint(n uint64) {
	var b [binary.MaxVarintLen64]byte
	w.bytes(binary.AppendUvarint(b[:0], n))
}

func (w *snapshotWriter) int(n int64) {
	var b [binary.MaxVarintLen64]byte
	w.bytes(binary.AppendVarint(b[:0], n))
}

func (w *snapshotWriter) len(n int) { w.uint(uint64(n)) }

func (w *snapshotWriter) bool(x bool) { w.uint(uint64(index(x))) }

func (w *snapshotWriter) text(s string) {
	if len(s) > maxSnapshotText {
		w.fail(fmt.Errorf("a text of %d bytes is longer than a snapshot takes", len(s)))
		return
	}
	w.len(len(s))
	var b [256]byte
	for len(s) > 0 {
		n := copy(b[:], s)
		w.bytes(b[:n])
		s = s[n:]
	}
}

func (w *snapshotWriter) list(texts []string) {
	w.len(len(texts))
	for _, s := range texts {
		w.text(s)
	}
}

func (w *snapshotWriter) listOf(t texts) {
	w.len(t.len())
	for s := range t.all() {
		w.len(len(s))
		w.bytes(s)
	}
}

func (w *snapshotWriter) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// table numbers what occurs again and again in a section, from 1.
type table[K comparable] struct{ numbers map[K]uint64 }

// maxTable bounds a table; what comes later is written each time.
const maxTable = 1 << 12

// number returns the number of k; known is false if k follows in full, and
// number 0 then if it gets none.
func (t *table[K]) number(k K) (number uint64, known bool) {
	if n, ok := t.numbers[k]; ok {
		return n, true
	}
	if len(t.numbers) >= maxTable {
		return 0, false
	}
	if t.numbers == nil {
		t.numbers = map[K]uint64{}
	}
	t.numbers[k] = uint64(len(t.numbers) + 1)
	return t.numbers[k], false
}

// Errors of RestoreStream, for errors.Is: what is read is no snapshot of a stream,
// one of another version, damaged or cut short.
var (
	ErrNotSnapshot     = errors.New("this is no snapshot of a stream")
	ErrSnapshotVersion = errors.New("the snapshot is of a version that cannot be read")
	ErrSnapshotDamaged = errors.New("the snapshot is damaged")
)

// snapshotReader reads what a snapshotWriter wrote. The first error ends it;
// from then on everything is zero.
type snapshotReader struct {
	r      io.Reader
	kind   frameKind // of the frame in rest
	rest   []byte
	number uint32
	frame  []byte
	err    error
	known  []any
	decode func([]byte) (any, error) // of what Keep returned; nil: as JSON
}

func newSnapshotReader(r io.Reader) *snapshotReader {
	x := &snapshotReader{r: r}
	head := make([]byte, len(snapshotMagic)+2)
	n, err := io.ReadFull(r, head)
	switch magic := string(head[:min(n, len(snapshotMagic))]); {
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		x.err = err
	case magic != snapshotMagic:
		x.err = ErrNotSnapshot
	case err != nil:
		x.damaged("it ends early")
	case binary.LittleEndian.Uint16(head[len(snapshotMagic):]) != snapshotVersion:
		x.err = fmt.Errorf("%w: %d, this is %d", ErrSnapshotVersion, binary.LittleEndian.Uint16(head[len(snapshotMagic):]), snapshotVersion)
	default:
		x.next()
	}
	return x
}

func (r *snapshotReader) damaged(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: "+format, append([]any{ErrSnapshotDamaged}, args...)...)
	}
	r.rest, r.kind = nil, 0
}

// next reads a frame.
func (r *snapshotReader) next() {
	var head [frameHeader]byte
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		r.cut(err)
		return
	}
	n := binary.LittleEndian.Uint32(head[1:])
	if n > maxFrameBytes {
		r.damaged("frame %d has a length of %d", r.number, n)
		return
	}
	if cap(r.frame) < int(n) {
		r.frame = make([]byte, n)
	}
	r.frame = r.frame[:n]
	if _, err := io.ReadFull(r.r, r.frame); err != nil {
		r.cut(err)
		return
	}
	r.kind = frameKind(head[0])
	if frameSum(r.kind, r.number, r.frame) != binary.LittleEndian.Uint32(head[5:]) {
		r.damaged("the checksum of frame %d is wrong", r.number)
		return
	}
	r.number++
	r.rest = r.frame
}

func (r *snapshotReader) cut(err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		r.damaged("it ends early")
		return
	}
	if r.err == nil {
		r.err = err
	}
	r.rest, r.kind = nil, 0
}

// section says whether a section of this kind comes next, and begins it. What
// is left of the one before must have been skipped.
func (r *snapshotReader) section(kind frameKind) bool {
	r.known = nil
	return r.err == nil && r.kind == kind
}

// follows returns the kind that goes on with a section.
func follows(kind frameKind) frameKind {
	if kind == frameUnit {
		return frameMore
	}
	return kind
}

// end leaves the section whose current frame is r.kind. Anything left in it is
// damage, unless it may be skipped.
func (r *snapshotReader) end(skip bool) {
	kind := r.kind
	for r.err == nil {
		if len(r.rest) > 0 && !skip {
			r.damaged("there is more in a section than belongs there")
			return
		}
		if kind == frameEnd {
			return
		}
		if r.next(); r.kind != follows(kind) {
			return
		}
	}
}

// fill makes sure that there is something in rest.
func (r *snapshotReader) fill() bool {
	for r.err == nil && len(r.rest) == 0 {
		kind := r.kind
		if r.next(); r.err == nil && r.kind != follows(kind) {
			r.damaged("a section ends early")
		}
	}
	return r.err == nil
}

func (r *snapshotReader) byte() byte {
	if !r.fill() {
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *snapshotReader) uint() uint64 {
	var n uint64
	for shift := 0; shift < 64; shift += 7 {
		b := r.byte()
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
	r.damaged("a number is too long")
	return 0
}

func (r *snapshotReader) int() int64 {
	n := r.uint()
	return int64(n>>1) ^ -int64(n&1)
}

// len reads the length of a list. That it may be larger than what follows is
// no harm: lists grow as they are read, and reading ends with the first error.
func (r *snapshotReader) len() int {
	n := r.uint()
	if n > math.MaxInt32 {
		r.damaged("a length of %d", n)
		return 0
	}
	return int(n)
}

// count reads how often something was there.
func (r *snapshotReader) count() int {
	n := r.uint()
	if n > math.MaxInt {
		r.damaged("a count of %d", n)
		return 0
	}
	return int(n)
}

// each calls f so many times as a length says, until there is an error.
func (r *snapshotReader) each(f func()) {
	for n := r.len(); n > 0 && r.err == nil; n-- {
		f()
	}
}

func (r *snapshotReader) bool() bool {
	n := r.uint()
	if n > 1 {
		r.damaged("neither true nor false")
	}
	return n == 1
}

func (r *snapshotReader) text() string {
	n := r.len()
	if n > maxSnapshotText {
		r.damaged("a text of %d bytes", n)
	}
	if r.err != nil || n == 0 || !r.fill() {
		return ""
	}
	if len(r.rest) >= n {
		s := string(r.rest[:n])
		r.rest = r.rest[n:]
		return s
	}
	var b []byte
	for len(b) < n && r.fill() {
		k := min(n-len(b), len(r.rest))
		b = append(b, r.rest[:k]...)
		r.rest = r.rest[k:]
	}
	if r.err != nil {
		return ""
	}
	return string(b)
}

func (r *snapshotReader) list() (texts []string) {
	r.each(func() { texts = append(texts, r.text()) })
	return texts
}

func (r *snapshotReader) listOf() (t texts) {
	r.each(func() { t = t.append([]byte(r.text())) })
	return t
}

// at reads an index into a list of so many.
func (r *snapshotReader) at(n int) int {
	i := r.uint()
	if r.err == nil && i >= uint64(n) {
		r.damaged("place %d of %d", i, n)
	}
	if r.err != nil {
		return 0
	}
	return int(i)
}

// time reads a time of an event, in microseconds.
func (r *snapshotReader) time() int64 {
	t := r.int()
	if t < minStreamTime || t > maxStreamTime {
		r.damaged("the time %d", t)
		return 0
	}
	return t
}
