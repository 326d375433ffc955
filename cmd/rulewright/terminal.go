package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"
)

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Colours of a terminal, by what they are for.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	yellow = "33"
	cyan   = "36"
)

var levelColors = map[string]string{"critical": "1;31", "high": red, "medium": yellow, "low": cyan, "informational": dim}

func (c *cli) paint(color, s string) string {
	if !c.color || color == "" {
		return s
	}
	return "\x1b[" + color + "m" + s + "\x1b[0m"
}

// clean makes text of an event safe for a terminal and keeps it on one line:
// events are written by attackers too.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == '\u2029':
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// clip shortens text to n characters.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

// meter shows on a terminal how far a long job is. Short jobs show nothing.
type meter struct {
	w     io.Writer // nil: show nothing
	start time.Time
	last  time.Time
	shown bool
}

// Times after which a job counts as long, and between two updates.
const (
	meterAfter = time.Second
	meterEvery = 200 * time.Millisecond
)

func (c *cli) meter() *meter {
	m := &meter{start: time.Now()}
	if c.progress {
		m.w = c.err
	}
	return m
}

func (m *meter) show(text func() string) {
	if m.w == nil {
		return
	}
	now := time.Now()
	if now.Sub(m.start) < meterAfter || now.Sub(m.last) < meterEvery {
		return
	}
	m.last, m.shown = now, true
	fmt.Fprintf(m.w, "\r\x1b[K%s", clip(clean(text()), 100))
}

// clear removes the line, so that output can follow.
func (m *meter) clear() {
	if m.shown {
		fmt.Fprint(m.w, "\r\x1b[K")
		m.shown = false
	}
}
