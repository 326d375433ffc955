package sigma

// Code names a kind of finding. The list below is closed: tests hold every
// diagnostic to it, `rulewright list codes` prints it, and
// `# rulewright: ignore CODE reason` takes one.
type Code string

// CodeInfo is one line of the list of codes.
type CodeInfo struct {
	Code Code
	Text string // what a finding of this code says, in one line
}

// The codes. A later stage adds its own to codes.
const (
	CodeSyntax         Code = "yaml-syntax"
	CodeEncoding       Code = "encoding"
	CodeLimit          Code = "limit"
	CodeDuplicateKey   Code = "duplicate-key"
	CodeUnknownKey     Code = "unknown-key"
	CodeMissingKey     Code = "missing-key"
	CodeType           Code = "wrong-type"
	CodeBadValue       Code = "bad-value"
	CodeNativeOnly     Code = "native-only"
	CodeFile           Code = "file"
	CodeDocument       Code = "document"
	CodeID             Code = "id"
	CodeDate           Code = "date"
	CodeTag            Code = "tag"
	CodeLevel          Code = "level"
	CodeStatus         Code = "status"
	CodeRelated        Code = "related"
	CodeLogSource      Code = "logsource"
	CodeField          Code = "field-name"
	CodeQuantifier     Code = "list-block"
	CodeSelection      Code = "selection"
	CodeUnused         Code = "unused-selection"
	CodeCondition      Code = "condition"
	CodeUnknownName    Code = "unknown-selection"
	CodeNoMatch        Code = "pattern-without-match"
	CodeAggregation    Code = "aggregation"
	CodeUnknownMod     Code = "unknown-modifier"
	CodeModCombination Code = "modifier-combination"
	CodeModValue       Code = "modifier-value"
	CodeRegex          Code = "regex"
	CodeNetwork        Code = "network"
	CodePlaceholder    Code = "placeholder"
	CodeNumber         Code = "number-form"
	CodeEmptyList      Code = "empty-list"
	CodeNullInList     Code = "null-in-list"
	CodeAllSingle      Code = "all-single"
	CodeTimespan       Code = "timespan"
	CodeIgnore         Code = "ignore"
	CodeCorrelation    Code = "correlation"
	CodeFilter         Code = "filter"
	CodeParameter      Code = "parameter"

	// Of the compiler.
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
	CodeUnknownRule      Code = "unknown-rule"
	CodeSlow             Code = "slow-rule"

	// Of export.
	CodeVersion Code = "version"
)

var codes = []CodeInfo{
	{CodeSyntax, "the file is not YAML"},
	{CodeEncoding, "the file is not UTF-8 text, or holds a control character"},
	{CodeLimit, "something is longer, deeper or more than the parser takes"},
	{CodeDuplicateKey, "a mapping has the same key twice"},
	{CodeUnknownKey, "no table knows the key; at the top level it is kept as a custom attribute"},
	{CodeMissingKey, "a key that the document needs is absent"},
	{CodeType, "a value has a type that its key does not take"},
	{CodeBadValue, "a value is not one of those that its key takes"},
	{CodeNativeOnly, "only a native document, marked by `rulewright: 1`, may say this"},
	{CodeFile, "a file could not be opened or read"},
	{CodeDocument, "the document is neither rule, correlation nor filter, or more than one of them"},
	{CodeID, "an id is not a UUID, or stands twice"},
	{CodeDate, "a date is not of the form YYYY-MM-DD"},
	{CodeTag, "a tag is not of the form namespace.name"},
	{CodeLevel, "the level is not one of the five"},
	{CodeStatus, "the status is not one of the five"},
	{CodeRelated, "an entry of related has no id or no known type"},
	{CodeLogSource, "the logsource says nothing, or says it in the wrong form"},
	{CodeField, "a field name cannot be read"},
	{CodeQuantifier, "a list block has an unknown quantifier or stands where none may"},
	{CodeSelection, "a selection holds what no selection may hold"},
	{CodeUnused, "no condition uses the selection"},
	{CodeCondition, "the condition cannot be read"},
	{CodeUnknownName, "the condition names a selection that is not there"},
	{CodeNoMatch, "a pattern in the condition fits no selection"},
	{CodeAggregation, "the aggregation behind the condition's pipe cannot be read"},
	{CodeUnknownMod, "there is no such modifier"},
	{CodeModCombination, "the modifiers do not go together, or not in this order"},
	{CodeModValue, "the modifier does not take such a value"},
	{CodeRegex, "the regular expression cannot be read, or is of a kind that no engine runs safely"},
	{CodeNetwork, "the value is neither a network such as 10.0.0.0/8 nor an address"},
	{CodePlaceholder, "a placeholder is malformed or stands where none is read"},
	{CodeNumber, "YAML versions disagree whether this is a number, or which"},
	{CodeEmptyList, "a list without values matches nothing"},
	{CodeNullInList, "null among other values means: or null"},
	{CodeAllSingle, "the modifier all has only one value"},
	{CodeTimespan, "a timespan is not of the form 5m: number, then s m h d w M or y"},
	{CodeIgnore, "an ignore comment names no known code, or suppresses nothing"},
	{CodeCorrelation, "the correlation has no meaning as written"},
	{CodeFilter, "the filter has no meaning as written"},
	{CodeParameter, "the parameter has no meaning as written, or a value that does not fit its type"},
	{CodeUnsupported, "what is asked for cannot be said here"},
	{CodeUnknownSource, "the pipeline does not know the logsource"},
	{CodeUnknownField, "the table has no such column"},
	{CodeUnknownParameter, "no rule and no catalogue knows the parameter"},
	{CodeTaxonomy, "the document names another taxonomy than Sigma's"},
	{CodeNeverMatches, "the comparison can never hold"},
	{CodeAlwaysMatches, "the comparison holds for any text"},
	{CodeObjectAsText, "a text operator looks at a field that holds an object"},
	{CodeProfile, "the profile says something that has no effect"},
	{CodeOverride, "an override names a rule or tag that is not there"},
	{CodeUnknownRule, "a filter or correlation names a rule that is not there"},
	{CodeSlow, "the rule searches every event of its source, and no index can narrow it"},
	{CodeVersion, "what a rule means changed since the last export and its version did not rise"},
}

// Codes returns the closed list of codes, in the order in which the stages
// that find them run.
func Codes() []CodeInfo { return append([]CodeInfo(nil), codes...) }

// knownCode reports whether the list holds the code.
func knownCode(c Code) bool {
	for _, i := range codes {
		if i.Code == c {
			return true
		}
	}
	return false
}
