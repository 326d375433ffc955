package sigma

// The codes of what the compiler finds.
const (
	CodeUnsupported      Code = "unsupported"
	CodeUnknownSource    Code = "unknown-logsource"
	CodeUnknownField     Code = "unknown-field"
	CodeUnknownParameter Code = "unknown-parameter"
	CodeTaxonomy         Code = "taxonomy"
	CodeNeverMatches     Code = "never-matches"
	CodeAlwaysMatches    Code = "always-matches"
	CodeObjectAsText     Code = "object-as-text"
	CodeProfile          Code = "profile"
	CodeOverride         Code = "override"
)
