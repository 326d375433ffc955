package kusto

import "fmt"

// Error is a refusal of a query: its text is not KQL, is outside the subset,
// or does not fit the tables it is run on.
type Error struct {
	Line, Col int // from 1, in characters
	Message   string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%d:%d: %s", e.Line, e.Col, e.Message)
}

// fault is how an Error travels inside the package: Parse and Run turn it
// into an Error with a line and a column.
type fault struct {
	pos int // byte offset in the text
	msg string
}

// fail ends parsing, binding or evaluation with a positioned message.
func fail(pos int, format string, args ...any) {
	panic(&fault{pos, fmt.Sprintf(format, args...)})
}

// refuse is fail for what KQL has and this package does not.
func refuse(pos int, format string, args ...any) {
	fail(pos, "not in the subset: "+format, args...)
}

// place turns a fault into an Error.
func place(text string, f *fault) *Error {
	line, col := 1, 1
	for i, r := range text {
		if i >= f.pos {
			break
		}
		if r == '\n' {
			line, col = line+1, 1
		} else {
			col++
		}
	}
	return &Error{line, col, f.msg}
}

// catch recovers a fault into *err; any other panic goes on.
func catch(text string, err *error) {
	switch f := recover().(type) {
	case nil:
	case *fault:
		*err = place(text, f)
	default:
		panic(f)
	}
}
