package ir_test

import (
	"fmt"

	"github.com/rulewright/rulewright/compiler/ir"
)

// A tree by hand, as lowering makes it of a rule.
func ExamplePrint() {
	path, err := ir.ParsePath("properties.result")
	if err != nil {
		fmt.Println(err)
		return
	}
	failed := &ir.Match{Field: ir.Field{Name: "Result", Path: path}, Op: ir.StartsWith, Values: []ir.Value{ir.String("fail")}}
	fmt.Print(ir.Print(ir.Simplify(&ir.Not{X: &ir.And{X: []ir.Expr{failed}}})))
	// Output:
	// (not
	//   (startsWith properties.result "fail"))
}
