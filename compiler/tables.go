package compiler

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rulewright/rulewright/compiler/ir"
)

// tableSchema is what a target's documentation says of one table. It is
// immutable.
type tableSchema struct {
	name string
	// page is the documentation page that the columns come from.
	page  string
	trust string // high: two independent readings agree; medium: one
	// complete: a name that is not listed is no column of the table.
	complete bool
	columns  map[string]ir.Type
	folded   map[string]string // folded name -> name
}

// column finds a column by its name, exact case first.
func (t *tableSchema) column(name string) (string, ir.Type, bool) {
	if t == nil {
		return "", 0, false
	}
	if typ, ok := t.columns[name]; ok {
		return name, typ, true
	}
	if n, ok := t.folded[foldName(name)]; ok {
		return n, t.columns[n], true
	}
	return "", 0, false
}

// names returns the columns in alphabetical order.
func (t *tableSchema) names() []string {
	out := make([]string, 0, len(t.columns))
	for n := range t.columns {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

//go:embed schemas/*.txt
var schemaFiles embed.FS

// schemaSet is the tables of one target. Only the tables that are asked for
// are read into columns.
type schemaSet struct {
	lines map[string]string
	page  map[string]string // table -> folder of its page

	mu     sync.Mutex
	tables map[string]*tableSchema
}

// The schema sets that a pipeline may name.
var schemaSets = map[string]func() *schemaSet{
	"workspace": sync.OnceValue(func() *schemaSet { return readSchemas("workspace", workspaceColumns) }),
	"asim":      sync.OnceValue(func() *schemaSet { return readSchemas("asim", "") }),
	"defender":  sync.OnceValue(func() *schemaSet { return readSchemas("defender", "") }),
}

// workspaceColumns are in every workspace table, also where its page is silent.
const workspaceColumns = " TenantId TimeGenerated:d Type SourceSystem _ResourceId _SubscriptionId _ItemId _TimeReceived:d _IsBillable _BilledSize:r"

func readSchemas(name, extra string) *schemaSet {
	data, err := schemaFiles.ReadFile("schemas/" + name + ".txt")
	if err != nil {
		panic(err) // an embedded file
	}
	s := &schemaSet{lines: map[string]string{}, page: map[string]string{}, tables: map[string]*tableSchema{}}
	base := ""
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '@':
			base = strings.TrimSpace(line[1:])
		default:
			table, rest, _ := strings.Cut(line, " ")
			s.lines[table], s.page[table] = rest+extra, base
		}
	}
	return s
}

// table returns the schema of a table, or nil.
func (s *schemaSet) table(name string) *tableSchema {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, ok := s.tables[name]; ok {
		return t
	}
	line, ok := s.lines[name]
	if !ok {
		return nil
	}
	words := strings.Fields(line)
	flags := strings.Split(words[1], ",")
	t := newTableSchema(name)
	t.page, t.trust = s.page[name]+words[0], flags[0]
	t.complete = len(flags) == 1
	for _, w := range words[2:] {
		col, letter, _ := strings.Cut(w, ":")
		typ, ok := schemaLetters[letter]
		if !ok {
			panic(fmt.Sprintf("schema of %s: %q", name, w)) // an embedded file
		}
		if _, listed := t.columns[col]; !listed {
			t.add(col, typ)
		}
	}
	s.tables[name] = t
	return t
}

// names returns all tables of the set in alphabetical order.
func (s *schemaSet) names() []string {
	out := make([]string, 0, len(s.lines))
	for n := range s.lines {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

var schemaLetters = map[string]ir.Type{
	"": ir.TypeString, "b": ir.TypeBool, "d": ir.TypeDatetime, "g": ir.TypeGUID, "i": ir.TypeInt,
	"j": ir.TypeJSON, "l": ir.TypeLong, "r": ir.TypeReal,
}

func newTableSchema(name string) *tableSchema {
	return &tableSchema{name: name, complete: true, columns: map[string]ir.Type{}, folded: map[string]string{}}
}

func (t *tableSchema) add(col string, typ ir.Type) {
	t.columns[col] = typ
	f := foldName(col)
	// Two columns that differ in case: the first in byte order, as in events.
	if old, ok := t.folded[f]; !ok || col < old {
		t.folded[f] = col
	}
}

// foldName folds the ASCII letters of a name: names of fields and tables are
// ASCII in all the systems that pipelines are for.
func foldName(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return strings.Map(func(r rune) rune {
				if 'A' <= r && r <= 'Z' {
					return r + 'a' - 'A'
				}
				return r
			}, s)
		}
	}
	return s
}

// Column is a column of a table.
type Column struct {
	Name string
	Type ir.Type
}

// Columns returns the columns of a table as the pipeline's table schemas list
// them, in alphabetical order; nil for a table that they do not have.
func (p *Pipeline) Columns(table string) []Column {
	t := p.schema(table)
	if t == nil {
		return nil
	}
	var out []Column
	for _, n := range t.names() {
		out = append(out, Column{n, t.columns[n]})
	}
	return out
}

// SchemaTables returns the tables that the pipeline's table schemas have, in
// alphabetical order.
func (p *Pipeline) SchemaTables() []string {
	if set := schemaSets[p.schemas]; set != nil {
		return set().names()
	}
	return nil
}
