package compiler

import (
	"slices"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// once lowers `once` of a rule, whose fields are those of its events.
func (l *lowerer) once(top scope) *ir.Once {
	o := l.doc.Once
	if o == nil {
		return nil
	}
	out := &ir.Once{Pos: o.Pos, For: l.length(o.For, "for of once")}
	for _, f := range o.By {
		if field, ok := l.field(f, top, f.Pos); ok {
			out.By = append(out.By, field)
		}
	}
	l.onceKey(o)
	return out
}

// onceOfGroup lowers `once` of a correlation, whose hits have their group only.
func (l *lowerer) onceOfGroup(groupBy []string) *ir.Once {
	o := l.doc.Once
	if o == nil {
		return nil
	}
	out := &ir.Once{Pos: o.Pos, For: l.length(o.For, "for of once")}
	for _, f := range o.By {
		if !slices.Contains(groupBy, f.Name) {
			l.errorf(sigma.CodeCorrelation, f.Pos, sigma.NearestHint(f.Name, groupBy, "name fields of group-by"),
				"once names %s, which is not in group-by; hits of a correlation have no other fields", f.Name)
			continue
		}
		out.By = append(out.By, groupField(f.Name))
	}
	l.onceKey(o)
	return out
}

func (l *lowerer) onceKey(o *sigma.Once) {
	if len(o.By) == 0 {
		l.errorf(sigma.CodeMissingKey, o.Pos, "name a field under by", "once does not say by which fields")
	}
}
