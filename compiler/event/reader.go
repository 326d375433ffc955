package event

import (
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Limits on what is read. They are far above what log sources write and keep
// memory bounded whatever the input holds.
const (
	MaxRecordBytes  = 16 << 20  // of one record, uncompressed, in UTF-8
	MaxRecordValues = 1_000_000 // keys and list elements of one record
	MaxNesting      = 100       // objects and lists inside one another
	MaxColumns      = 10_000    // of a CSV header or result table
	MaxRatio        = 1_000     // uncompressed to compressed size, once 32 MiB came out
	ratioFrom       = 32 << 20
)

// ReaderOptions say where a reader's events come from. The zero value detects
// everything.
type ReaderOptions struct {
	// File is the name for messages and Record.File. The names that the Entra
	// portal gives its sign-in downloads also say which kind they hold.
	File string
	// Source, if its Form is set, is what every event is, in place of
	// detection; an empty Table is still detected.
	Source Source
	// MaxBytes limits the uncompressed input; 0 is no limit.
	MaxBytes int64
}

// RecordError is a record that could not be read. Reading goes on behind it.
type RecordError struct {
	File string
	Line int // of the record's first byte
	Err  error
	// Lost: what follows in the input, or in its current list, is lost too.
	Lost bool
}

// Error is file:line: what is wrong.
func (e *RecordError) Error() string {
	file := e.File
	if file == "" {
		file = "input"
	}
	if e.Lost {
		return fmt.Sprintf("%s:%d: %v; what follows could not be read", file, e.Line, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", file, e.Line, e.Err)
}

func (e *RecordError) Unwrap() error { return e.Err }

// Reader turns input of any supported container into records, one at a time:
//
//   - JSON: a value a line, values in a row, indented or not, or lists of them;
//     {"records":[…]} (Event Hub), {"value":[…]} (Graph), {"tables":[{columns,
//     rows}]} (Log Analytics), {schema,results} (advanced hunting), whose
//     elements are read one by one however long the list is
//   - CSV with a header: Purview and Search-UnifiedAuditLog (the event is the
//     JSON in AuditData), the Entra portal's sign-in and audit downloads (which
//     become rows of SigninLogs and AuditLogs), Log Analytics, hunting, others;
//     an empty cell is an absent column
//   - any of these in gzip or zstd, in UTF-8 or UTF-16
//
// The container is told by its first bytes. Memory is bounded by the limits
// above. A Reader is not safe for concurrent use.
type Reader struct {
	opts    ReaderOptions
	in      io.Reader
	close   []func()
	w       *window
	next    func() (Record, error) // of the container; nil until it is known
	failed  bool                   // the input is lost; only io.EOF is left
	records int
	errors  int

	// For Merge: the JSON that the last record's event was made of, or nil.
	keepRaw bool
	raw     []byte
}

// NewReader reads records from r. It reads nothing before the first Next.
func NewReader(r io.Reader, opts ReaderOptions) *Reader {
	return &Reader{opts: opts, in: r}
}

// Next returns the next record. At the end it returns io.EOF. Any other error
// is a *RecordError: the record is skipped and Next may be called again.
func (r *Reader) Next() (Record, error) {
	r.raw = nil
	if r.failed {
		return Record{}, io.EOF
	}
	rec, err := r.read()
	switch {
	case err == nil:
		r.records++
	case err != io.EOF:
		r.errors++
		var re *RecordError
		if !errors.As(err, &re) {
			err = r.lost(err)
		}
	}
	return rec, err
}

// Records returns how many records Next has returned.
func (r *Reader) Records() int { return r.records }

// Unreadable returns how many errors Next has returned.
func (r *Reader) Unreadable() int { return r.errors }

// Close frees what decompression holds. It does not close the input.
func (r *Reader) Close() {
	for _, f := range r.close {
		f()
	}
	r.close, r.failed = nil, true
}

func (r *Reader) read() (Record, error) {
	if r.next == nil {
		if err := r.open(); err != nil {
			return Record{}, err
		}
	}
	return r.next()
}

// open finds out compression, encoding and container.
func (r *Reader) open() error {
	in, err := r.decompress(r.in)
	if err != nil {
		return err
	}
	r.w = &window{r: decodeText(in), line: 1, blank: true}
	first, ok := r.w.peekNonSpace()
	switch {
	case !ok && r.w.err == io.EOF:
		r.next = func() (Record, error) { return Record{}, io.EOF }
	case !ok:
		return r.w.err
	case first == '{' || first == '[':
		r.next = (&jsonSource{Reader: r}).next
	default:
		c := &csvSource{Reader: r}
		if err := c.header(); err != nil {
			return err
		}
		r.next = c.next
	}
	return nil
}

// lost makes an error that ends the input.
func (r *Reader) lost(err error) error {
	r.failed = true
	line := 1
	if r.w != nil {
		line = r.w.line
	}
	return &RecordError{File: r.opts.File, Line: line, Err: err, Lost: true}
}

func (r *Reader) unreadable(line int, format string, args ...any) error {
	return &RecordError{File: r.opts.File, Line: line, Err: fmt.Errorf(format, args...)}
}

// record completes a record from its event. hint is what the container says
// the event is.
func (r *Reader) record(ev any, line int, hint Source) Record {
	ev = Unwrap(ev)
	src := r.opts.Source
	if src.Form == "" || src.Table == "" {
		found, ok := hint, hint.Form != ""
		if !ok || hint == (Source{GraphAPI, "SigninLogs"}) { // a collection of all kinds of sign-ins
			if told, known := detectIn(ev); known {
				found, ok = told, true
			}
		}
		switch {
		case src.Form == "":
			src = found
		case ok && src.Table == "" && found.Form.family() == src.Form.family():
			src = found
		}
	}
	t, _ := timeIn(ev, src)
	return Record{Event: ev, Source: src, Time: t, ID: idIn(ev, src), File: r.opts.File, Line: line}
}

// window is the part of the input that is being looked at: buf[pos:end]. It
// grows as far as its users let it.
type window struct {
	r        io.Reader
	buf      []byte
	pos, end int
	taken    int64 // bytes of the input in front of buf[pos]
	err      error // of r, once all before it is in buf
	line     int   // line of buf[pos]
	indent   int   // white space between the start of that line and buf[pos]
	blank    bool  // nothing else stands there
}

const windowStep = 64 << 10

// fill reads more input behind buf[end-1]; false at the end of the input.
func (w *window) fill() bool {
	if w.err != nil {
		return false
	}
	if w.pos > 0 && w.end == len(w.buf) {
		copy(w.buf, w.buf[w.pos:w.end])
		w.end -= w.pos
		w.pos = 0
	}
	if w.end == len(w.buf) {
		w.buf = append(w.buf, make([]byte, max(windowStep, len(w.buf)))...)
	}
	for range 100 {
		n, err := w.r.Read(w.buf[w.end:])
		w.end += n
		if err != nil {
			w.err = err
		}
		if n > 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
	w.err = io.ErrNoProgress
	return false
}

// at returns byte i of the window, reading on if need be.
func (w *window) at(i int) (byte, bool) {
	for w.pos+i >= w.end {
		if !w.fill() {
			return 0, false
		}
	}
	return w.buf[w.pos+i], true
}

func (w *window) bytes(n int) []byte { return w.buf[w.pos : w.pos+n] }

// skip leaves n bytes of the window behind.
func (w *window) skip(n int) {
	for _, c := range w.buf[w.pos : w.pos+n] {
		switch {
		case c == '\n':
			w.line++
			w.indent, w.blank = 0, true
		case !w.blank:
		case c == ' ' || c == '\t' || c == '\r':
			w.indent++
		default:
			w.blank = false
		}
	}
	w.pos += n
	w.taken += int64(n)
	if w.pos == w.end {
		w.pos, w.end = 0, 0
		if len(w.buf) > 4<<20 { // one large record need not weigh on the rest
			w.buf = nil
		}
	}
}

// peekNonSpace skips white space and returns the byte behind it.
func (w *window) peekNonSpace() (byte, bool) {
	for {
		c, ok := w.at(0)
		if !ok {
			return 0, false
		}
		switch c {
		case ' ', '\t', '\r', '\n':
			w.skip(1)
		default:
			return c, true
		}
	}
}

// skipLine skips to the start of the next line.
func (w *window) skipLine() bool {
	for {
		c, ok := w.at(0)
		if !ok {
			return false
		}
		w.skip(1)
		if c == '\n' {
			return true
		}
	}
}

// ended is the error for input that stops where it should not.
func (w *window) ended(where string) error {
	if w.err == nil || w.err == io.EOF {
		return fmt.Errorf("the input ends inside %s; the file may be cut off", where)
	}
	return w.err
}

func validUTF8(b []byte) error {
	if utf8.Valid(b) {
		return nil
	}
	for i := 0; i < len(b); {
		c, n := utf8.DecodeRune(b[i:])
		if c == utf8.RuneError && n == 1 {
			return fmt.Errorf("byte %d of the record is not UTF-8; convert the file to UTF-8", i+1)
		}
		i += n
	}
	return nil
}
