package sigma

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// parseDetection reads the section `detection` of a rule.
func parseDetection(l *loader, n *yaml.Node, doc *Document) {
	if entries, ok := l.mapping(n, "detection"); ok {
		doc.Detection = l.detection(l.pos(n), entries, "detection")
	}
}

// detection reads the selections and conditions among the entries of a
// mapping; what names the mapping in messages. A filter hands over its entries
// without `rules`.
func (l *loader) detection(at Pos, entries []entry, what string) *Detection {
	return l.detectionIn(at, entries, what, false)
}

// detectionIn is detection for a place inside or outside of a list block.
func (l *loader) detectionIn(at Pos, entries []entry, what string, element bool) *Detection {
	d := &Detection{Pos: at}
	var condition, timeframe *entry
	var selections []entry
	for i, e := range entries {
		switch {
		case e.name == "condition":
			condition = &entries[i]
		case e.name == "timeframe" && !element:
			timeframe = &entries[i]
		default:
			selections = append(selections, e)
		}
	}
	if len(selections) > MaxSelections {
		l.errorf(at, CodeLimit, "put values that belong to one field into one list", "%s has %d selections, more than the %d that are read", what, len(selections), MaxSelections)
		return d
	}
	if timeframe != nil {
		if t, ok := l.timespan(timeframe.value, "timeframe"); ok {
			d.Timeframe = &t
		}
	}
	for _, e := range selections {
		if s := l.selection(e, element); s != nil {
			d.Selections = append(d.Selections, s)
		}
	}
	if condition == nil {
		hint := "add condition: and the name of a selection"
		if len(d.Selections) == 1 {
			hint = "add condition: " + d.Selections[0].Name
		}
		l.errorf(at, CodeMissingKey, hint, "%s lacks condition", what)
		return d
	}
	items, ok := l.oneOrMany(condition.value, "condition")
	if ok && len(items) == 0 {
		l.errorf(l.pos(condition.value), CodeEmptyList, "write at least one condition", "condition is an empty list")
	}
	complete := ok // every condition could be read
	for _, n := range items {
		c := l.condition(n, !element)
		if c == nil {
			complete = false
			continue
		}
		d.Conditions = append(d.Conditions, c)
	}
	l.checkNames(d, what, entries, complete)
	l.checkTimeframe(d, timeframe)
	return d
}

// checkTimeframe holds an aggregation and its timeframe together.
func (l *loader) checkTimeframe(d *Detection, timeframe *entry) {
	used := false
	for _, c := range d.Conditions {
		if c.Aggregation == nil {
			continue
		}
		used = true
		if timeframe == nil {
			l.errorf(c.Aggregation.Pos, CodeAggregation, "add timeframe: 5m, say, beside the condition; better, write a correlation", "the aggregation does not say over what time it counts")
		}
	}
	if timeframe != nil && !used && len(d.Conditions) > 0 {
		l.warnf(l.pos(timeframe.key), CodeAggregation, "drop it, or write a correlation", "timeframe means nothing without an aggregation in the condition")
	}
}

// checkNames looks up what the conditions name, and reports selections that
// none of them names.
func (l *loader) checkNames(d *Detection, what string, entries []entry, complete bool) {
	var names []string // of all selections, also those that could not be read
	known := map[string]bool{}
	for _, e := range entries {
		if e.name != "condition" && e.name != "timeframe" {
			names = append(names, e.name)
			known[e.name] = true
		}
	}
	used := map[string]bool{}
	counted := map[string]int{} // of patterns, how many selections they fit
	var walk func(ConditionExpr)
	walk = func(e ConditionExpr) {
		switch e := e.(type) {
		case *ConditionAnd:
			for _, p := range e.Parts {
				walk(p)
			}
		case *ConditionOr:
			for _, p := range e.Parts {
				walk(p)
			}
		case *ConditionNot:
			walk(e.Part)
		case *ConditionName:
			if !known[e.Name] && !used[e.Name] {
				l.errorf(e.Pos, CodeUnknownName, NearestHint(e.Name, names, "the selections are "+list(names)), "%s has no selection %s", what, show(e.Name))
			}
			used[e.Name] = true
		case *ConditionOf:
			fits, again := counted[e.Pattern]
			if !again {
				for _, n := range names {
					if e.Matches(n) {
						used[n] = true
						fits++
					}
				}
				counted[e.Pattern] = fits
			}
			switch {
			case e.Count > fits && fits > 0:
				l.warnf(e.Pos, CodeCondition, "", "%d of %d selections can never hold", e.Count, fits)
			case fits > 0 || again:
			case e.Pattern == "":
				l.errorf(e.PatternPos, CodeNoMatch, "names that begin with an underscore are left out", "`them` stands for no selection")
			default:
				l.errorf(e.PatternPos, CodeNoMatch, NearestHint(strings.Trim(e.Pattern, "*_"), names, "the selections are "+list(names)), "the pattern %s fits no selection", show(e.Pattern))
			}
		}
	}
	for _, c := range d.Conditions {
		walk(c.Expr)
	}
	if !complete {
		return
	}
	for _, e := range entries {
		if e.name != "condition" && e.name != "timeframe" && !used[e.name] {
			l.warnf(l.pos(e.key), CodeUnused, "name it in the condition or drop it", "no condition uses the selection %s", show(e.name))
		}
	}
}

// list joins names for a message.
func list(names []string) string {
	const most = 12
	if len(names) == 0 {
		return "none"
	}
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}

// selection reads one named entry, or returns nil with a finding.
func (l *loader) selection(e entry, element bool) *Selection {
	s := &Selection{Name: e.name, Pos: l.pos(e.key)}
	if i := strings.IndexByte(e.name, '|'); i >= 0 {
		l.warnf(l.at(e.key, i), CodeSelection, "modifiers stand behind a field, one level below", "the bar and what follows is part of the selection's name; it modifies nothing")
	} else if bad := strings.IndexAny(e.name, " \t\n()"); bad >= 0 || e.name == "" {
		l.warnf(s.Pos, CodeSelection, "use letters, digits and underscores", "no condition can name the selection %s", show(e.name))
	}
	switch e.value.Kind {
	case yaml.MappingNode:
		s.Body = l.allOf(e.value, "the selection "+e.name, element)
	case yaml.SequenceNode:
		s.Body = l.anyOf(e.value, "the selection "+e.name, element)
	default:
		if isNull(e.value) {
			l.errorf(s.Pos, CodeSelection, "write fields and values below it", "the selection %s is empty", show(e.name))
			return nil
		}
		s.Body = l.keywords(e.value, []*yaml.Node{e.value}, element)
	}
	if s.Body == nil {
		return nil
	}
	return s
}

// allOf reads a mapping of items. It returns a nil Block when an item could
// not be read.
func (l *loader) allOf(n *yaml.Node, what string, element bool) Block {
	entries, ok := l.mapping(n, what)
	if !ok {
		return nil
	}
	b := &AllOf{Pos: l.pos(n)}
	if len(entries) == 0 {
		l.warnf(b.Pos, CodeSelection, "write fields and values into it", "%s is empty and always holds", what)
	}
	for _, e := range entries {
		it := l.item(e, element)
		if it == nil {
			ok = false
			continue
		}
		b.Items = append(b.Items, it)
	}
	if !ok {
		return nil
	}
	return b
}

// anyOf reads a sequence: of mappings, of keywords, or of both.
func (l *loader) anyOf(n *yaml.Node, what string, element bool) Block {
	items, ok := l.sequence(n, what)
	if !ok {
		return nil
	}
	if len(items) == 0 {
		l.errorf(l.pos(n), CodeEmptyList, "write keywords or mappings into it", "%s is an empty list", what)
		return nil
	}
	var words []*yaml.Node
	for _, it := range items {
		if it.Kind == yaml.ScalarNode {
			words = append(words, it)
		}
	}
	if len(words) == len(items) {
		return l.keywords(n, words, element)
	}
	b := &AnyOf{Pos: l.pos(n)}
	for _, it := range items {
		var part Block
		switch it.Kind {
		case yaml.MappingNode:
			part = l.allOf(it, "an entry of "+what, element)
		case yaml.SequenceNode:
			l.errorf(l.pos(it), CodeSelection, "write its entries into the outer list", "a list directly inside a list has no meaning here")
		default:
			part = l.keywords(it, []*yaml.Node{it}, element)
		}
		if part == nil {
			ok = false
			continue
		}
		b.Blocks = append(b.Blocks, part)
	}
	if !ok {
		return nil
	}
	return b
}

// keywords reads values without a field. In a list block they are compared
// with the element itself.
func (l *loader) keywords(at *yaml.Node, words []*yaml.Node, element bool) Block {
	it := &Item{Pos: l.pos(at)}
	if element {
		it.Field = Field{Pos: it.Pos, Name: "."}
	}
	return l.finishItem(it, modGroups{}, words, len(words) > 1 || resolve(at).Kind == yaml.SequenceNode)
}

// finishItem reads the values of an item; it returns a nil Block, with a
// finding, when one cannot be read.
func (l *loader) finishItem(it *Item, g modGroups, nodes []*yaml.Node, isList bool) Block {
	ok := true
	keyword := it.Field.Name == ""
	for _, n := range nodes {
		if keyword && isNull(n) {
			l.errorf(l.pos(n), CodeSelection, "write field: null to ask for a field without value", "null is no keyword")
			ok = false
			continue
		}
		v, good := l.itemValue(n, it.Modifiers, g)
		if !good {
			ok = false
			continue
		}
		if _, null := v.(Null); null && isList && len(nodes) > 1 {
			l.warnf(v.Position(), CodeNullInList, "if that is meant, write a selection of its own with field: null", "null among other values means: or the field has no value")
		}
		it.Values = append(it.Values, v)
	}
	if all, has := g[groupAll]; has && ok && len(it.Values) == 1 && !it.Has(ModExpand) {
		l.warnf(all.Pos, CodeAllSingle, "drop all, or write the other values", "all has only one value")
	}
	if g.has(groupExists) && len(nodes) > 1 {
		l.errorf(it.Pos, CodeModValue, "write exists: true or exists: false", "exists takes one value")
		ok = false
	}
	if !ok {
		return nil
	}
	return it
}

// item reads one `field|modifiers: value` entry, or returns nil with a finding.
func (l *loader) item(e entry, element bool) *Item {
	at := l.pos(e.key)
	parts := strings.Split(e.name, "|")
	places := make([]Pos, len(parts))
	off := 0
	for i, p := range parts {
		places[i] = l.at(e.key, off)
		off += len(p) + 1
	}
	mods, groups, modsOK := l.modifiers(parts[1:], places[1:])
	chain, fieldOK := l.fieldChain(e.key, parts[0], len(parts) > 1, element)
	if !modsOK || !fieldOK {
		return nil
	}
	last := chain[len(chain)-1]
	last.Pos = at

	v := e.value
	if v.Kind == yaml.MappingNode && last.Quantifier == QuantifierNone && l.blocks() && len(last.Field.Steps) > 0 && last.Field.Steps[len(last.Field.Steps)-1].Index >= 0 {
		// `field[0]: {…}` holds the one element to the block.
		last.Quantifier = QuantifierAny
	}
	switch {
	case last.Quantifier != QuantifierNone && (v.Kind == yaml.MappingNode || v.Kind == yaml.SequenceNode && hasMapping(v)):
		if len(mods) > 0 {
			l.errorf(mods[0].Pos, CodeQuantifier, "write the modifier behind a field inside the block", "a list block with fields takes no modifiers")
			return nil
		}
		last.Block = l.elementBlock(v, e.name)
	case last.Quantifier != QuantifierNone:
		// `field[any]|contains: x` holds the element itself to the value.
		inner := l.values(&Item{Pos: at, Field: Field{Pos: at, Name: "."}, Modifiers: mods}, groups, v)
		if inner == nil {
			return nil
		}
		last.Block = &AllOf{Pos: l.pos(v), Items: []*Item{inner}}
	default:
		last.Modifiers = mods
		if l.values(last, groups, v) == nil {
			return nil
		}
		if last.Field.Name == "" {
			l.checkKeywordModifiers(last)
		}
	}
	if last.Quantifier != QuantifierNone && last.Block == nil {
		return nil
	}
	// The outer links of `rules[any].ip[all]: x` are blocks of one item.
	for i := len(chain) - 2; i >= 0; i-- {
		chain[i].Pos = at
		chain[i].Block = &AllOf{Pos: at, Items: []*Item{chain[i+1]}}
	}
	return chain[0]
}

// values reads the value or values of an item.
func (l *loader) values(it *Item, g modGroups, v *yaml.Node) *Item {
	nodes, ok := l.oneOrMany(v, "the values of "+show(it.Field.Name))
	if !ok {
		return nil
	}
	if len(nodes) == 0 {
		l.errorf(l.pos(v), CodeEmptyList, "write values into it, or leave the line out", "an empty list of values fits nothing")
		return nil
	}
	if l.finishItem(it, g, nodes, v.Kind == yaml.SequenceNode) == nil {
		return nil
	}
	return it
}

// checkKeywordModifiers refuses what needs a field.
func (l *loader) checkKeywordModifiers(it *Item) {
	for _, m := range it.Modifiers {
		switch m.Name {
		case ModExists, ModLT, ModLTE, ModGT, ModGTE, ModMinute, ModHour, ModDay, ModWeek, ModMonth, ModYear,
			ModFieldRef, ModWeekday, ModSince, ModOutside, ModWithin, ModDate:
			l.errorf(m.Pos, CodeModCombination, "write the name of a field in front", "the modifier %s needs a field", m.Name)
		}
	}
}

func hasMapping(n *yaml.Node) bool {
	for _, c := range n.Content {
		if resolve(c).Kind == yaml.MappingNode {
			return true
		}
	}
	return false
}

// elementBlock reads what the elements of a list are held to: a mapping, a
// list of mappings, or a whole detection with a condition.
func (l *loader) elementBlock(v *yaml.Node, name string) Block {
	what := "the list block " + name
	if v.Kind == yaml.SequenceNode {
		return l.anyOf(v, what, true)
	}
	for i := 0; i < len(v.Content); i += 2 {
		if resolve(v.Content[i]).Value == "condition" {
			before := len(l.ds)
			entries, ok := l.mapping(v, what)
			if !ok {
				return nil
			}
			d := l.detectionIn(l.pos(v), entries, what, true)
			if l.ds[before:].HasErrors() {
				return nil
			}
			return d
		}
	}
	return l.allOf(v, what, true)
}

var quantifiers = []Quantifier{QuantifierAny, QuantifierAll, QuantifierAllOrEmpty, QuantifierNo}

// fieldChain cuts the field of an item at its quantifiers: `rules[any].ip[all]`
// are two items, the second inside the first. The last one is the item that
// the modifiers and values are for.
func (l *loader) fieldChain(key *yaml.Node, text string, bar, element bool) ([]*Item, bool) {
	at := l.pos(key)
	fail := func(off int, code Code, hint, format string, args ...any) ([]*Item, bool) {
		l.errorf(l.at(key, off), code, hint, format, args...)
		return nil, false
	}
	if text == "" {
		switch {
		case !bar:
			return fail(0, CodeField, "for keywords write a list, or '|all': and a list", "the field has no name")
		case element:
			return fail(0, CodeField, "the element itself is written as a dot: .|contains", "a list block has no keywords")
		}
		return []*Item{{Field: Field{Pos: at}}}, true
	}
	if t := strings.TrimSpace(text); t != text {
		l.warnf(at, CodeField, "write it without", "the field name %s begins or ends with a blank", show(text))
	}
	if !l.blocks() {
		if open := unescaped(text, '['); open >= 0 {
			end := unescaped(text[open:], ']')
			word := ""
			if end > 0 {
				word = text[open+1 : open+end]
			}
			for _, q := range quantifiers {
				if word == q.String() {
					return fail(open, CodeNativeOnly, "add `rulewright: 1` or `sigma-version: 3` at the top", "list blocks such as [%s] are not part of Sigma 2", word)
				}
			}
			if word != "" && strings.Trim(word, "0123456789") == "" {
				l.warnf(l.at(key, open), CodeField, "for the position in a list add `rulewright: 1` or `sigma-version: 3` at the top", "in Sigma 2 [%s] is part of the field's name", word)
			}
		}
	}
	var chain []*Item
	rest, off := text, 0
	for {
		it := &Item{}
		name, after := rest, ""
		end := len(rest)
		for from := 0; l.blocks() && it.Quantifier == QuantifierNone; {
			open := unescaped(rest[from:], '[')
			if open < 0 {
				break
			}
			open += from
			closed := unescaped(rest[open:], ']')
			if closed < 0 {
				break
			}
			closed += open
			word := rest[open+1 : closed]
			for _, q := range quantifiers {
				if word == q.String() {
					it.Quantifier = q
					name, after, end = rest[:open], rest[closed+1:], closed+1
				}
			}
			if it.Quantifier == QuantifierNone && strings.Trim(word, "0123456789") != "" {
				if strings.HasPrefix(word, "-") && strings.Trim(word[1:], "0123456789") == "" {
					return fail(off+open, CodeQuantifier, "positions count from 0 at the front", "a position from the end, %s, is not supported", "["+word+"]")
				}
				return fail(off+open, CodeQuantifier, NearestHint(word, []string{"any", "all", "all_or_empty", "none"}, `write [any], [all], [all_or_empty], [none] or a position such as [0]; a bracket in a name is \[`), "%s is neither quantifier nor position", show("["+word+"]"))
			}
			from = closed + 1
		}
		f, err := l.parseField(name)
		if err != nil {
			return fail(off, CodeField, "", "%s", err)
		}
		f.Pos = l.at(key, off)
		if (name == "." || strings.HasPrefix(name, ".[")) && l.blocks() && !element && len(chain) == 0 {
			return fail(off, CodeField, "write the name of a field", "the dot means the element of a list block, and this is none")
		}
		it.Field = f
		chain = append(chain, it)
		if it.Quantifier == QuantifierNone || after == "" {
			return chain, true
		}
		if after[0] != '.' || after == "." {
			return fail(off+end, CodeQuantifier, "", "behind a quantifier a dot and a name must follow")
		}
		rest, off = after[1:], off+end+1
	}
}
