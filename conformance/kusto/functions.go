package kusto

import "strings"

// call is a call of a built-in scalar function being bound.
type call struct {
	b      *binder
	pos    int
	name   string
	nodes  []node
	args   []*expr
	typeof Type // of extract
}

// builtin is a scalar function of the language.
type builtin struct {
	min, max int
	named    bool // a column made of a call is named after the first argument
	bind     func(c *call) *expr
}

// scalars are the built-in functions by name.
var scalars = map[string]*builtin{}

// define adds a function. A signature has one letter per argument, optional
// ones behind '|', any number of the last one by '+':
//
//	s string  i int or long  n number  r number, given as real  d datetime
//	t timespan  b bool  y dynamic  g guid  * any type
//
// f is not called when an argument is null: the result is null then.
func define(names, sig string, ret Type, f func(v []Value) Value) {
	defineCall(names, sig, ret, func(_ *call, v []Value) Value { return f(v) })
}

func defineCall(names, sig string, ret Type, f func(c *call, v []Value) Value) {
	special(names, sig, func(c *call) *expr {
		return c.result(ret, func(v []Value) Value {
			for _, x := range v {
				if x == nil {
					return null(ret)
				}
			}
			return f(c, v)
		})
	})
}

// defineNull is define for functions that say themselves what null gives.
func defineNull(names, sig string, ret Type, f func(c *call, v []Value) Value) {
	special(names, sig, func(c *call) *expr {
		return c.result(ret, func(v []Value) Value { return f(c, v) })
	})
}

// special adds a function that binds itself once its arguments have the types
// of the signature.
func special(names, sig string, bind func(c *call) *expr) {
	letters, min, max := signature(sig)
	for _, n := range strings.Fields(names) {
		f := &builtin{min: min, max: max}
		f.bind = func(c *call) *expr {
			c.check(letters)
			return bind(c)
		}
		scalars[n] = f
	}
}

func signature(sig string) (letters string, min, max int) {
	must, opt, _ := strings.Cut(sig, "|")
	letters = strings.TrimSuffix(must+opt, "+")
	min, max = len(strings.TrimSuffix(must, "+")), len(letters)
	if strings.HasSuffix(sig, "+") {
		max = maxArgs
	}
	return letters, min, max
}

// result is an expression of the values of the arguments.
func (c *call) result(t Type, f func(v []Value) Value) *expr {
	args := c.args
	return &expr{typ: t, eval: func(e *env) Value {
		v := make([]Value, len(args))
		for i, a := range args {
			v[i] = a.eval(e)
		}
		return f(v)
	}}
}

// check holds the arguments to their letters.
func (c *call) check(letters string) {
	for i, a := range c.args {
		l := letters[len(letters)-1]
		if i < len(letters) {
			l = letters[i]
		}
		ok, want := true, ""
		switch l {
		case 's':
			ok, want = a.typ == TypeString, "a string"
		case 'i':
			ok, want = a.typ.integer(), "a whole number"
		case 'n':
			ok, want = a.typ.number(), "a number"
		case 'r':
			ok, want = a.typ.number(), "a number"
			if ok {
				c.args[i] = widen(a, TypeReal)
			}
		case 'd':
			ok, want = a.typ == TypeDatetime, "a datetime"
		case 't':
			ok, want = a.typ == TypeTimespan, "a timespan"
		case 'b':
			ok, want = a.typ == TypeBool, "a bool"
		case 'y':
			ok, want = a.typ == TypeDynamic, "a dynamic value"
		case 'g':
			ok, want = a.typ == TypeGUID, "a guid"
		}
		if !ok {
			fail(c.argPos(i), "argument %d of %s() is %s, not of type %s; add an explicit cast", i+1, c.name, want, a.typ)
		}
	}
}

func (c *call) argPos(i int) int {
	if i < len(c.nodes) {
		return c.nodes[i].at()
	}
	return c.pos
}

func (c *call) limit(s string) Value {
	if len(s) > maxString {
		fail(c.pos, "%s() gives a string of more than %d bytes", c.name, maxString)
	}
	c.b.spend(c.pos, len(s)/64, 0)
	return s
}

// namePrefix is what the name of the argument gets in front of it in the name
// of a column.
var namePrefix = map[string]string{"gettype": "type_", "strlen": "strlen_", "string_size": "string_size_"}

// nameFirst marks functions whose column is named after their argument.
func nameFirst(names string) {
	for _, n := range strings.Fields(names) {
		scalars[n].named = true
	}
}
