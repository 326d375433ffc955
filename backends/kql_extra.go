package backends

import (
	"github.com/rulewright/rulewright/compiler/ir"
)

// hint is a cheap condition that holds wherever a part of the predicate does
// which asks about lists; "" for none.
func (p *kqlPrinter) hint(e ir.Expr) string { return "" }
