package sigma

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// blockTexts are YAML at the edges of what readBlocks reads.
var blockTexts = []string{
	"a: b\n", "a: b", "a:\n", "a:", "a: \n", "---\na: b\n", "# c\n---\na: b\n", "--- a: b\n", "a: b\n...\n",
	"a:\n  b: c\n  d:\n  - e\n  - f: g\n    h: i\n  -\n  - j\nk: l\n",
	"a:\n- b\n-\n- c: d\n  e:\n  - f\ng: h\n", "- a\n- b: c\n", "a:\n  - - b\n", "a:\n    b: c\n  d: e\n", "a: b\n c\n", "a: b\n c: d\n",
	"a: 'b''c' # d\n'e f': \"g\\\\h\\n\\\"\"\n\"i\": \"\\x41\"\n'a'b: c\n", "a: 'b\n  c'\n", "a: \"b\" c\n", "a: 'b'# c\n", "a:'b'\n",
	"a: |\n  b\n   c \n\n  d\n\ne: |-\n  f\n\ng: |+\n  h\n\n", "a: |\n b", "a: |\n  b\n c\n", "a: |\n\n  b\n", "a: |\n    \n  b\n", "a: |\nb: c\n", "a: |2\n   b\n", "- |\n  a\n- |\n a\n",
	"a: |\n  b\n # c\nd: e\n", "a: |\n  # b\n  c: d\n# e\n", "a: |\n  b\n   \n  c\n    \n", "a: | # b\n  c\n",
	"a: b # c\na2: b#c\na3: # d\n  e: f\na4: #\n", "# a\n  # b\nc: d # e\n# f\n  - g\n", "a:\n  # b\n  - c\n  # d\n  - e\n# f\ng:\n   # h\n   i: j\n # k\nl: m\n",
	"a: 1\nb: 1.5\nc: true\nd: ~\ne: null\nf: 2020-01-02\ng: 0x1f\nh: 1e3\ni: .inf\nj: -1\nk: yes\nl: 0o17\nm: 1_000\nn: .5\no: <<\n<<: p\n2: q\ntrue: r\n",
	"a: -b\nc: - d\ne: ?f\ng: ? h\ni: :j\nk: : l\n-m: n\n?o: p\n:q: r\n", "a: b: c\n", "a: b:\n", "a : b\n", "a:  b  \n", "a b: c\n", "http://a: b\n", "a: http://b\n", "a:b: c\n", "a: [b]\n", "a: {b: c}\n", "a: &b c\n", "a: *b\n", "a: !b c\n", "a: %b\n", "a: @b\n", "a: `b\n", "a: >\n  b\n", "? a\n: b\n",
	"a: \u00e4\n\u00f6\u00fc: 'b' # \u20ac\nc: \u00fc d\n- e\n", "\u00e4: |\n  \u00f6\n\u00fc:\n", "- \u00e4: b\n  c: d\n", "a:\tb\n", "a: b\r\nc: d\r\n", "a: b\u2028c: d\n", "\ufeffa: b\n",
	"a: b\na: c\n", "---\n", "", "\n\n", "#\n", "a\n", "'a'\n", "- a", "-", "-\n- \n-  \n", "a:\n-\n-", "a:\n  -\n    b: c\n  -\n    - d\n",
	"a: ---\n---b: c\n", "--- \na: b\n", "...a: b\n", "a: #b\n  c\n", "a: b #\n", "a: '' #\nb: \"\"\n", "- a: b\n c: d\n", "- a: b\n   c: d\n", "a:\n  b\n", "a:\n  'b'\n", "a:\n  |\n  b\n",
}

// What readBlocks reads is what yaml.v3 reads.
func checkBlocks(t *testing.T, text string) (read bool) {
	t.Helper()
	root, ok := readBlocks(text)
	if !ok {
		return false
	}
	var doc yaml.Node
	if err := decodeYAML(text, &doc); err != nil {
		t.Errorf("%q: yaml.v3 refuses it: %v", text, err)
		return true
	}
	if got, want := nodeText(root, 0), nodeText(doc.Content[0], 0); got != want {
		t.Errorf("%q: read as\n%sby yaml.v3 as\n%s", text, got, want)
	}
	return true
}

func nodeText(n *yaml.Node, depth int) string {
	text := fmt.Sprintf("%*s%d %d %q %q %d:%d %q\n", depth, "", n.Kind, n.Style, n.Tag, n.Value, n.Line, n.Column, n.Anchor)
	for _, c := range n.Content {
		text += nodeText(c, depth+1)
	}
	return text
}

func TestBlocksAreReadAsYAML(t *testing.T) {
	n := 0
	for _, text := range blockTexts {
		if checkBlocks(t, text) {
			n++
		}
	}
	if n < 30 {
		t.Errorf("of %d texts only %d were read", len(blockTexts), n)
	}
}

// blockRule is written as rules are.
const blockRule = `title: A rule
id: 6d0b1b0e-0000-4000-8000-000000000001
related:
    - id: 6d0b1b0e-0000-4000-8000-000000000002
      type: derived
description: |
    Text over
      two lines

    and a third, "quoted": 'so'
references:
    - https://example.com/a#b
    - 'https://example.com/c d' # why
date: 2024-01-02
tags:
    - attack.t1059
logsource:
    product: windows
    category: process_creation
detection:
    # a comment
    selection_img:
        - Image|endswith: '\\a.exe'
        - OriginalFileName: "B.EXE"
    selection_cli:
        CommandLine|contains|all:
            - ' -x '
            - 'it''s'
            -
        EventID: 4688
        User: null
    filter:
    condition: all of selection_* and not filter
falsepositives: ['none', unknown]
level: high
`

// Rules with random changes are read as yaml.v3 reads them, or left to it.
func TestChangedBlocksAreReadAsYAML(t *testing.T) {
	plain := strings.Replace(blockRule, "['none', unknown]", "none", 1)
	if _, ok := readBlocks(plain); !ok {
		t.Fatal("a rule is not read")
	}
	parts := []string{" ", "  ", "\n", ":", ": ", "#", " #", "-", "- ", "'", "\"", "|", "|-", "\\", "\n\n", "\n  ", "\n    ", "''", ",", "&", "*",
		"!", "%", "?", "? ", "\n# x\n", "\n  # y\n", "\u00e9", "{", "[", "a: b\n", "- x\n", "\n---\n", "|\n", "<<", "~"}
	rnd := rand.New(rand.NewPCG(1, 3))
	lines := strings.SplitAfter(plain, "\n")
	read := 0
	for range 20_000 {
		from := rnd.IntN(len(lines) - 1)
		for strings.HasPrefix(lines[from], " ") {
			from--
		}
		text := strings.Join(lines[from:min(len(lines), from+1+rnd.IntN(len(lines)))], "")
		for range 1 + rnd.IntN(3) {
			at := rnd.IntN(len(text))
			switch rnd.IntN(3) {
			case 0:
				text = text[:at] + text[min(len(text), at+1+rnd.IntN(6)):] + "\n"
			case 1:
				text = text[:at] + parts[rnd.IntN(len(parts))] + text[at:]
			case 2:
				from := rnd.IntN(len(text))
				text = text[:at] + text[from:min(len(text), from+rnd.IntN(40))] + text[at:]
			}
		}
		if l := (&loader{lines: splitLines(text)}); l.checkText() && checkBlocks(t, text) {
			read++
		}
		if t.Failed() {
			return
		}
	}
	if read < 2000 {
		t.Errorf("only %d of them were read", read)
	}
}

func FuzzBlocks(f *testing.F) {
	for _, text := range blockTexts {
		f.Add(text)
	}
	f.Add(strings.Join(blockTexts, ""))
	f.Fuzz(func(t *testing.T, text string) {
		if l := (&loader{lines: splitLines(text)}); l.checkText() {
			checkBlocks(t, text)
		}
	})
}
