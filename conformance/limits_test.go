package conformance_test

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The page of limits says what the constants say.
func TestLimitsAreDocumented(t *testing.T) {
	folders := map[string]string{"sigma": "../sigma", "compiler": "../compiler", "event": "../compiler/event", "rawjson": "../internal/rawjson",
		"pysigma": "../compiler/pysigma", "conformance": ".", "main": "../cmd/rulewright"}
	constants := map[string]map[string]constant.Value{}
	for name, folder := range folders {
		constants[name] = folderConstants(t, folder)
	}
	page, err := os.ReadFile("../docs/limits.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("^\\|[^|]*\\| ([0-9,]+)(\\^[0-9]+)?( GiB| MiB| KiB| bytes| steps)? \\| `([a-z]+)\\.([A-Za-z]+)` \\|")
	n := 0
	for _, line := range strings.Split(string(page), "\n") {
		m := row.FindStringSubmatch(line)
		if m == nil {
			if strings.HasPrefix(line, "|") && strings.Contains(line, "`") {
				t.Errorf("a row that names no limit: %s", line)
			}
			continue
		}
		n++
		want := constant.MakeFromLiteral(strings.ReplaceAll(m[1], ",", ""), token.INT, 0)
		if m[2] != "" {
			bits, _ := constant.Uint64Val(constant.MakeFromLiteral(m[2][1:], token.INT, 0))
			want = constant.Shift(constant.MakeInt64(1), token.SHL, uint(bits))
		}
		switch m[3] {
		case " GiB":
			want = constant.Shift(want, token.SHL, 30)
		case " MiB":
			want = constant.Shift(want, token.SHL, 20)
		case " KiB":
			want = constant.Shift(want, token.SHL, 10)
		}
		got := constants[m[4]][m[5]]
		if got == nil || !constant.Compare(got, token.EQL, want) {
			t.Errorf("%s.%s is %v, the page says %v", m[4], m[5], got, want)
		}
	}
	if n < 40 {
		t.Errorf("the page has only %d limits", n)
	}
}

// folderConstants returns the integer constants of a package that are made of
// literals.
func folderConstants(t *testing.T, folder string) map[string]constant.Value {
	out := map[string]constant.Value{}
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(folder, err)
	}
	for _, file := range files {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range tree.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, s := range g.Specs {
				for i, name := range s.(*ast.ValueSpec).Names {
					if values := s.(*ast.ValueSpec).Values; i < len(values) {
						if v := literalValue(values[i]); v != nil {
							out[name.Name] = v
						}
					}
				}
			}
		}
	}
	return out
}

func literalValue(e ast.Expr) constant.Value {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.INT {
			return constant.MakeFromLiteral(e.Value, token.INT, 0)
		}
	case *ast.BinaryExpr:
		x, y := literalValue(e.X), literalValue(e.Y)
		switch {
		case x == nil || y == nil:
		case e.Op == token.SHL:
			n, _ := constant.Uint64Val(y)
			return constant.Shift(x, e.Op, uint(n))
		case e.Op == token.MUL || e.Op == token.ADD || e.Op == token.SUB:
			return constant.BinaryOp(x, e.Op, y)
		}
	}
	return nil
}
