package event

import "time"

// Form names one of the shapes that a fact reaches a rule in.
type Form string

// The built-in forms. The zero Form is unknown.
const (
	LogAnalytics     Form = "log-analytics"      // columns of a Log Analytics or Sentinel table
	AzureDiagnostic  Form = "azure-diagnostic"   // diagnostic settings: category and properties
	GraphAPI         Form = "graph-api"          // Microsoft Graph: camelCase, no properties
	O365Management   Form = "o365-management"    // Office 365 Management Activity API, AuditData
	MDEHunting       Form = "mde-hunting"        // a row of Defender XDR advanced hunting
	MDEHuntingStream Form = "mde-hunting-stream" // the same row in the streaming API's envelope
	Windows          Form = "windows"            // a Windows event: EVTX as JSON, under Event.System and Event.EventData
	WindowsInner     Form = "windows-inner"      // the same without the outer Event
	WindowsFlat      Form = "windows-flat"       // the same with all fields at the top
	Winlogbeat       Form = "winlogbeat"         // the same as Winlogbeat writes it, under winlog
)

// family returns Windows for all shapes of a Windows event.
func (f Form) family() Form {
	switch f {
	case WindowsInner, WindowsFlat, Winlogbeat:
		return Windows
	}
	return f
}

// Source says what an event is: its form and the table (or, for the windows
// forms, the channel) it belongs to. The zero Source is unknown; such an event
// meets only rules that were asked to see events of any source.
type Source struct {
	Form  Form
	Table string
}

// Object lets callers hand in events of their own types without turning them
// into maps. Values are what an event is made of (see the package comment), and
// may be Objects again. Implementations must be safe for concurrent reads.
type Object interface {
	// Get returns the value of exactly this key.
	Get(key string) (value any, ok bool)
	// Keys calls yield with every key until yield returns false.
	Keys(yield func(key string) bool)
}

// Record is an event with what its reader knows of it.
type Record struct {
	Event  any
	Source Source
	Time   time.Time // UTC; zero when the event has none that can be read
	ID     string    // the event's own id, "" when it has none
	File   string    // as given to the reader
	Line   int       // line of the record's first byte, or CSV row
}
