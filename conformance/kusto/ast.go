package kusto

// node is an expression, scalar or tabular, as it is written.
type node interface{ at() int }

type place0 int

func (p place0) at() int { return int(p) }

type (
	litNode struct {
		place0
		val Value
		typ Type
	}
	nameNode struct {
		place0
		name string
	}
	// pathNode is base.key.
	pathNode struct {
		place0
		base node
		key  string
	}
	// indexNode is base[index].
	indexNode struct {
		place0
		base, index node
	}
	callNode struct {
		place0
		name string
		args []node
	}
	negNode struct {
		place0
		x node
	}
	binNode struct {
		place0
		op   string
		l, r node
	}
	// inNode is a test against a list: in, has_any and their like.
	inNode struct {
		place0
		op   string
		l    node
		list []node
	}
	betweenNode struct {
		place0
		not     bool
		x, a, b node
	}
	starNode   struct{ place0 }
	typeofNode struct {
		place0
		typ Type
	}
	// sideNode is $left.name or $right.name.
	sideNode struct {
		place0
		right bool
		name  string
	}
	// pipeNode is a tabular expression.
	pipeNode struct {
		place0
		src node // nil for the implicit source of a subquery
		ops []opNode
	}
	tableNode struct { // datatable
		place0
		cols []Column
		vals []node
	}
	rangeNode struct {
		place0
		name           string
		from, to, step node
	}
	printNode struct {
		place0
		items []item
	}
	unionNode struct {
		place0
		inner      bool
		withSource string
		legs       []node
	}
)

// item is [name =] expression, or (name, name) = expression.
type item struct {
	pos   int
	names []string
	x     node
}

// opNode is an operator of a pipeline.
type opNode interface{ at() int }

type (
	whereOp struct {
		place0
		x node
	}
	extendOp struct {
		place0
		items     []item
		serialize bool
	}
	projectOp struct {
		place0
		items []item
	}
	// columnsOp is project-away, project-keep or project-reorder.
	columnsOp struct {
		place0
		kind  string
		names []columnPattern
	}
	renameOp struct {
		place0
		items []item
	}
	distinctOp struct {
		place0
		items []item // none for *
	}
	summarizeOp struct {
		place0
		aggs, by []item
	}
	sortOp struct {
		place0
		keys []sortKey
		top  node // for top
	}
	takeOp struct {
		place0
		n node
	}
	countOp     struct{ place0 }
	getschemaOp struct{ place0 }
	asOp        struct {
		place0
		name string
	}
	expandOp struct {
		place0
		arrayKind bool
		index     string
		cols      []expandColumn
		limit     node
		sub       *pipeNode // of mv-apply
	}
	joinOp struct {
		place0
		kind   string
		lookup bool
		right  node
		on     []joinKey
	}
	unionOp struct {
		place0
		u *unionNode
	}
	partitionOp struct {
		place0
		by     string
		legacy bool
		sub    *pipeNode
	}
	scanOp struct {
		place0
		matchID string
		declare []declared
		steps   []scanStep
	}
	invokeOp struct {
		place0
		call *callNode
	}
)

type columnPattern struct {
	pos  int
	text string // with * for anything
	dir  string
}

type sortKey struct {
	x          node
	asc        bool
	nullsFirst bool
}

type expandColumn struct {
	pos  int
	name string
	x    node
	typ  Type // 0 for dynamic
}

type joinKey struct {
	pos         int
	left, right string
}

type declared struct {
	pos  int
	name string
	typ  Type
	def  node
}

type scanStep struct {
	pos    int
	name   string
	output string
	cond   node
	assign []item
}

// letNode is a let statement.
type letNode struct {
	pos  int
	name string
	x    node      // nil for a function
	fn   *function // nil for a value
}

type function struct {
	params []param
	lets   []letNode
	body   node
}

type param struct {
	pos     int
	name    string
	typ     Type // 0 for a table
	cols    []Column
	anyCols bool
	def     node
}
