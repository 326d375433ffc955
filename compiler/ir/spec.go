package ir

import (
	"fmt"
	"strconv"
	"strings"
)

// Spec writes all that evaluating the field needs as one text, which is how a
// printed predicate names it: the path, `*` for every leaf, and behind an @ the
// type ip or a derivation:
//
//	IPAddress@ip    TimeGenerated@hour(Europe/Berlin)    end@duration(86400,start)
//
// ParseFieldSpec reads it back; Name, Column and other types are not in it.
func (f Field) Spec() string {
	if f.Leaves {
		return "*"
	}
	s := f.Path.String()
	switch d := f.Derive; {
	case d == nil && f.Type == TypeIP:
		s += "@ip"
	case d == nil:
	case d.Kind == Duration:
		s += "@duration(" + strconv.FormatInt(d.Unit, 10) + "," + d.Since.String() + ")"
	case d.Parameter != "":
		s += "@" + d.Kind.String() + "(%" + d.Parameter + "%)"
	case d.Zone != "":
		s += "@" + d.Kind.String() + "(" + d.Zone + ")"
	default:
		s += "@" + d.Kind.String()
	}
	return s
}

// ParseFieldSpec reads what Field.Spec writes. Name is set to the path's text.
func ParseFieldSpec(text string) (Field, error) {
	if text == "*" {
		return Field{Name: "*", Leaves: true}, nil
	}
	p, rest, err := parsePath(text)
	if err != nil {
		return Field{}, err
	}
	f := Field{Name: p.String(), Path: p}
	if rest == "" {
		return f, nil
	}
	name, arg, hasArg := strings.Cut(rest[1:], "(")
	if hasArg {
		var closed bool
		if arg, closed = strings.CutSuffix(arg, ")"); !closed || arg == "" {
			return Field{}, fmt.Errorf("field %q: malformed %q", text, rest)
		}
	}
	if name == "ip" && arg == "" {
		f.Type = TypeIP
		return f, nil
	}
	for k := DerivationKind(0); k < numDerivations; k++ {
		if derivationNames[k] != name {
			continue
		}
		d := &Derivation{Kind: k}
		if k == Duration {
			unit, since, ok := strings.Cut(arg, ",")
			if d.Unit, err = strconv.ParseInt(unit, 10, 64); err != nil || !ok || d.Unit <= 0 {
				return Field{}, fmt.Errorf("field %q: duration wants (seconds,path)", text)
			}
			p, err := ParsePath(since)
			if err != nil {
				return Field{}, fmt.Errorf("field %q: %w", text, err)
			}
			d.Since = &p
		} else {
			if strings.Contains(arg, "%") {
				return Field{}, fmt.Errorf("field %q: the zone is only known when a query is called", text)
			}
			d.Zone = arg
		}
		f.Derive = d
		return f, nil
	}
	return Field{}, fmt.Errorf("field %q: unknown %q", text, "@"+name)
}
