package sigma

// Kind says what a document is.
type Kind int

// The three kinds of Sigma document (Sigma 2.1.0: rules, correlation rules, filters).
const (
	KindRule Kind = iota
	KindCorrelation
	KindFilter
)

// String returns the kind's name as diagnostics print it.
func (k Kind) String() string {
	switch k {
	case KindCorrelation:
		return "correlation"
	case KindFilter:
		return "filter"
	}
	return "rule"
}

// Document is one YAML document as its author wrote it: modifiers, wildcards,
// placeholders and names are still in it, each with its position. It is data
// without behaviour; compiler.Lower gives it its meaning. A Document must not
// be changed after it was handed to the compiler.
type Document struct {
	File   string // as given to Parse; "" when unknown
	Pos    Pos    // of the document's first key
	Kind   Kind
	Native bool // says `rulewright: 1`: may use what Sigma cannot say

	Meta        Meta
	LogSource   LogSource    // of a rule or filter
	Detection   *Detection   // of a rule or filter, else nil
	Correlation *Correlation // of a correlation, else nil
	Filter      *Filter      // of a filter, else nil

	Parameters []Parameter // native
	Once       *Once       // native

	// Keys holds the position of each top-level key, so that later stages
	// can point at it.
	Keys map[string]Pos

	ignores []ignore // comments of the file
}

// KeyPos returns the position of a top-level key, or the document's own
// position when the key is absent.
func (d *Document) KeyPos(key string) Pos {
	if p, ok := d.Keys[key]; ok {
		return p
	}
	return d.Pos
}

// Meta is what a document says about itself. Its fields follow the Sigma rule
// specification 2.1.0, then the native form.
type Meta struct {
	ID             string // UUID
	Name           string // for references from correlations
	Title          string
	SigmaVersion   string
	Taxonomy       string
	Related        []Related
	Status         string // stable, test, experimental, deprecated, unsupported
	Description    string
	License        string
	Author         string
	References     []string
	Date           string // YYYY-MM-DD as written
	Modified       string // YYYY-MM-DD as written
	Level          string // informational, low, medium, high, critical
	Tags           []string
	Scope          []string
	Fields         []string
	FalsePositives []string

	// Native.
	Version       string // a.b.c, goes up when the meaning changes
	Tier          string // alert, report, hunt, product
	GuideSeverity string // the guide's own word for the severity
	Requires      []Requirement
	Coverage      []string // ids of the coverage list
	Entities      []Entity
	Triage        *Triage

	Custom []Attribute // top-level keys that no table knows, in the author's order
}

// Related links a document to another by id.
type Related struct {
	ID   string
	Type string // derived, obsolete, merged, renamed, similar, correlation
}

// Requirement is one thing that must be there before a rule can see anything.
type Requirement struct {
	Table     string
	Connector string
	Licence   string
}

// Entity names the field that holds one end of a hit: an account, address, app …
type Entity struct {
	Pos   Pos    // of the field
	Type  string // account, ip, app, service-principal, mailbox, host, url, file, resource
	Field string // as a rule names fields
}

// Triage tells an analyst what a hit means and what to do about it.
type Triage struct {
	TruePositive  string
	Benign        string
	FalsePositive string
	Actions       []string
	Scope         string // scope of compromise
}

// Attribute is a custom top-level attribute. Value is what YAML made of it:
// nil, bool, int, float64, string, []any or map[string]any.
type Attribute struct {
	Key   string
	Pos   Pos
	Value any
}

// LogSource says which events a rule is about.
type LogSource struct {
	Pos        Pos
	Category   string
	Product    string
	Service    string
	Definition string
	Custom     []Attribute
}

// Filter says which rules a filter document narrows.
type Filter struct {
	Pos Pos
	// Rules lists ids or names; Any is true for `rules: any`.
	Rules []Reference
	Any   bool
}

// Reference names another document by id or name.
type Reference struct {
	Pos  Pos
	Name string
}

// Parameter is a value that whoever runs the rule fills in: in the tenant
// profile, by the caller, or from a watchlist.
type Parameter struct {
	Pos         Pos
	Name        string
	Catalogue   bool   // only named here; type and text stand in the catalogue
	Type        string // string, pattern, number, bool, ip, cidr, duration, hours, zone
	List        bool
	Description string
	Example     []Value
	Default     []Value // nil: none. An empty default is no default.
	Source      string  // where a filled default comes from
	// Form names what values look like beyond their type, one of several; see Misfit.
	Form []string
	// DefaultNames are what the remarks beside the values of a catalogue's default
	// say, such as the name of a role beside its id; "" where there is none.
	DefaultNames []string
}

// Once keeps further hits of one key from being raised again (native).
type Once struct {
	Pos Pos
	By  []Field
	For Timespan
}
