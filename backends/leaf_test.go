package backends

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
)

func TestTestsOf(t *testing.T) {
	five := ir.Number{IsInt: true, Int: 5}
	for _, c := range []struct {
		name string
		m    ir.Match
		at   kinds
		want string
	}{
		{"text at text", ir.Match{Op: ir.Equal, Values: []ir.Value{ir.String("Foo"), ir.String("5")}}, textKind, `text equal "foo" "5" of 1`},
		{"text at number", ir.Match{Op: ir.Equal, Values: []ir.Value{ir.String("foo"), ir.String("5.0")}}, numberKind, `number equal 5 of 2`},
		{"text too long for a number", ir.Match{Op: ir.Equal, Values: []ir.Value{ir.String("1234567890123456")}}, numberKind, `text equal "1234567890123456" of 2`},
		{"anything", ir.Match{Op: ir.Equal, Values: []ir.Value{ir.String("TRUE"), ir.String("5")}}, anyKind, `text equal "true" "5" of 1; bool true of 4; number equal 5 of 2`},
		{"number at text", ir.Match{Op: ir.Equal, Values: []ir.Value{five}}, textKind, `number equal 5 of 1`},
		{"number at bool", ir.Match{Op: ir.Equal, Values: []ir.Value{five}}, boolKind, ``},
		{"bool", ir.Match{Op: ir.Equal, Values: []ir.Value{ir.Bool(true)}}, anyKind, `text equal "true" of 1; bool true of 4`},
		{"part of a bool", ir.Match{Op: ir.Contains, Values: []ir.Value{ir.String("RU")}}, boolKind, `bool true of 4`},
		{"end of both", ir.Match{Op: ir.EndsWith, Values: []ir.Value{ir.String("e")}}, boolKind, `anything of 4`},
		{"part", ir.Match{Op: ir.Contains, Cased: true, Values: []ir.Value{ir.String("Ru")}}, anyKind, `text contains cased "Ru" of 7`},
		{"less", ir.Match{Op: ir.Less, Values: []ir.Value{five}}, anyKind, `number less 5 of 3`},
	} {
		if got := describe(testsOf(&c.m, c.at)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func describe(ts []test) string {
	var parts []string
	for _, x := range ts {
		s := [...]string{"text", "like", "regexp", "number", "bool", "network", "field", "anything"}[x.ask]
		switch x.ask {
		case askText, askNumber, askField:
			s += " " + x.how.String()
		case askBool:
			s += " " + boolText(x.truth)
		}
		if x.cased {
			s += " cased"
		}
		for _, v := range x.texts {
			s += fmt.Sprintf(" %q", v)
		}
		for _, v := range x.numbers {
			s += " " + v.String()
		}
		parts = append(parts, fmt.Sprintf("%s of %d", s, x.kinds))
	}
	return strings.Join(parts, "; ")
}
