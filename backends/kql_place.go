package backends

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/rulewright/rulewright/compiler/ir"
)

// kqlOpensJSON is how a text begins that may be an object or a list.
const kqlOpensJSON = `\A\s*[\[{]`

// kqlPlace is where a field leads from a scope.
type kqlPlace struct {
	// chain takes the lists on the way apart; conditions hold of the elements
	// that the way goes on from.
	chain      []kqlExpansion
	conditions []string
	// value is what is there, a list if list says that it may be one.
	value string
	list  bool
	// dynamic: the value says itself what it is. Otherwise it is a column of
	// the type column.
	dynamic bool
	column  ir.Type
	kinds   kinds
	listed  bool // the value is an element, or the empty list
	row     bool // the way begins at the row
	// present is the condition for the last step's key being there.
	present string
}

// place goes the steps of a field, and no further than to the list, if any,
// that stands at the end. scalars: those of the place are looked at, so that a
// text which is no object and no list must stay one.
func (p *kqlPrinter) place(sc *kqlScope, f ir.Field, at ir.Expr, scalars bool) (kqlPlace, error) {
	pl := kqlPlace{value: sc.root, dynamic: sc.root != "", kinds: kindsOf(f), present: "true", listed: len(p.scopes) > 0 && sc != p.scopes[0],
		row: len(p.scopes) > 0 && sc == p.scopes[0]}
	steps := f.Steps()
	if len(steps) == 0 {
		if sc.root == "" {
			return pl, p.refuse(at, "%s is the whole row, which cannot be said", f.Name)
		}
		pl.list = sc.root == p.event && p.event != ""
		return pl, nil
	}
	for i, s := range steps {
		last := i == len(steps)-1
		switch {
		case pl.value == "":
			p.atColumn(&pl, f, s)
			if !pl.dynamic {
				if s.JSON {
					pl.value, pl.dynamic, pl.list, pl.column = "parse_json("+pl.value+")", true, !s.Single, ir.TypeJSON
				} else if !last || s.HasPosition || s.Where.Key != "" {
					return pl, p.refuse(at, "the column %s is %s; what is below it cannot be said", s.Key, pl.column)
				}
			}
		case s.Key != "":
			p.open(&pl)
			pl.present = "bag_has_key(" + pl.value + ", " + kqlString(s.Key) + ")"
			pl.value, pl.list, pl.listed = kqlMember(pl.value, s.Key), !s.Single, false
			if s.JSON {
				if scalars && last && s.Where.Key == "" {
					pl.value = "iff(tostring(" + pl.value + ") matches regex " + kqlString(kqlOpensJSON) + ", parse_json(tostring(" + pl.value + ")), " + pl.value + ")"
				} else {
					pl.value = "parse_json(tostring(" + pl.value + "))"
				}
			}
		}
		if s.HasPosition {
			v := pl.value
			n := strconv.Itoa(s.Position)
			pl.present = "array_length(" + v + ") > " + n
			pl.value = v + "[" + n + "]"
			if s.Position == 0 {
				pl.present = "coalesce(" + pl.present + ", isnotnull(" + v + "))"
				pl.value = "iff(gettype(" + v + `) == "array", ` + pl.value + ", " + v + ")"
			}
			pl.list = p.event != "" && !s.Single
		}
		if s.Where.Key != "" {
			pl.list = true
			p.open(&pl)
			m := &ir.Match{Field: ir.Field{Path: ir.Path{{Key: s.Where.Key}}}, Op: ir.Equal, Values: []ir.Value{ir.String(s.Where.Value)}}
			name := kqlScalar{expr: kqlMember(pl.value, s.Where.Key), dynamic: true, kinds: anyKind}
			pl.conditions = append(pl.conditions, p.tests(testsOf(m, anyKind), name))
			pl.present = "true"
		}
	}
	return pl, nil
}

// atColumn starts a place at a column.
func (p *kqlPrinter) atColumn(pl *kqlPlace, f ir.Field, s ir.Step) {
	pl.value, pl.column = p.column(f, s.Key), f.ColumnType
	pl.dynamic = f.ColumnType == ir.TypeJSON || f.ColumnType == ir.TypeUnknown
	pl.list = pl.dynamic && !s.Single
	pl.present = "isnotnull(" + pl.value + ")"
	if !pl.dynamic && kindsOfColumn(f.ColumnType) == textKind && f.ColumnType != ir.TypeTimespan {
		pl.present = "isnotempty(" + pl.value + ")"
	}
}

// open takes the list apart that a place may be, so that it is an element.
func (p *kqlPrinter) open(pl *kqlPlace) {
	if !pl.list {
		return
	}
	item := p.items[pl.value]
	if item == "" {
		item = p.name("item")
		p.items[pl.value] = item
	}
	a := &kqlApply{chain: pl.chain}
	p.expand(a, item, pl.value, false)
	pl.chain, pl.value, pl.list, pl.listed = a.chain, item, false, true
}

// expand adds the rows of a list's elements to an apply, flattening lists in
// it. A list that is empty stands for its elements, so that every row survives;
// what it returns tells it from an element, if asked to.
func (p *kqlPrinter) expand(a *kqlApply, item, value string, guard bool) []string {
	x := kqlExpansion{list: value}
	if !kqlShort.MatchString(value) {
		if x.name = p.items["list "+value]; x.name == "" {
			x.name = p.name("list")
			p.items["list "+value] = x.name
		}
		x.list, x.value = x.name, value
	}
	var guards []string
	if guard {
		guards = append(guards, "isnotnull("+x.list+")")
	}
	chain := slices.Clone(a.chain)
	for level := 1; level <= p.depth; level++ {
		x.item = item
		if level < p.depth {
			x.item = fmt.Sprintf("%s_%d", item, level)
		}
		chain = append(chain, x)
		x = kqlExpansion{list: x.item}
	}
	if guard {
		guards = append(guards, "gettype("+item+`) != "array"`)
	}
	a.chain = chain
	return guards
}

// kqlShort is what can be written several times: a name or path.
var kqlShort = regexp.MustCompile(`\A[\w.]+\z`)

// kqlElements is a list that is not empty: the elements of a list, else the
// value itself, be it null or the empty list.
func kqlElements(v string) string {
	return fmt.Sprintf("iff(array_length(%[1]s) > 0, %[1]s, pack_array(%[1]s))", v)
}
