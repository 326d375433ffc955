package compiler

// arena holds the texts that are made while one event is looked at: unescaped,
// folded. Its memory serves the next event again.
type arena struct{ buf []byte }

const (
	minArena = 4 << 10
	// maxKeptArena bounds what is kept for the next event.
	maxKeptArena = 256 << 10
)

// take returns n bytes that nobody else has.
func (a *arena) take(n int) []byte {
	if cap(a.buf)-len(a.buf) < n {
		// What was handed out before stays where it is.
		a.buf = make([]byte, 0, max(n, 2*cap(a.buf), minArena))
	}
	from := len(a.buf)
	a.buf = a.buf[:from+n]
	return a.buf[from : from+n : from+n]
}

// rest returns the room behind what was handed out, at least n bytes of it, for
// appending to; keep hands out what was appended.
func (a *arena) rest(n int) []byte {
	if cap(a.buf)-len(a.buf) < n {
		a.buf = make([]byte, 0, max(n, 2*cap(a.buf), minArena))
	}
	return a.buf[len(a.buf):len(a.buf)]
}

func (a *arena) keep(b []byte) []byte {
	if n := len(a.buf) + len(b); n <= cap(a.buf) && len(b) > 0 && &a.buf[:n][len(a.buf)] == &b[0] {
		a.buf = a.buf[:n]
	}
	return b[:len(b):len(b)]
}

func (a *arena) reset() {
	if cap(a.buf) > maxKeptArena {
		a.buf = nil
	}
	a.buf = a.buf[:0]
}
