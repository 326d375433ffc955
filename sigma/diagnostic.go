package sigma

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"unicode/utf8"
)

// Pos is a place in a file: line and column, both counted from 1, the column
// in code points. The zero Pos is unknown.
type Pos struct{ Line, Col int }

// IsValid reports whether the position is known.
func (p Pos) IsValid() bool { return p.Line > 0 }

// Severity is how bad a diagnostic is.
type Severity int

// Severities. A document with an error has no meaning and is not compiled.
const (
	SeverityError Severity = iota
	SeverityWarning
	SeverityInfo
)

// String returns error, warning or info.
func (s Severity) String() string {
	switch s {
	case SeverityWarning:
		return "warning"
	case SeverityInfo:
		return "info"
	}
	return "error"
}

// Diagnostic is one finding at one place. It is an error; its text is
// `file:line:col: message [code]`.
type Diagnostic struct {
	File     string
	Pos      Pos
	Severity Severity
	Code     Code
	Message  string // says what is wrong, in one line
	Hint     string // says what to do next; may be empty
	Snippet  string // the line of the file, without its line break; may be empty
}

// Diagnostics is a list of findings, ordered by file and position.
type Diagnostics []Diagnostic

// Error returns `file:line:col: message [code]`; an unknown file or position
// is left out, and a warning or info says so before its message.
func (d Diagnostic) Error() string {
	var b strings.Builder
	if d.File != "" {
		b.WriteString(d.File)
		b.WriteByte(':')
	}
	if d.Pos.IsValid() {
		fmt.Fprintf(&b, "%d:%d:", d.Pos.Line, d.Pos.Col)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	if d.Severity != SeverityError {
		b.WriteString(d.Severity.String())
		b.WriteString(": ")
	}
	b.WriteString(d.Message)
	if d.Code != "" {
		fmt.Fprintf(&b, " [%s]", d.Code)
	}
	return b.String()
}

// snippetWidth is how many characters of a long line are shown.
const snippetWidth = 120

// Render writes the diagnostic for a person: its text, the line of the file
// with a caret under the column, and the hint.
func (d Diagnostic) Render(w io.Writer) error {
	var b strings.Builder
	b.WriteString(d.Error())
	b.WriteByte('\n')
	if d.Snippet != "" && d.Pos.IsValid() {
		line, col := clip(d.Snippet, d.Pos.Col)
		number := fmt.Sprint(d.Pos.Line)
		fmt.Fprintf(&b, "  %s | %s\n", number, string(line))
		fmt.Fprintf(&b, "  %s | ", strings.Repeat(" ", len(number)))
		for _, r := range line[:min(col-1, len(line))] {
			if r == '\t' {
				b.WriteByte('\t')
			} else {
				b.WriteByte(' ')
			}
		}
		b.WriteString("^\n")
	}
	if d.Hint != "" {
		fmt.Fprintf(&b, "  hint: %s\n", d.Hint)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// clip cuts a long line down to the part around the column and returns it with
// the column in it. Control characters, which a terminal would obey, are
// replaced.
func clip(line string, col int) ([]rune, int) {
	col = max(col, 1)
	front := false
	if len(line) > snippetWidth && col > snippetWidth/2 {
		// Go to what is half a width in front of the column, but not so near to
		// the end that less than a width is left.
		skip := col - 1 - snippetWidth/2
		cut, runes := 0, 0
		for ; runes < skip && len(line)-cut > snippetWidth; runes++ {
			_, n := utf8.DecodeRuneInString(line[cut:])
			cut += n
		}
		line, col, front = line[cut:], col-runes, cut > 0
	}
	var out []rune
	if front {
		out = append(out, '…')
		col++
	}
	shown := 0
	for _, c := range line {
		if shown++; shown > snippetWidth {
			out = append(out, '…')
			break
		}
		if c < 0x20 && c != '\t' || c == 0x7f || c >= 0x80 && c < 0xa0 {
			c = utf8.RuneError
		}
		out = append(out, c)
	}
	return out, min(col, len(out)+1)
}

// HasErrors reports whether one of the findings is an error.
func (ds Diagnostics) HasErrors() bool {
	for _, d := range ds {
		if d.Severity == SeverityError {
			return true
		}
	}
	return false
}

// Errors returns the findings that are errors.
func (ds Diagnostics) Errors() Diagnostics {
	var out Diagnostics
	for _, d := range ds {
		if d.Severity == SeverityError {
			out = append(out, d)
		}
	}
	return out
}

// Count returns how many findings have the severity.
func (ds Diagnostics) Count(s Severity) int {
	n := 0
	for _, d := range ds {
		if d.Severity == s {
			n++
		}
	}
	return n
}

// Error returns the texts of all findings, one a line. Diagnostics is an error
// so that it can be returned as one; an empty list is still a non-nil error
// once it is in an error variable, so convert it only after HasErrors.
func (ds Diagnostics) Error() string {
	lines := make([]string, len(ds))
	for i, d := range ds {
		lines[i] = d.Error()
	}
	return strings.Join(lines, "\n")
}

// Render writes all findings for a person.
func (ds Diagnostics) Render(w io.Writer) error {
	for _, d := range ds {
		if err := d.Render(w); err != nil {
			return err
		}
	}
	return nil
}

// Sort orders the findings by file, line, column, severity, code and message.
func (ds Diagnostics) Sort() {
	sort.SliceStable(ds, func(i, j int) bool {
		a, b := ds[i], ds[j]
		switch {
		case a.File != b.File:
			return a.File < b.File
		case a.Pos.Line != b.Pos.Line:
			return a.Pos.Line < b.Pos.Line
		case a.Pos.Col != b.Pos.Col:
			return a.Pos.Col < b.Pos.Col
		case a.Severity != b.Severity:
			return a.Severity < b.Severity
		case a.Code != b.Code:
			return a.Code < b.Code
		}
		return a.Message < b.Message
	})
}
