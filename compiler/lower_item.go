package compiler

import (
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// block lowers what stands under a selection's name or a list block's field.
func (l *lowerer) block(b sigma.Block, in scope, depth int, pos sigma.Pos) ir.Expr {
	if depth > maxDepth {
		l.errorf(sigma.CodeLimit, pos, "", "blocks nest deeper than %d", maxDepth)
		return ir.Const(false)
	}
	switch b := b.(type) {
	case *sigma.AllOf:
		xs := make([]ir.Expr, len(b.Items))
		for i, it := range b.Items {
			xs[i] = l.item(it, in, depth)
		}
		return l.at(&ir.And{X: xs}, b.Pos)
	case *sigma.AnyOf:
		return l.at(&ir.Or{X: l.anyOf(b.Blocks, in, depth, pos)}, b.Pos)
	case *sigma.Item:
		return l.item(b, in, depth)
	case *sigma.Detection:
		d := &detectionLowerer{lowerer: l, det: b, in: in, inner: true, depth: depth + 1, done: map[string]ir.Expr{}}
		return d.lower()
	}
	l.errorf(sigma.CodeSelection, pos, "write a mapping of fields or a list", "there is nothing to match")
	return ir.Const(false)
}

// anyOf lowers the parts of a sequence. Neighbouring keyword searches and
// items of one plain field become one comparison with several values.
func (l *lowerer) anyOf(bs []sigma.Block, in scope, depth int, pos sigma.Pos) []ir.Expr {
	xs := make([]ir.Expr, 0, len(bs))
	for _, b := range bs {
		x := l.block(b, in, depth+1, pos)
		m, ok := x.(*ir.Match)
		if it, isItem := b.(*sigma.Item); ok && isItem && it.Field.Name == "" && len(xs) > 0 {
			if last, ok := xs[len(xs)-1].(*ir.Match); ok && last.Field.Leaves && last.Op == m.Op && last.Cased == m.Cased {
				last.Values = append(last.Values, m.Values...)
				continue
			}
		}
		xs = append(xs, x)
	}
	return xs
}

// item lowers one line of a selection.
func (l *lowerer) item(it *sigma.Item, in scope, depth int) ir.Expr {
	if it.Block != nil || it.Quantifier != sigma.QuantifierNone {
		if l.events != nil {
			l.events.plain = false
		}
		return l.listBlock(it, in, depth)
	}
	m, ok := l.modifiers(it)
	if !ok {
		return ir.Const(false)
	}
	if l.events != nil && (m.expand || m.fieldref) {
		l.events.plain = false
	}
	field, ok := l.itemField(it, in)
	if !ok {
		return ir.Const(false)
	}
	if len(it.Values) == 0 {
		l.errorf(sigma.CodeEmptyList, it.Pos, "give at least one value, or null", "%s has no values", nameOf(it.Field))
		return ir.Const(false)
	}
	switch {
	case m.hours != "":
		return l.hours(it, m, field)
	case m.date != nil:
		return l.date(it, m, field)
	}
	if !l.derive(it, &m, &field, in) {
		return ir.Const(false)
	}
	values, lacking := l.expand(it, m)
	var groups [][]term
	for _, v := range values {
		g := l.terms(it, m, field, in, v)
		l.checkClosed(field, g, m.cased)
		if len(g) > 0 {
			groups = append(groups, g)
		}
	}
	if lacking || len(groups) == 0 {
		return ir.Const(false)
	}
	x := l.combine(field, groups, m, it.Pos)
	if m.neq {
		x = l.at(&ir.Not{X: x}, it.Pos)
	}
	return x
}

// nameOf returns how messages call a field.
func nameOf(f sigma.Field) string {
	if f.Name == "" {
		return "the keyword search"
	}
	return f.Name
}

// itemField returns the field that an item compares.
func (l *lowerer) itemField(it *sigma.Item, in scope) (ir.Field, bool) {
	if it.Field.Name == "" {
		return ir.Field{Name: "*", Leaves: true}, true
	}
	pos := it.Field.Pos
	if !pos.IsValid() {
		pos = it.Pos
	}
	return l.field(it.Field, in, pos)
}

// field resolves a name in a scope.
func (l *lowerer) field(f sigma.Field, in scope, pos sigma.Pos) (ir.Field, bool) {
	field, unknown := l.lookup(f, in)
	if unknown != nil {
		l.unknownField(f.Name, unknown, pos)
		return ir.Field{}, false
	}
	return field, true
}

// lookup is in.field, from the pool of a set where there is one.
func (l *lowerer) lookup(f sigma.Field, in scope) (ir.Field, *unknownField) {
	if l.events == nil {
		return in.field(f)
	}
	if isName := len(f.Steps) == 0 || len(f.Steps) == 1 && f.Steps[0].Index < 0 && f.Steps[0].Name == f.Name; in.inner || !isName {
		l.events.plain = false
		return in.field(f)
	}
	l.events.ask(f)
	return l.events.pool.field(f, in)
}

func (l *lowerer) unknownField(name string, u *unknownField, pos sigma.Pos) {
	hint := "map it in the pipeline"
	if len(u.nearest) > 0 {
		hint = "did you mean " + strings.Join(u.nearest, " or ") + "?"
	}
	l.errorf(sigma.CodeUnknownField, pos, hint, "%s has no column for the field %s", l.tableName(), name)
}

// tableName returns how messages call the target of the rule being lowered.
func (l *lowerer) tableName() string {
	if l.source == nil || l.source.Table == "" {
		return "the event"
	}
	return l.source.Table
}

// listBlock lowers `field[any]: {…}` and its like.
func (l *lowerer) listBlock(it *sigma.Item, in scope, depth int) ir.Expr {
	pos := it.Field.Pos
	if !pos.IsValid() {
		pos = it.Pos
	}
	if it.Block == nil {
		l.errorf(sigma.CodeQuantifier, pos, "write a mapping under it; `.` is the element itself",
			"%s[%s] holds its elements to nothing", it.Field.Name, it.Quantifier)
		return ir.Const(false)
	}
	if len(it.Modifiers) > 0 {
		l.errorf(sigma.CodeModCombination, it.Modifiers[0].Pos, "put it behind the fields inside", "a list block takes no modifiers")
		return ir.Const(false)
	}
	over, inner, unknown := in.element(it.Field)
	if unknown != nil {
		l.unknownField(it.Field.Name, unknown, pos)
		return ir.Const(false)
	}
	if n := len(over.Path); n > 0 && !over.Leaves {
		// Who writes a list block says that there is a list, also where it
		// comes as JSON in a string (the values of Entra's modified properties).
		over.Path = slices.Clone(over.Path)
		over.Path[n-1].JSON = true
		if k := len(over.Stored); k > 0 {
			over.Stored[k-1].JSON, over.Stored[k-1].Single = true, false
		}
	}
	l.inner++
	x := l.block(it.Block, inner, depth+1, pos)
	l.inner--
	any := func(x ir.Expr) ir.Expr { return l.at(&ir.Any{Over: over, X: x}, it.Pos) }
	not := func(x ir.Expr) ir.Expr { return l.at(&ir.Not{X: x}, it.Pos) }
	switch it.Quantifier {
	case sigma.QuantifierAny:
		return any(x)
	case sigma.QuantifierAll:
		return l.at(&ir.And{X: []ir.Expr{any(ir.Const(true)), not(any(not(x)))}}, it.Pos)
	case sigma.QuantifierAllOrEmpty:
		return not(any(not(x)))
	case sigma.QuantifierNo:
		return not(any(x))
	}
	l.errorf(sigma.CodeQuantifier, pos, "write "+it.Field.Name+"[any]", "a block under %s needs a quantifier", it.Field.Name)
	return ir.Const(false)
}

// modifiers is what an item's modifiers come to.
type modifiers struct {
	all, neq, cased, exists, expand, fieldref, cidr, re bool

	flags     string   // of re
	place     ir.Op    // Equal, Contains, StartsWith or EndsWith
	placed    bool     // the author named the place
	compare   ir.Op    // Less … GreaterOrEqual
	compares  bool     // compare is set
	encodings []string // windash, base64 … in the author's order
	part      *sigma.Modifier
	since     *sigma.Modifier
	hours     string // within or outside
	hoursAt   sigma.Pos
	date      *sigma.Modifier
}

// timeParts are the modifiers that compute a number from a time.
var timeParts = map[string]ir.DerivationKind{
	sigma.ModMinute: ir.Minute, sigma.ModHour: ir.Hour, sigma.ModDay: ir.Day, sigma.ModWeekday: ir.Weekday,
	sigma.ModWeek: ir.Week, sigma.ModMonth: ir.Month, sigma.ModYear: ir.Year,
}

// modifiers reads an item's modifiers. What goes together is the parser's
// table; here only what would have no meaning is refused.
func (l *lowerer) modifiers(it *sigma.Item) (modifiers, bool) {
	m := modifiers{place: ir.Equal}
	ok := true
	refuse := func(mod sigma.Modifier, format string, args ...any) {
		l.errorf(sigma.CodeModCombination, mod.Pos, "", format, args...)
		ok = false
	}
	place := func(mod sigma.Modifier, op ir.Op) {
		if m.placed {
			refuse(mod, "%s stands beside another of contains, startswith and endswith", mod.Name)
		}
		m.place, m.placed = op, true
	}
	compare := func(mod sigma.Modifier, op ir.Op) {
		if m.compares {
			refuse(mod, "%s stands beside another of lt, lte, gt and gte", mod.Name)
		}
		m.compare, m.compares = op, true
	}
	var exclusive []sigma.Modifier // those that decide alone what a value is
	for i, mod := range it.Modifiers {
		if _, isPart := timeParts[mod.Name]; isPart {
			if m.part != nil {
				refuse(mod, "%s stands beside %s; a comparison has one time part", mod.Name, m.part.Name)
			}
			m.part = &it.Modifiers[i]
			exclusive = append(exclusive, mod)
			continue
		}
		switch mod.Name {
		case sigma.ModAll:
			m.all = true
		case sigma.ModNeq:
			m.neq = true
		case sigma.ModCased:
			m.cased = true
		case sigma.ModExpand:
			m.expand = true
		case sigma.ModContains:
			place(mod, ir.Contains)
		case sigma.ModStartsWith:
			place(mod, ir.StartsWith)
		case sigma.ModEndsWith:
			place(mod, ir.EndsWith)
		case sigma.ModLT:
			compare(mod, ir.Less)
		case sigma.ModLTE:
			compare(mod, ir.LessOrEqual)
		case sigma.ModGT:
			compare(mod, ir.Greater)
		case sigma.ModGTE:
			compare(mod, ir.GreaterOrEqual)
		case sigma.ModExists:
			m.exists = true
			exclusive = append(exclusive, mod)
		case sigma.ModFieldRef:
			m.fieldref = true
			exclusive = append(exclusive, mod)
		case sigma.ModCIDR:
			m.cidr = true
			exclusive = append(exclusive, mod)
		case sigma.ModRe:
			m.re = true
			exclusive = append(exclusive, mod)
		case sigma.ModReI, sigma.ModReM, sigma.ModReS:
			if !strings.Contains(m.flags, mod.Name) {
				m.flags += mod.Name
			}
		case sigma.ModWindash, sigma.ModBase64, sigma.ModBase64Offset, sigma.ModUTF16LE, sigma.ModUTF16BE, sigma.ModUTF16, sigma.ModWide:
			m.encodings = append(m.encodings, mod.Name)
		case sigma.ModSince:
			m.since = &it.Modifiers[i]
			exclusive = append(exclusive, mod)
		case sigma.ModWithin, sigma.ModOutside:
			m.hours, m.hoursAt = mod.Name, mod.Pos
			exclusive = append(exclusive, mod)
		case sigma.ModDate:
			m.date = &it.Modifiers[i]
			exclusive = append(exclusive, mod)
		default:
			l.errorf(sigma.CodeUnknownMod, mod.Pos, "", "there is no modifier %q", mod.Name)
			ok = false
		}
	}
	if len(exclusive) > 1 {
		refuse(exclusive[1], "%s and %s do not go together", exclusive[0].Name, exclusive[1].Name)
	}
	last := func() sigma.Modifier { return it.Modifiers[len(it.Modifiers)-1] }
	switch {
	case m.flags != "" && !m.re:
		refuse(last(), "i, m and s are flags of re, which is not there")
	case m.compares && (m.placed || len(m.encodings) > 0 || m.re || m.cidr || m.exists || m.fieldref || m.hours != "" || m.date != nil):
		refuse(last(), "a comparison of numbers does not go with the other modifiers")
	case (m.placed || len(m.encodings) > 0) && (m.re || m.cidr || m.exists || m.part != nil || m.since != nil || m.hours != "" || m.date != nil):
		refuse(last(), "modifiers of text do not go with %s", exclusive[0].Name)
	case m.expand && m.re:
		refuse(last(), "a parameter cannot stand inside a regular expression")
	case len(m.encodings) > 0 && m.fieldref:
		refuse(last(), "%s encodes a value; under fieldref there is none", m.encodings[0])
	case (m.hours != "" || m.date != nil) && m.all:
		refuse(last(), "all does not go with %s", exclusive[0].Name)
	case it.Field.Name == "" && (m.exists || m.fieldref || m.part != nil || m.since != nil || m.hours != "" || m.date != nil || m.compares):
		refuse(last(), "%s needs a field", last().Name)
	}
	if it.Field.Name == "" && !m.placed && !m.re && !m.cidr {
		m.place = ir.Contains
	}
	// Flags in one order, so that equal regexes are equal texts.
	flags := []byte(m.flags)
	slices.Sort(flags)
	m.flags = string(flags)
	return m, ok
}

// term is one value as an operator takes it.
type term struct {
	op    ir.Op
	value ir.Value // nil for Null and Exists
	not   bool     // exists: false
	pos   sigma.Pos
}

// terms turns one value into the alternatives that it stands for.
func (l *lowerer) terms(it *sigma.Item, m modifiers, field ir.Field, in scope, v sigma.Value) []term {
	one := func(op ir.Op, value ir.Value) []term { return []term{{op: op, value: value, pos: v.Position()}} }
	if s, ok := v.(sigma.String); ok && slices.ContainsFunc(s.Parts, func(p sigma.Part) bool { _, list := readsList(p); return list }) {
		name, whole := readsList(s.Parts[0])
		if _, ok := l.params.argumentOf(v); ok {
			op := ir.Equal
			if m.compares {
				op = m.compare
			}
			return one(op, ir.Argument{Parameter: name, Duration: m.since != nil})
		}
		switch {
		case m.cidr && whole && len(s.Parts) == 1:
			return one(ir.InNetwork, ir.Networks{Parameter: name})
		case m.all || m.exists || m.fieldref || m.cidr || m.re || m.part != nil || m.since != nil || m.compares || len(m.encodings) > 0 || field.Leaves:
			l.badValue(v, "give the parameter a value in the profile", "a list that the query reads can only be compared as text or network")
			return nil
		}
	}
	switch {
	case m.exists:
		b, ok := v.(sigma.Bool)
		if !ok {
			l.badValue(v, "write true or false", "exists asks for true or false")
			return nil
		}
		return []term{{op: ir.Exists, not: !b.Bool, pos: b.Pos}}
	case m.fieldref:
		ref, ok := l.fieldRef(v, in)
		if !ok {
			return nil
		}
		return one(m.place, ref)
	case m.cidr:
		p, ok := l.network(v)
		if !ok {
			return nil
		}
		return one(ir.InNetwork, p)
	case m.re:
		re, ok := l.regex(v, m.flags)
		if !ok {
			return nil
		}
		return one(ir.Regexp, re)
	case m.part != nil || m.since != nil || m.compares:
		op := ir.Equal
		if m.compares {
			op = m.compare
		}
		n, ok := l.number(v, m)
		if !ok {
			return nil
		}
		return one(op, n)
	}
	if _, isNull := v.(sigma.Null); isNull {
		if m.placed || m.cased || len(m.encodings) > 0 || field.Leaves {
			l.badValue(v, "write null without modifiers of text", "null is no text")
			return nil
		}
		return one(ir.Null, nil)
	}
	if m.place == ir.Equal && len(m.encodings) == 0 {
		switch v := v.(type) {
		case sigma.Bool:
			l.checkValue(field, ir.Bool(v.Bool), v.Pos)
			return one(ir.Equal, ir.Bool(v.Bool))
		case sigma.Number:
			l.checkValue(field, ir.Number(v.Number), v.Pos)
			return one(ir.Equal, ir.Number(v.Number))
		}
	}
	return l.text(it, m, field, v)
}

func (l *lowerer) badValue(v sigma.Value, hint, format string, args ...any) {
	l.errorf(sigma.CodeModValue, v.Position(), hint, format, args...)
}

// combine builds the comparison of a field with groups of alternatives: one of
// all of them, or under `all` one of each group. Alternatives of one operator
// are one Match, in the author's order.
func (l *lowerer) combine(field ir.Field, groups [][]term, m modifiers, pos sigma.Pos) ir.Expr {
	if !m.all {
		return l.oneOf(field, slices.Concat(groups...), m.cased, pos)
	}
	if len(groups) > 1 && m.place == ir.Equal && !m.fieldref && field.Type != ir.TypeUnknown && field.Type != ir.TypeJSON && equalOnly(groups) {
		l.warnf(sigma.CodeNeverMatches, pos, "drop all, or write contains|all", "%s holds one value; it never equals all of several", field.Name)
	}
	xs := make([]ir.Expr, len(groups))
	for i, g := range groups {
		xs[i] = l.oneOf(field, g, m.cased, g[0].pos)
	}
	return l.at(&ir.And{X: xs}, pos)
}

// equalOnly reports whether each group is one plain comparison.
func equalOnly(groups [][]term) bool {
	return !slices.ContainsFunc(groups, func(g []term) bool { return len(g) != 1 || g[0].op != ir.Equal })
}

func (l *lowerer) oneOf(field ir.Field, terms []term, cased bool, pos sigma.Pos) ir.Expr {
	var xs []ir.Expr
	type key struct {
		op  ir.Op
		not bool
	}
	byOp := map[key]*ir.Match{}
	for _, t := range terms {
		k := key{t.op, t.not}
		match := byOp[k]
		if match == nil {
			match = &ir.Match{Field: field, Op: t.op, Cased: cased && t.op <= ir.Like}
			byOp[k] = match
			p := t.pos
			if !p.IsValid() {
				p = pos
			}
			x := l.at(match, p)
			if t.not {
				x = l.at(&ir.Not{X: x}, p)
			}
			xs = append(xs, x)
		}
		if t.value != nil {
			match.Values = append(match.Values, t.value)
		}
	}
	if len(xs) == 1 {
		return xs[0]
	}
	return l.at(&ir.Or{X: xs}, pos)
}
