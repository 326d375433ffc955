package pysigma

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/rulewright/rulewright/sigma"
)

// Pipeline is an ordered list of rewrites. It is immutable; the zero value and
// nil rewrite nothing.
type Pipeline struct {
	name     string
	priority int
	backends []string
	steps    []*step
	vars     map[string][]string
	opts     Options
}

// Options is what a pipeline may ask the world for.
type Options struct {
	// Placeholders gives the values of a placeholder that value_placeholders
	// finds no variable for; wildcards in them count. Nil: there are none.
	Placeholders func(name string) ([]string, bool)
	// FS holds the files that file_placeholders names. Nil: they are refused.
	FS fs.FS
	// Documents are those that correlations refer to: their logsources are the
	// correlation's.
	Documents []*sigma.Document
}

// step is one entry of `transformations`.
type step struct {
	place
	kind string // such as field_name_mapping
	id   string // "" if none was given
	do   transformation

	rule, item, name conditions
}

func (st *step) String() string { return fmt.Sprintf("%s (%s)", st.kind, st.place) }

// transformation is what a step does: one of rule, item, names and nested.
type transformation struct {
	// rule works on the document as a whole.
	rule func(s *stepRun)
	// item works on one item; the second result is false where nothing changed.
	item func(s *stepRun, it *sigma.Item, full string) ([]conjunction, bool)
	// names maps a field's name, "" for keywords; nil where it does not.
	names func(s *stepRun, name string) []string
	// nested are steps in a step.
	nested []*step
	blocks bool // item takes list blocks, too
	files  *fileValues
}

// Name returns the pipeline's name, or "".
func (p *Pipeline) Name() string { return p.name }

// Priority orders pipelines that run together, the lowest first.
func (p *Pipeline) Priority() int { return p.priority }

// AllowedBackends returns the names of pySigma's backends that the pipeline was
// written for; none: for any. Nothing here depends on it.
func (p *Pipeline) AllowedBackends() []string { return slices.Clone(p.backends) }

// With returns the pipeline with what the caller gives to it. Files that it
// names are read now; a finding tells of each that cannot be, and the pipeline
// is nil if one is an error.
func (p *Pipeline) With(o Options) (*Pipeline, sigma.Diagnostics) {
	c := *p
	c.opts = o
	var ds sigma.Diagnostics
	c.steps = withFiles(p.steps, o.FS, &ds)
	if ds.HasErrors() {
		return nil, ds
	}
	return &c, ds
}

// Merge returns one pipeline that runs all of them, in the order of their
// priorities, those of the same priority in the order given. A variable that
// several define is that of the last; options are those of the last that has
// any.
func Merge(ps ...*Pipeline) *Pipeline {
	sorted := slices.Clone(ps)
	slices.SortStableFunc(sorted, func(a, b *Pipeline) int { return a.priority - b.priority })
	out := &Pipeline{vars: map[string][]string{}}
	for i, p := range sorted {
		if i == 0 {
			out.name, out.priority = p.name, p.priority
		} else if p.name != "" {
			out.name += "+" + p.name
		}
		out.steps = append(out.steps, p.steps...)
		out.backends = append(out.backends, p.backends...)
		maps.Copy(out.vars, p.vars)
		if o := p.opts; o.Placeholders != nil || o.FS != nil || o.Documents != nil {
			out.opts = o
		}
	}
	return out
}

// run is one pipeline at work on one document.
type run struct {
	p   *Pipeline
	doc *sigma.Document // the copy that is worked on
	ds  sigma.Diagnostics

	state   map[string]any
	applied map[string]bool                 // ids of steps
	items   map[*sigma.Item]map[string]bool // ids of the steps that changed an item
	fields  map[string]map[string]bool      // likewise of names in `fields`, group-by …
	mapped  map[string]bool                 // names that a mapping began or ended with
	said    map[string]bool
}

// Apply returns the document as the pipeline rewrites it. The document given is
// not changed; what the two have in common is shared. Positions stay those of
// the author's file, and what a step adds has the position of what it is added
// to. The document is nil if a finding is an error: a step that refuses the
// rule, or one that cannot be said.
func (p *Pipeline) Apply(doc *sigma.Document) (*sigma.Document, sigma.Diagnostics) {
	if p == nil || doc == nil {
		return doc, nil
	}
	c := *doc
	r := &run{p: p, doc: &c, state: map[string]any{}, applied: map[string]bool{}, items: map[*sigma.Item]map[string]bool{},
		fields: map[string]map[string]bool{}, mapped: map[string]bool{}, said: map[string]bool{}}
	r.steps(p.steps)
	if r.doc.Detection != nil {
		r.doc.Detection = r.ungrouped(r.doc.Detection)
	}
	r.ds.Sort()
	if r.ds.HasErrors() {
		return nil, r.ds
	}
	return r.doc, r.ds
}

// ApplyAll applies the pipeline to each document. Those with errors are left
// out; the findings of all are returned. Correlations see the logsources of the
// documents they refer to.
func (p *Pipeline) ApplyAll(docs []*sigma.Document) ([]*sigma.Document, sigma.Diagnostics) {
	if p == nil {
		return docs, nil
	}
	c := *p
	if c.opts.Documents == nil {
		c.opts.Documents = docs
	}
	var out []*sigma.Document
	var all sigma.Diagnostics
	for _, d := range docs {
		n, ds := c.Apply(d)
		all = append(all, ds...)
		if n != nil {
			out = append(out, n)
		}
	}
	return out, all
}

func (r *run) steps(steps []*step) {
	for _, st := range steps {
		if r.ds.HasErrors() {
			return // what follows a refusal only repeats it
		}
		if !st.rule.hold(func(c condition) bool { return c.test(r, subject{}) }) {
			continue
		}
		s := &stepRun{r, st}
		switch {
		case st.do.nested != nil:
			r.steps(st.do.nested)
		case st.do.rule != nil:
			st.do.rule(s)
		default:
			if st.do.names != nil {
				s.lists()
			}
			if d := r.doc.Detection; d != nil {
				if r.doc.Detection = s.detection(d, scope{}); r.doc.Detection == nil {
					r.errorf(conditionPos(d), sigma.CodeUnsupported, "narrow the step's conditions", "%s drops all that the condition asks for", st)
					r.doc.Detection = d
				}
			}
		}
		if st.id != "" {
			r.applied[st.id] = true
		}
	}
}

// errorf adds a finding at a place of the rule.
func (r *run) errorf(pos sigma.Pos, code sigma.Code, hint, format string, args ...any) {
	if !pos.IsValid() {
		pos = r.doc.Pos
	}
	r.report(sigma.Diagnostic{File: r.doc.File, Pos: pos, Code: code, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

func (r *run) warnf(pos sigma.Pos, code sigma.Code, hint, format string, args ...any) {
	r.report(sigma.Diagnostic{File: r.doc.File, Pos: pos, Severity: sigma.SeverityWarning, Code: code, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

// report adds a finding once: alternatives would repeat it.
func (r *run) report(d sigma.Diagnostic) {
	if key := d.Error(); !r.said[key] && len(r.ds) < maxFindings {
		r.said[key] = true
		r.ds = append(r.ds, d)
	}
}

// itemHolds reports whether the step's conditions on items and field names let
// it at an item.
func (s *stepRun) itemHolds(it *sigma.Item, full string) bool {
	return s.step.item.hold(func(c condition) bool { return c.test(s.run, subject{item: it, name: full}) }) &&
		s.step.name.hold(func(c condition) bool {
			if c.test(s.run, subject{item: it, name: full}) {
				return true
			}
			if it.Has(sigma.ModFieldRef) {
				for _, v := range it.Values {
					if ref, ok := v.(sigma.String); ok && len(ref.Parts) == 1 && c.test(s.run, subject{item: it, name: ref.Parts[0].Text}) {
						return true
					}
				}
			}
			return false
		})
}

// nameHolds reports whether the step's conditions on field names hold.
func (s *stepRun) nameHolds(sub subject) bool {
	return s.step.name.hold(func(c condition) bool { return c.test(s.run, sub) })
}

// mark notes that the step changed an item into another.
func (s *stepRun) mark(from, to *sigma.Item) {
	s.inherit(from, to)
	if s.id != "" {
		m := maps.Clone(s.items[to])
		if m == nil {
			m = map[string]bool{}
		}
		m[s.id] = true
		s.items[to] = m
	}
}

// inherit hands what is known of an item on to its successor.
func (s *stepRun) inherit(from, to *sigma.Item) {
	if m := s.items[from]; m != nil && from != to {
		s.items[to] = m
	}
}

func conditionPos(d *sigma.Detection) sigma.Pos {
	if len(d.Conditions) == 0 {
		return d.Pos
	}
	return d.Conditions[0].Pos
}
