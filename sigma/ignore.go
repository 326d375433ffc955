package sigma

import (
	"regexp"
	"slices"
	"strings"
)

// An ignore is a comment `# rulewright: ignore CODE reason`. It silences the
// warnings of that code in its line, or, where it stands alone in a line, in
// the next one. Errors cannot be ignored: the document has no meaning.
type ignore struct {
	code        Code
	first, last int // lines that it is for
}

var (
	ignoreForm  = regexp.MustCompile(`(?:^|\s)#\s*rulewright:\s*ignore\b[ \t]*(\S*)[ \t]*(.*)$`)
	blockHeader = regexp.MustCompile(`(?:^|[:\-?]\s+|\s)[|>][-+0-9]*\s*(?:\s#.*)?$`)
)

// findIgnores reads the ignore comments of the file, and reports those that
// name no known code or give no reason.
func (l *loader) findIgnores() []ignore {
	if !slices.ContainsFunc(l.lines, func(line string) bool { return strings.Contains(line, "rulewright:") }) {
		return nil
	}
	var out []ignore
	var waiting []ignore // of lines with nothing but comments
	for i := 0; i < len(l.lines); i++ {
		line := l.lines[i]
		last := l.blockEnd(i)
		trimmed := strings.TrimSpace(line)
		alone := trimmed == "" || trimmed[0] == '#'
		if !alone {
			for _, w := range waiting {
				w.first, w.last = i+1, last+1
				out = append(out, w)
			}
			waiting = nil
		}
		if strings.Contains(line, "rulewright:") {
			if m := ignoreForm.FindStringSubmatchIndex(line); m != nil {
				code, reason := line[m[2]:m[3]], strings.TrimSpace(line[m[4]:m[5]])
				at := Pos{i + 1, len([]rune(line[:m[2]])) + 1}
				switch {
				case code == "":
					l.warnf(at, CodeIgnore, "write # rulewright: ignore CODE reason", "the ignore comment names no code")
				case !knownCode(Code(code)):
					var names []string
					for _, c := range codes {
						names = append(names, string(c.Code))
					}
					l.warnf(at, CodeIgnore, NearestHint(code, names, "`rulewright list codes` shows them"), "there is no code %s", show(code))
				case reason == "":
					l.warnf(at, CodeIgnore, "write it behind the code", "the ignore comment gives no reason")
				case alone:
					waiting = append(waiting, ignore{code: Code(code)})
				default:
					out = append(out, ignore{Code(code), i + 1, last + 1})
				}
			}
		}
		i = last
	}
	return out
}

// blockEnd returns the index of the last line of the block scalar that begins
// in line i, or i when none does.
func (l *loader) blockEnd(i int) int {
	line := l.lines[i]
	if !strings.ContainsAny(line, "|>") || !blockHeader.MatchString(line) {
		return i
	}
	// The block is indented deeper than its key: behind the dashes of a list.
	parent := 0
	for parent < len(line) && (line[parent] == ' ' || line[parent] == '-' && parent+1 < len(line) && line[parent+1] == ' ') {
		parent++
	}
	if parent < len(line) && (line[parent] == '|' || line[parent] == '>') {
		parent = max(0, strings.LastIndexByte(line[:parent], '-'))
	}
	last := i
	for j := i + 1; j < len(l.lines); j++ {
		t := strings.TrimLeft(l.lines[j], " ")
		if t == "" {
			continue
		}
		if len(l.lines[j])-len(t) <= parent {
			break
		}
		last = j
	}
	return last
}

// silence drops the findings that a comment ignores.
func silence(ds Diagnostics, ignores []ignore) Diagnostics {
	if len(ignores) == 0 {
		return ds
	}
	kept := ds[:0:0]
	for _, d := range ds {
		ignored := false
		for _, i := range ignores {
			ignored = ignored || d.Severity != SeverityError && d.Code == i.code && i.first <= d.Pos.Line && d.Pos.Line <= i.last
		}
		if !ignored {
			kept = append(kept, d)
		}
	}
	return kept
}

// Silence returns the findings without those that a comment in the document's
// file ignores. Parse has applied it to its own; later stages pass theirs.
// Findings about other files and errors are kept.
func (d *Document) Silence(ds Diagnostics) Diagnostics {
	var own, kept Diagnostics
	for _, x := range ds {
		if x.File == d.File {
			own = append(own, x)
		} else {
			kept = append(kept, x)
		}
	}
	return append(kept, silence(own, d.ignores)...)
}
