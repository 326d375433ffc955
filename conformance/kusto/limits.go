package kusto

// Limits of a query and of its run. A query beyond one is refused, never cut.
const (
	maxText    = 1 << 20 // bytes of a query
	maxTokens  = 200_000
	maxDepth   = 200       // nesting of expressions, subqueries and dynamic values
	maxBound   = 500_000   // expressions bound for a run, function bodies counted at each call
	maxRows    = 200_000   // rows that one operator may give
	maxElement = 1_048_576 // elements of one dynamic array: make_list's own limit
	maxString  = 1 << 20   // bytes of a string that a function may build
	maxRegexps = 4096      // compiled regular expressions kept
	maxGroups  = 16        // groups of a regular expression (matches regex)
	maxLegacy  = 64        // partitions of the legacy strategy
	maxArgs    = 64        // arguments of case, coalesce, min_of, max_of
	maxCells   = 8_000_000 // values that all operators of a run may make
)
