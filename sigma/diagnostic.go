package sigma

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
