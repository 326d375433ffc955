package sigma

import (
	"regexp"
	"strings"
)

// ModifierInfo is one line of the table of modifiers.
type ModifierInfo struct {
	Name   string
	Native bool     // only in documents that say `rulewright: 1`
	Arg    string   // what may stand behind its equals sign, natively; "" for nothing
	Text   string   // what it does, in one line
	With   []string // the modifiers that may stand beside it, in the table's order
}

// modGroup is a set of modifiers that go with the same others.
type modGroup int

const (
	groupAll modGroup = iota
	groupPart
	groupExists
	groupCased
	groupNeq
	groupWindash
	groupRe
	groupReFlag
	groupBase64
	groupUTF16
	groupCompare
	groupTime
	groupSince
	groupHours
	groupDate
	groupCIDR
	groupExpand
	groupFieldRef
)

var modifierTable = []struct {
	name   string
	group  modGroup
	native bool
	arg    string
	text   string
}{
	{ModAll, groupAll, false, "", "all values must fit, not just one"},
	{ModStartsWith, groupPart, false, "", "the field begins with the value"},
	{ModEndsWith, groupPart, false, "", "the field ends with the value"},
	{ModContains, groupPart, false, "", "the field contains the value"},
	{ModExists, groupExists, false, "", "the field is there, whatever it holds (true), or is not (false)"},
	{ModCased, groupCased, false, "", "upper and lower case differ"},
	{ModNeq, groupNeq, false, "", "the field has none of the values"},
	{ModWindash, groupWindash, false, "", "a dash in the value stands for any of - / – — ―"},
	{ModRe, groupRe, false, "", "the value is a regular expression that is searched for; upper and lower case differ"},
	{ModReI, groupReFlag, false, "", "behind re: upper and lower case are the same"},
	{ModReM, groupReFlag, false, "", "behind re: ^ and $ stand for the ends of a line"},
	{ModReS, groupReFlag, false, "", "behind re: the dot stands for a line break, too"},
	{ModUTF16LE, groupUTF16, false, "", "the value in UTF-16, little endian"},
	{ModUTF16BE, groupUTF16, false, "", "the value in UTF-16, big endian"},
	{ModUTF16, groupUTF16, false, "", "the value in UTF-16, little endian, behind a byte order mark"},
	{ModWide, groupUTF16, false, "", "another name of utf16le"},
	{ModBase64, groupBase64, false, "", "the value in Base64"},
	{ModBase64Offset, groupBase64, false, "", "the value in Base64, at each of the three offsets it may have inside longer text"},
	{ModLT, groupCompare, false, "", "the field is a number below the value"},
	{ModLTE, groupCompare, false, "", "the field is a number not above the value"},
	{ModGT, groupCompare, false, "", "the field is a number above the value"},
	{ModGTE, groupCompare, false, "", "the field is a number not below the value"},
	{ModMinute, groupTime, false, "zone", "the minute of a time, 0 to 59"},
	{ModHour, groupTime, false, "zone", "the hour of a time, 0 to 23"},
	{ModDay, groupTime, false, "zone", "the day of the month of a time, 1 to 31"},
	{ModWeek, groupTime, false, "zone", "the ISO week of a time, 1 to 53"},
	{ModMonth, groupTime, false, "zone", "the month of a time, 1 to 12"},
	{ModYear, groupTime, false, "zone", "the year of a time"},
	{ModWeekday, groupTime, true, "zone", "the day of the week of a time, 1 (Monday) to 7"},
	{ModSince, groupSince, true, "field", "the time between another field, or @time, and this one, compared with a timespan"},
	{ModWithin, groupHours, true, "", "a time within hours such as Mon-Fri 08:00-18:00 Europe/Berlin"},
	{ModOutside, groupHours, true, "", "a time outside such hours"},
	{ModDate, groupDate, true, "zone", "the date of a time, such as 2026-05-14 or ????-12-25"},
	{ModCIDR, groupCIDR, false, "", "the field is an address in the network"},
	{ModExpand, groupExpand, false, "", "%name% in the value stands for a parameter's values"},
	{ModFieldRef, groupFieldRef, false, "", "the value is the name of another field of the event"},
}

// modifiersTogether lists, for each group, the groups that may stand beside
// it; each pair is written once.
var modifiersTogether = map[modGroup][]modGroup{
	groupAll: {groupPart, groupCased, groupNeq, groupWindash, groupRe, groupReFlag, groupBase64, groupUTF16,
		groupCompare, groupTime, groupSince, groupCIDR, groupExpand, groupFieldRef},
	groupPart:    {groupCased, groupNeq, groupWindash, groupBase64, groupUTF16, groupExpand, groupFieldRef},
	groupCased:   {groupNeq, groupWindash, groupBase64, groupUTF16, groupExpand, groupFieldRef},
	groupNeq:     {groupWindash, groupRe, groupReFlag, groupBase64, groupUTF16, groupTime, groupDate, groupCIDR, groupExpand, groupFieldRef},
	groupRe:      {groupReFlag},
	groupReFlag:  {groupReFlag},
	groupBase64:  {groupUTF16},
	groupCompare: {groupTime, groupSince, groupExpand},
	groupTime:    {groupExpand},
	groupSince:   {groupExpand},
	groupHours:   {groupExpand},
	groupDate:    {groupExpand},
	groupCIDR:    {groupExpand},
}

// modifiersBefore lists the groups whose modifiers must stand in front of
// those of another group: modifiers are applied from left to right.
var modifiersBefore = []struct{ first, second modGroup }{
	{groupUTF16, groupBase64},
	{groupUTF16, groupPart},
	{groupBase64, groupPart},
	{groupTime, groupCompare},
	{groupSince, groupCompare},
}

func together(a, b modGroup) bool {
	for _, g := range modifiersTogether[a] {
		if g == b {
			return true
		}
	}
	for _, g := range modifiersTogether[b] {
		if g == a {
			return true
		}
	}
	return false
}

// Modifiers returns the table of modifiers with the legal combinations.
func Modifiers() []ModifierInfo {
	out := make([]ModifierInfo, len(modifierTable))
	for i, m := range modifierTable {
		out[i] = ModifierInfo{Name: m.name, Native: m.native, Arg: m.arg, Text: m.text}
		for _, o := range modifierTable {
			if o.name != m.name && together(m.group, o.group) {
				out[i].With = append(out[i].With, o.name)
			}
		}
	}
	return out
}

// modifierNames returns the names of the modifiers that a document may use.
func modifierNames(native bool) []string {
	var out []string
	for _, m := range modifierTable {
		if native || !m.native {
			out = append(out, m.name)
		}
	}
	return out
}

// modGroups is the set of groups that an item's modifiers are of.
type modGroups map[modGroup]Modifier

func (g modGroups) has(of ...modGroup) bool {
	for _, x := range of {
		if _, ok := g[x]; ok {
			return true
		}
	}
	return false
}

var zoneForm = regexp.MustCompile(`^(%[A-Za-z_][A-Za-z0-9_.-]*%|[A-Za-z]+(/[A-Za-z0-9_+-]+)*)$`)

// modifiers reads what stands behind the field name, cut at the bars. at gives
// the place of each part. It returns false, with findings, when one is unknown
// or they do not go together.
func (l *loader) modifiers(parts []string, at []Pos) ([]Modifier, modGroups, bool) {
	groups := modGroups{}
	var mods []Modifier
	var seen []int // index in modifierTable
	ok := true
	fail := func(p Pos, code Code, hint, format string, args ...any) {
		ok = false
		l.errorf(p, code, hint, format, args...)
	}
	for i, part := range parts {
		name, arg, hasArg := strings.Cut(part, "=")
		m := Modifier{Pos: at[i], Name: name, Arg: arg}
		index := -1
		for j := range modifierTable {
			if modifierTable[j].name == name {
				index = j
			}
		}
		switch {
		case index < 0 && name == "":
			fail(m.Pos, CodeUnknownMod, "drop the bar or write a modifier behind it", "there is no modifier behind the bar")
			continue
		case index < 0:
			hint := NearestHint(name, modifierNames(l.native), "the modifiers are "+strings.Join(modifierNames(l.native), ", "))
			fail(m.Pos, CodeUnknownMod, hint, "there is no modifier %s", show(name))
			continue
		}
		info := modifierTable[index]
		switch {
		case info.native && !l.native:
			fail(m.Pos, CodeNativeOnly, "add `rulewright: 1` at the top", "Sigma has no modifier %s; it belongs to native documents", name)
			continue
		case hasArg && info.arg == "":
			fail(m.Pos, CodeModCombination, "drop what stands from the equals sign on", "the modifier %s takes nothing behind an equals sign", name)
			continue
		case hasArg && !l.native:
			fail(m.Pos, CodeNativeOnly, "add `rulewright: 1` at the top", "a modifier with an equals sign belongs to native documents")
			continue
		case hasArg && info.arg == "zone" && !zoneForm.MatchString(arg):
			fail(m.Pos, CodeModCombination, "write an IANA name such as Europe/Berlin, or a parameter %name%", "%s is no time zone", show(arg))
			continue
		case info.arg == "field":
			if _, err := ParseFieldName(arg); err != nil {
				fail(m.Pos, CodeModCombination, "write since=field or since=@time, such as endDateTime|since=startDateTime|gt: 180d", "since names no field to measure from")
				continue
			}
		}
		bad := false
		for k, j := range seen {
			other := modifierTable[j]
			first, second := other, info
			switch {
			case other.name == info.name:
				fail(m.Pos, CodeModCombination, "drop one of them", "the modifier %s stands twice", name)
				bad = true
			case !together(other.group, info.group):
				fail(m.Pos, CodeModCombination, modifierHint(other.group, info.group), "the modifiers %s and %s do not go together", other.name, info.name)
				bad = true
			default:
				for _, b := range modifiersBefore {
					if b.first == second.group && b.second == first.group {
						fail(m.Pos, CodeModCombination, "modifiers are applied from left to right: write "+second.name+"|"+first.name, "%s must stand in front of %s", second.name, first.name)
						bad = true
					}
				}
			}
			_ = k
			if bad {
				break
			}
		}
		if bad {
			continue
		}
		if info.group == groupReFlag && (len(seen) == 0 || modifierTable[seen[len(seen)-1]].group != groupRe && modifierTable[seen[len(seen)-1]].group != groupReFlag) {
			fail(m.Pos, CodeModCombination, "write re|"+name, "the modifier %s stands directly behind re", name)
			continue
		}
		seen = append(seen, index)
		groups[info.group] = m
		mods = append(mods, m)
	}
	if !ok {
		return mods, groups, false
	}
	if since, has := groups[groupSince]; has && !groups.has(groupCompare) {
		fail(since.Pos, CodeModCombination, "write it such as endDateTime|since=startDateTime|gt: 180d", "since needs one of lt, lte, gt, gte behind it")
	}
	if b, has := groups[groupBase64]; has && b.Name == ModBase64Offset && (!groups.has(groupPart) || groups[groupPart].Name != ModContains) {
		l.warnf(b.Pos, CodeModCombination, "write base64offset|contains", "base64offset without contains asks for text that is nothing but the value")
	}
	return mods, groups, ok
}

// modifierHint says what to do about two modifiers that do not go together.
func modifierHint(a, b modGroup) string {
	is := func(x, y modGroup) bool { return a == x && b == y || a == y && b == x }
	switch {
	case is(groupRe, groupCased):
		return "regular expressions tell upper from lower case unless i follows: drop cased"
	case is(groupRe, groupPart):
		return "a regular expression is searched for anywhere: drop the other modifier, anchor with ^ and $"
	case is(groupRe, groupExpand):
		return "a parameter cannot stand inside a regular expression"
	case a == groupExists || b == groupExists:
		return "exists stands alone; ask for more in a second item of the field"
	case is(groupPart, groupPart):
		return "write two items, such as field|startswith: a and field|endswith: b"
	case is(groupCompare, groupNeq), is(groupCompare, groupCompare):
		return "write two items, such as field|gte: 1 and field|lt: 9"
	}
	return "`rulewright list modifiers` shows what goes together"
}

// takesRawText reports whether the modifiers take text as it is: without
// wildcards, escapes or, but for a value that is all %name%, placeholders.
func takesRawText(ms []Modifier) bool {
	for _, m := range ms {
		for _, t := range modifierTable {
			if t.name != m.Name {
				continue
			}
			switch t.group {
			case groupExists, groupRe, groupCompare, groupTime, groupSince, groupHours, groupDate, groupCIDR, groupFieldRef:
				return true
			}
		}
	}
	return false
}
