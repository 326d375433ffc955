package sentinel

import (
	"slices"
	"strings"
)

// bareKQL returns a query in which what string literals and comments hold is
// blank, and the depth of brackets at each byte.
func bareKQL(q string) (bare []byte, depth []int) {
	bare, depth = []byte(q), make([]int, len(q))
	blank := func(from, to int) {
		for i := from; i < to; i++ {
			if bare[i] != '\n' {
				bare[i] = ' '
			}
		}
	}
	d := 0
	for i := 0; i < len(q); {
		start := i
		switch c := q[i]; {
		case strings.HasPrefix(q[i:], "//"):
			n := strings.IndexByte(q[i:], '\n')
			if n < 0 {
				n = len(q) - i
			}
			i += n
			blank(start, i)
		case c == '"' || c == '\'' || c == '@' && i+1 < len(q) && (q[i+1] == '"' || q[i+1] == '\''):
			verbatim := c == '@'
			if verbatim {
				i++
			}
			quote := q[i]
			for i++; i < len(q); i++ {
				if q[i] == '\\' && !verbatim {
					i++
				} else if q[i] == quote {
					if !verbatim || i+1 >= len(q) || q[i+1] != quote {
						break
					}
					i++
				}
			}
			i = min(i+1, len(q))
			blank(start, i)
		default:
			if c == ')' || c == ']' || c == '}' {
				d--
			}
			depth[i] = d
			if c == '(' || c == '[' || c == '{' {
				d++
			}
			i++
			continue
		}
		for j := start; j < i; j++ {
			depth[j] = d
		}
	}
	return bare, depth
}

// words returns the names and keywords of a bare query with where each begins.
func words(bare []byte) (names []string, at []int) {
	for i := 0; i < len(bare); {
		if !isWordByte(bare[i]) {
			i++
			continue
		}
		start := i
		for i < len(bare) && isWordByte(bare[i]) {
			i++
		}
		names, at = append(names, string(bare[start:i])), append(at, start)
	}
	return names, at
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// queryFacts are what the validator reads in a query.
type queryFacts struct {
	words map[string]bool
	// kept are the words behind the last operator that drops columns, nil
	// where there is none and every column stays.
	kept   map[string]bool
	tables []string // those that tables.yaml knows
	agos   []string // arguments of ago()
	joins  bool
}

func readQuery(q string) queryFacts {
	bare, depth := bareKQL(q)
	names, at := words(bare)
	f := queryFacts{words: map[string]bool{}}
	for i, w := range names {
		f.words[w] = true
		before := strings.TrimRight(string(bare[:at[i]]), " \t\n")
		if _, ok := facts().Tables[w]; ok && !slices.Contains(f.tables, w) {
			f.tables = append(f.tables, w)
		}
		if w == "ago" && i+1 < len(names) {
			f.agos = append(f.agos, names[i+1])
		}
		if w == "join" || w == "union" || w == "externaldata" {
			f.joins = true
		}
		rest := bare[at[i]+len(w):]
		hyphen := len(rest) > 0 && rest[0] == '-'
		if strings.HasSuffix(before, "|") && depth[at[i]] == 0 && !hyphen && (w == "summarize" || w == "project" || w == "distinct" || w == "count") ||
			hyphen && w == "project" && strings.HasPrefix(string(rest), "-keep") && depth[at[i]] == 0 {
			f.kept = map[string]bool{}
			later, _ := words(rest)
			for _, x := range later {
				f.kept[x] = true
			}
		}
	}
	return f
}

// keeps reports whether a column is in the result, as far as the text says.
func (f queryFacts) keeps(column string) bool { return f.kept == nil || f.kept[column] }
