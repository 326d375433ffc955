package sigma

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Parse reads all documents of a file: Sigma rules, correlations and filters,
// and their native forms. file is only named in findings. It returns every
// document that could be read, also one with errors in it (its File and
// positions tell which findings are its own), and all findings of the file in
// order. Input beyond the Max… limits, or that is not UTF-8 or YAML, is a
// finding, never a panic. Parse keeps no reference to data and may be called
// concurrently.
func Parse(file string, data []byte) ([]*Document, Diagnostics) {
	l, data, ok := newLoader(file, data)
	var docs []*Document
	if ok {
		l.documents(data, func(root *yaml.Node) {
			if doc := l.document(root); doc != nil {
				docs = append(docs, doc)
			}
		})
		l.checkDuplicateIDs(docs)
		if len(docs) == 0 && len(l.ds) == 0 {
			l.warnf(Pos{1, 1}, CodeDocument, "", "the file holds no document")
		}
	}
	ds := l.finish()
	for _, d := range docs {
		d.ignores = l.ignores
	}
	return docs, ds
}

// finish applies the ignore comments and returns the findings in order.
func (l *loader) finish() Diagnostics {
	l.ignores = l.findIgnores()
	ds := silence(l.ds, l.ignores)
	ds.Sort()
	return ds
}

// document reads one document, or returns nil, with a finding, when the node
// is none.
func (l *loader) document(root *yaml.Node) *Document {
	if isNull(root) {
		return nil
	}
	entries, ok := l.mapping(root, "a document")
	if !ok {
		return nil
	}
	doc := &Document{File: l.file, Pos: l.pos(root), Keys: map[string]Pos{}}
	for _, e := range entries {
		doc.Keys[e.name] = l.pos(e.key)
		switch e.name {
		case "rulewright":
			l.native = true
		case "correlation":
			doc.Kind = KindCorrelation
		case "filter":
			doc.Kind = KindFilter
		}
		if f, ok := strings.CutPrefix(e.name, "rulewright-"); ok {
			l.errorf(l.pos(e.key), CodeDocument, "", "this is a Rulewright %s file, not a rule", f)
			return nil
		}
	}
	doc.Native = l.native
	l.sigma3 = sigmaMajor(entries) >= 3
	l.checkKind(doc, entries)
	documentSection.readEntries(l, doc.Pos, entries, doc)
	checkReferences(l, doc)
	if doc.Native {
		parseNative(l, root, doc)
	}
	return doc
}

// sigmaMajor is the major version of the specification that a document says it
// is written in, 2 when it says none.
func sigmaMajor(entries []entry) int {
	for _, e := range entries {
		if e.name == "sigma-version" && e.value.Kind == yaml.ScalarNode {
			return majorVersion(e.value.Value)
		}
	}
	return 2
}

func majorVersion(s string) int {
	major, _, _ := strings.Cut(s, ".")
	if v, err := strconv.Atoi(major); err == nil {
		return v
	}
	return 2
}

// checkKind reports what a document of its kind lacks or has too much.
func (l *loader) checkKind(doc *Document, entries []entry) {
	has := func(key string) bool { _, ok := doc.Keys[key]; return ok }
	// Sigma 1 had documents that changed others: `action: global`.
	acts := slices.ContainsFunc(entries, func(e entry) bool {
		return e.name == "action" && slices.Contains([]string{"global", "repeat", "reset"}, e.value.Value)
	})
	switch {
	case has("correlation") && has("filter"):
		l.errorf(doc.Keys["filter"], CodeDocument, "put them into two documents, separated by a line ---", "a document cannot be both correlation and filter")
	case doc.Kind != KindRule && has("detection"):
		hint := "a correlation names rules; put the detection into a document of its own, above a line ---"
		if doc.Kind == KindFilter {
			hint = "a filter holds its selections and condition under the key filter"
		}
		l.errorf(doc.Keys["detection"], CodeDocument, hint, "a %s has no detection", doc.Kind)
	case doc.Kind == KindRule && acts:
		l.errorf(doc.Keys["action"], CodeDocument, "write each rule out; Sigma 2 has no action documents", "documents with action: global, repeat or reset are not read")
		return
	case doc.Kind == KindRule && !has("detection"):
		l.errorf(doc.Pos, CodeDocument, "a rule has logsource and detection, a correlation has correlation, a filter has filter", "the document has no detection")
	}
	if doc.Kind != KindCorrelation && !has("logsource") {
		l.errorf(doc.Pos, CodeMissingKey, "say which events it is about, such as logsource: {product: azure, service: auditlogs}", "the %s lacks logsource", doc.Kind)
	}
	if !has("title") {
		l.warnf(doc.Pos, CodeMissingKey, "add a title of at most 256 characters", "the %s lacks title", doc.Kind)
	}
}

func (l *loader) checkDuplicateIDs(docs []*Document) {
	first := map[string]*Document{}
	for _, d := range docs {
		if d.Meta.ID == "" {
			continue
		}
		id := FoldID(d.Meta.ID)
		if f := first[id]; f != nil {
			l.warnf(d.KeyPos("id"), CodeID, "give each document an id of its own", "the id of the document in line %d stands here again", f.Pos.Line)
		} else {
			first[id] = d
		}
	}
}

// Values of metadata that the Sigma rule specification 2.1.0 lists.
var (
	statuses     = []string{"stable", "test", "experimental", "deprecated", "unsupported"}
	levels       = []string{"informational", "low", "medium", "high", "critical"}
	relatedTypes = []string{"derived", "obsolete", "merged", "renamed", "similar", "correlation"}
)

// Levels returns the values of level, from the mildest on.
func Levels() []string { return slices.Clone(levels) }

// documentSection is the table of top-level keys, put together once all its
// parts are there.
var documentSection *section[Document]

func init() {
	keys := []key[Document]{
		{name: "rulewright", doc: "marks a native document; the version of the native form, 1", shape: shape{kind: shapeVersion},
			read: func(l *loader, n *yaml.Node, doc *Document) {
				if n.Value != strconv.Itoa(NativeVersion) {
					l.errorf(l.pos(n), CodeBadValue, "write rulewright: 1", "this version reads the native form %d, not %s", NativeVersion, show(n.Value))
				}
			}},
	}
	keys = append(keys, metaKeys...)
	keys = append(keys, nativeKeys...)
	keys = append(keys,
		key[Document]{name: "logsource", whole: true, doc: "which events the rule is about", shape: shape{kind: shapeMapping, fields: logSourceSection.fields, custom: true}, read: parseLogSource},
		key[Document]{name: "detection", whole: true, doc: "named selections and the condition over them", shape: shape{kind: shapeDetection}, read: parseDetection},
		key[Document]{name: "correlation", whole: true, doc: "what is counted or put in order over several events", shape: shape{kind: shapeMapping, variants: correlationVariants}, read: parseCorrelation},
		key[Document]{name: "filter", whole: true, doc: "which rules are narrowed, and by what", shape: shape{kind: shapeDetection, fields: filterFields}, read: parseFilter},
		generateKey(),
	)
	documentSection = &section[Document]{
		name: "the document",
		keys: keys,
		custom: func(l *loader, e entry, doc *Document) {
			doc.Meta.Custom = append(doc.Meta.Custom, Attribute{e.name, l.pos(e.key), l.plain(e.value)})
		},
	}
}

// metaKeys are Sigma's keys that say something about the document. What is
// wrong in them leaves the rule its meaning and is a warning.
var metaKeys = lenient(
	key[Document]{name: "title", doc: "what the rule finds, in a few words", shape: textShape(), read: func(l *loader, n *yaml.Node, doc *Document) {
		s, ok := l.text(n, "title")
		if !ok {
			return
		}
		doc.Meta.Title = s
		if c := len([]rune(s)); c > 256 {
			l.warnf(l.pos(n), CodeBadValue, "put the rest into description", "the title has %d characters; Sigma allows 256", c)
		}
		if strings.TrimSpace(s) == "" {
			l.warnf(l.pos(n), CodeBadValue, "say in a few words what the rule finds", "the title is empty")
		}
	}},
	key[Document]{name: "id", doc: "a UUID that stays the same for the life of the rule", shape: shape{kind: shapeUUID}, read: func(l *loader, n *yaml.Node, doc *Document) {
		l.uuid(n, "id")
		if n.Kind == yaml.ScalarNode {
			doc.Meta.ID = n.Value // also of another form: references name it as it is
		}
	}},
	textKey("name", "a name by which correlations refer to the rule", func(d *Document) *string { return &d.Meta.Name }),
	key[Document]{name: "sigma-version", doc: "the version of the Sigma specification; list blocks are read from 3 on", shape: textShape(), read: func(l *loader, n *yaml.Node, doc *Document) {
		s, ok := l.text(n, "sigma-version")
		if !ok {
			return
		}
		doc.Meta.SigmaVersion = s
		if v := sigmaMajor([]entry{{name: "sigma-version", value: n}}); !sigmaVersionForm.MatchString(s) || v < 1 || v > 3 {
			l.warnf(l.pos(n), CodeBadValue, "versions 1 to 3 are read", "%s is no known version of Sigma", show(s))
		}
	}},
	textKey("taxonomy", "the naming scheme of the fields; sigma when absent", func(d *Document) *string { return &d.Meta.Taxonomy }),
	key[Document]{name: "related", doc: "other documents by id", shape: listOf(mappingOf(relatedSection.fields)), read: func(l *loader, n *yaml.Node, doc *Document) {
		items, _ := l.sequence(n, "related")
		for _, it := range items {
			var r Related
			if relatedSection.read(l, it, &r) && r.ID != "" {
				doc.Meta.Related = append(doc.Meta.Related, r)
			}
		}
	}},
	oneOfKey("status", "how mature the rule is", CodeStatus, statuses, func(d *Document) *string { return &d.Meta.Status }),
	textKey("description", "what the rule finds and why that matters", func(d *Document) *string { return &d.Meta.Description }),
	textKey("license", "an SPDX licence id", func(d *Document) *string { return &d.Meta.License }),
	textKey("author", "who wrote the rule", func(d *Document) *string { return &d.Meta.Author }),
	textsKey("references", "where the rule's knowledge is from", func(d *Document) *[]string { return &d.Meta.References }),
	dateKey("date", "when the rule was written, YYYY-MM-DD", func(d *Document) *string { return &d.Meta.Date }),
	dateKey("modified", "when the rule's meaning last changed, YYYY-MM-DD", func(d *Document) *string { return &d.Meta.Modified }),
	oneOfKey("level", "how bad a hit is", CodeLevel, levels, func(d *Document) *string { return &d.Meta.Level }),
	key[Document]{name: "tags", doc: "tags of the form namespace.name, such as attack.t1098.001", shape: oneOrManyOf(textShape()), read: func(l *loader, n *yaml.Node, doc *Document) {
		doc.Meta.Tags = l.texts(n, "tags")
		items, _ := l.oneOrMany(n, "tags")
		for _, it := range items {
			if it.Kind == yaml.ScalarNode && it.Tag != "!!null" && !tagForm.MatchString(it.Value) {
				l.warnf(l.pos(it), CodeTag, "a tag is namespace.name in lower case, such as attack.t1098.001", "%s is no tag", show(it.Value))
			}
		}
	}},
	textsKey("scope", "which hosts or users the rule is about", func(d *Document) *[]string { return &d.Meta.Scope }),
	textsKey("fields", "fields worth looking at in a hit", func(d *Document) *[]string { return &d.Meta.Fields }),
	textsKey("falsepositives", "what else may look like this", func(d *Document) *[]string { return &d.Meta.FalsePositives }),
)

var sigmaVersionForm = regexp.MustCompile(`^[0-9]+(\.[0-9]+)*$`)

var tagForm = regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)+$`)

func dateKey(name, doc string, at func(*Document) *string) key[Document] {
	return key[Document]{name: name, doc: doc, shape: shape{kind: shapeDate}, read: func(l *loader, n *yaml.Node, d *Document) {
		if s, ok := l.date(n, name); ok {
			*at(d) = s
		}
	}}
}

var relatedSection = section[Related]{
	name: "an entry of related",
	keys: []key[Related]{
		needed(key[Related]{name: "id", doc: "the other document's id", shape: shape{kind: shapeUUID}, read: func(l *loader, n *yaml.Node, r *Related) {
			r.ID, _ = l.uuid(n, "id")
		}}),
		needed(oneOfKey("type", "how they are related", CodeRelated, relatedTypes, func(r *Related) *string { return &r.Type })),
	},
}

var logSourceSection = section[LogSource]{
	name: "logsource",
	keys: []key[LogSource]{
		textKey("category", "the kind of event, such as process_creation", func(s *LogSource) *string { return &s.Category }),
		textKey("product", "the product that logs, such as azure", func(s *LogSource) *string { return &s.Product }),
		textKey("service", "the log of the product, such as auditlogs", func(s *LogSource) *string { return &s.Service }),
		textKey("definition", "what must be set up for the events to be logged", func(s *LogSource) *string { return &s.Definition }),
	},
	custom: func(l *loader, e entry, s *LogSource) {
		s.Custom = append(s.Custom, Attribute{e.name, l.pos(e.key), l.plain(e.value)})
	},
}

func parseLogSource(l *loader, n *yaml.Node, doc *Document) {
	doc.LogSource.Pos = l.pos(n)
	if !logSourceSection.read(l, n, &doc.LogSource) {
		return
	}
	s := &doc.LogSource
	if s.Category == "" && s.Product == "" && s.Service == "" && len(s.Custom) == 0 {
		l.errorf(s.Pos, CodeLogSource, "give at least one of category, product, service", "logsource does not say which events the %s is about", doc.Kind)
	}
}

// lenient makes what is wrong under the keys a warning.
func lenient[T any](keys ...key[T]) []key[T] {
	for i := range keys {
		read := keys[i].read
		keys[i].read = func(l *loader, n *yaml.Node, into *T) {
			before := l.soft
			l.soft = true
			read(l, n, into)
			l.soft = before
		}
	}
	return keys
}
