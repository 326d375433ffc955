package sigma

import "strings"

// Nearest returns the one of known that was most likely meant by name, or ""
// when none is close: a difference in case or punctuation only, else an edit
// distance (insert, drop, change, swap neighbours) of at most a third of the
// name's length. Of equally close names the first in byte order is returned.
func Nearest(name string, known []string) string {
	if name == "" || len(name) > 100 {
		return ""
	}
	lower, bare := strings.ToLower(name), squeeze(name)
	best, bestDistance := "", 1+max(1, len(name)/3)
	for _, k := range known {
		// What differs more in length than the best so far cannot be nearer,
		// punctuation aside.
		if k == name || k == "" || len(k) > 2*len(name)+10 {
			continue
		}
		d := 0
		if squeeze(k) != bare {
			if diff := len(k) - len(name); diff > bestDistance || -diff > bestDistance {
				continue
			}
			d = distance(lower, strings.ToLower(k))
		}
		if d < len(k) && (d < bestDistance || d == bestDistance && best != "" && k < best) {
			best, bestDistance = k, d
		}
	}
	return best
}

// NearestHint is the hint for a name that is none of known: the one that was
// most likely meant, else the text otherwise.
func NearestHint(name string, known []string, otherwise string) string {
	if n := Nearest(name, known); n != "" {
		return "did you mean " + n + "?"
	}
	return otherwise
}

// squeeze leaves what is the same in userName, user_name and UserName.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '_', '-', '.', ' ':
			return -1
		}
		return r
	}, strings.ToLower(s))
}

// distance is the edit distance with swaps of neighbours (restricted
// Damerau-Levenshtein), over bytes.
func distance(a, b string) int {
	prev2 := make([]int, len(b)+1)
	prev := make([]int, len(b)+1)
	cur := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
