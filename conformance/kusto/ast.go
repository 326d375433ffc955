package kusto

// node is an expression, scalar or tabular, as it is written.
type node interface{ at() int }

type offset int

func (p offset) at() int { return int(p) }

type (
	litNode struct {
		offset
		val Value
		typ Type
	}
	nameNode struct {
		offset
		name string
	}
	// pathNode is base.key.
	pathNode struct {
		offset
		base node
		key  string
	}
	// indexNode is base[index].
	indexNode struct {
		offset
		base, index node
	}
	callNode struct {
		offset
		name string
		args []node
	}
	negNode struct {
		offset
		x node
	}
	binNode struct {
		offset
		op   string
		l, r node
	}
	// inNode is a test against a list: in, has_any and their like.
	inNode struct {
		offset
		op   string
		l    node
		list []node
	}
	betweenNode struct {
		offset
		not     bool
		x, a, b node
	}
	starNode   struct{ offset }
	typeofNode struct {
		offset
		typ Type
	}
	// sideNode is $left.name or $right.name.
	sideNode struct {
		offset
		right bool
		name  string
	}
	// pipeNode is a tabular expression.
	pipeNode struct {
		offset
		src node // nil for the implicit source of a subquery
		ops []opNode
	}
	tableNode struct { // datatable
		offset
		cols []Column
		vals []node
	}
	rangeNode struct {
		offset
		name           string
		from, to, step node
	}
	printNode struct {
		offset
		items []item
	}
	unionNode struct {
		offset
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
		offset
		x node
	}
	extendOp struct {
		offset
		items     []item
		serialize bool
	}
	projectOp struct {
		offset
		items []item
	}
	// columnsOp is project-away, project-keep or project-reorder.
	columnsOp struct {
		offset
		kind  string
		names []columnPattern
	}
	renameOp struct {
		offset
		items []item
	}
	distinctOp struct {
		offset
		items []item // none for *
	}
	summarizeOp struct {
		offset
		aggs, by []item
	}
	sortOp struct {
		offset
		keys []sortKey
		top  node // for top
	}
	takeOp struct {
		offset
		n node
	}
	countOp     struct{ offset }
	getschemaOp struct{ offset }
	asOp        struct {
		offset
		name string
	}
	expandOp struct {
		offset
		arrayKind bool
		index     string
		cols      []expandColumn
		limit     node
		sub       *pipeNode // of mv-apply
	}
	joinOp struct {
		offset
		kind   string
		lookup bool
		right  node
		on     []joinKey
	}
	unionOp struct {
		offset
		u *unionNode
	}
	partitionOp struct {
		offset
		by     string
		legacy bool
		sub    *pipeNode
	}
	scanOp struct {
		offset
		matchID string
		declare []declared
		steps   []scanStep
	}
	invokeOp struct {
		offset
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
