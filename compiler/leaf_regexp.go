package compiler

import (
	"bytes"
	"regexp"
	"regexp/syntax"
	"sync"
	"unicode/utf8"
)

// A regex is a regular expression that counts its work. Package regexp takes
// time proportional to text × program, which may be seconds, and cannot be
// stopped: so it gets what is small, and the rest runs here, on its program, as
// the textbook has it: all threads at once, character by character, each step
// counted.
type regex struct {
	re     *regexp.Regexp
	once   sync.Once
	prog   *syntax.Prog
	prefix []byte // that a match begins with
	// machines are used again.
	machines sync.Pool
}

const (
	// maxRegexWork is the bytes of text times instructions up to which package
	// regexp is asked. It is about what it keeps a visited set for, in place of
	// running threads.
	maxRegexWork = 1 << 18
	// maxRegexInstructions likewise.
	maxRegexInstructions = 500
	// regexWorkAStep is how much of it is one step.
	regexWorkAStep = 4
)

func newRegex(text string) (*regex, error) {
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	return &regex{re: re}, nil
}

// prepare makes the program, once a text is to be matched.
func (x *regex) prepare() {
	tree, err := syntax.Parse(x.re.String(), syntax.Perl)
	if err == nil {
		x.prog, err = syntax.Compile(tree.Simplify())
	}
	if err != nil {
		panic("compiler: " + err.Error()) // package regexp took it
	}
	prefix, _ := x.prog.Prefix()
	x.prefix = []byte(prefix)
}

// match says whether the expression matches somewhere in the text. It may be
// false because the limit of work was met.
func (x *regex) match(text []byte, c *cursor) bool {
	x.once.Do(x.prepare)
	n := len(x.prog.Inst)
	if work := (len(text) + 1) * n; n <= maxRegexInstructions && work <= maxRegexWork {
		return c.spend(1+work/regexWorkAStep) && x.re.Match(text)
	}
	return x.run(text, c)
}

// run is match for what package regexp is not asked.
func (x *regex) run(text []byte, c *cursor) bool {
	n := len(x.prog.Inst)
	m, _ := x.machines.Get().(*regexMachine)
	if m == nil {
		m = &regexMachine{prog: x.prog, now: newThreads(n), next: newThreads(n)}
	}
	found := m.run(text, x.prefix, c)
	m.now.list, m.next.list = m.now.list[:0], m.next.list[:0]
	x.machines.Put(m)
	return found
}

// regexMachine runs a program over one text.
type regexMachine struct {
	prog      *syntax.Prog
	now, next *regexThreads
	stack     []uint32
}

// regexThreads is a set of instructions that wait for a character, and of those
// that were gone through on the way there.
type regexThreads struct {
	at   []uint32 // where an instruction stands in list, if it does
	list []uint32
}

func newThreads(n int) *regexThreads {
	return &regexThreads{make([]uint32, n), make([]uint32, 0, n)}
}

// add reports false for an instruction that is there.
func (t *regexThreads) add(pc uint32) bool {
	if i := t.at[pc]; int(i) < len(t.list) && t.list[i] == pc {
		return false
	}
	t.at[pc] = uint32(len(t.list))
	t.list = append(t.list, pc)
	return true
}

func (m *regexMachine) run(text, prefix []byte, c *cursor) bool {
	anchored := m.prog.StartCond()&syntax.EmptyBeginText != 0
	before := rune(-1)
	r, size := nextRune(text)
	for pos := 0; ; {
		if len(m.now.list) == 0 {
			if anchored && pos > 0 {
				return false
			}
			if len(prefix) > 0 {
				i := bytes.Index(text[pos:], prefix)
				if i < 0 {
					c.spend((len(text) - pos) / bytesAStep)
					return false
				}
				if i > 0 {
					pos += i
					before, _ = utf8.DecodeLastRune(text[:pos])
					r, size = nextRune(text[pos:])
				}
				if !c.spend(i / bytesAStep) {
					return false
				}
			}
		}
		if !anchored || pos == 0 {
			if m.follow(m.now, uint32(m.prog.Start), syntax.EmptyOpContext(before, r)) {
				return c.spend(len(m.now.list))
			}
		}
		if !c.spend(1+len(m.now.list)) || size == 0 {
			return false
		}
		pos += size
		after, width := nextRune(text[pos:])
		context := syntax.EmptyOpContext(r, after)
		for _, pc := range m.now.list {
			if inst := &m.prog.Inst[pc]; takes(inst, r) && m.follow(m.next, inst.Out, context) {
				return c.spend(len(m.next.list))
			}
		}
		m.now, m.next = m.next, m.now
		m.next.list = m.next.list[:0]
		before, r, size = r, after, width
	}
}

// nextRune is -1 at the end.
func nextRune(text []byte) (r rune, size int) {
	if len(text) == 0 {
		return -1, 0
	}
	if text[0] < utf8.RuneSelf {
		return rune(text[0]), 1
	}
	return utf8.DecodeRune(text)
}

// takes says whether an instruction goes on behind a character.
func takes(inst *syntax.Inst, r rune) bool {
	switch inst.Op {
	case syntax.InstRune:
		return inst.MatchRune(r)
	case syntax.InstRune1:
		return r == inst.Rune[0]
	case syntax.InstRuneAny:
		return true
	case syntax.InstRuneAnyNotNL:
		return r != '\n'
	}
	return false
}

// follow adds what can be reached from an instruction without a character, and
// reports whether a match is among it.
func (m *regexMachine) follow(t *regexThreads, pc uint32, context syntax.EmptyOp) bool {
	m.stack = append(m.stack[:0], pc)
	for len(m.stack) > 0 {
		pc = m.stack[len(m.stack)-1]
		m.stack = m.stack[:len(m.stack)-1]
		for goesOn := true; goesOn && t.add(pc); {
			inst := &m.prog.Inst[pc]
			switch pc = inst.Out; inst.Op {
			case syntax.InstMatch:
				return true
			case syntax.InstAlt, syntax.InstAltMatch:
				m.stack = append(m.stack, inst.Arg)
			case syntax.InstEmptyWidth:
				goesOn = syntax.EmptyOp(inst.Arg)&^context == 0
			case syntax.InstNop, syntax.InstCapture:
			default: // waits for a character, or fails
				goesOn = false
			}
		}
	}
	return false
}
