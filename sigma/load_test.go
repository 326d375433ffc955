package sigma

import (
	"errors"
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"
)

func TestParseFS(t *testing.T) {
	rule := func(title string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("title: " + title + "\nlogsource: {product: azure}\ndetection:\n  s: {a: b}\n  condition: s\n")}
	}
	fsys := fstest.MapFS{
		"b/two.yaml":       rule("Two"),
		"a/one.yml":        rule("One"),
		"a/notes.txt":      {Data: []byte("not: read")},
		"rule.sigma":       rule("Named"),
		"parameters.yaml":  {Data: []byte("\ufeffrulewright-parameters: 1\nparameters:\n  - {name: admins, type: string, list: true, description: x}\n")},
		"profile.yaml":     {Data: []byte("# tenant\nrulewright-profile: 1\nparameters: {}\n")},
		"broken/rule.yaml": {Data: []byte("title: [")},
	}
	titles := func(f *Files) (out []string) {
		for _, d := range f.Documents {
			out = append(out, d.Meta.Title)
		}
		return out
	}
	f, ds := ParseFS(fsys)
	if got := titles(f); !slices.Equal(got, []string{"One", "Two"}) {
		t.Errorf("titles %q", got)
	}
	if len(f.Parameters) != 1 || !slices.Equal(f.Catalogues, []string{"parameters.yaml"}) || !slices.Equal(f.Others, []OtherFile{{"profile.yaml", "profile"}}) {
		t.Errorf("parameters %v, catalogues %q, others %q", f.Parameters, f.Catalogues, f.Others)
	}
	if !ds.HasErrors() || ds[0].File != "broken/rule.yaml" {
		t.Errorf("findings %v", ds)
	}

	f, ds = ParseFS(fsys, "rule.sigma", "absent.yaml", "a")
	if got := titles(f); !slices.Equal(got, []string{"Named", "One"}) {
		t.Errorf("named paths give %q", got)
	}
	if len(ds.errorsOf(CodeFile)) != 1 {
		t.Errorf("an absent path gives %v", ds)
	}
	if _, err := fs.Stat(fsys, "absent.yaml"); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}

func (ds Diagnostics) errorsOf(code Code) (out Diagnostics) {
	for _, d := range ds {
		if d.Code == code {
			out = append(out, d)
		}
	}
	return out
}

func TestNativeMarkerIsPerDocument(t *testing.T) {
	docs, _ := Parse("", []byte("rulewright: 1\ntitle: a\nlogsource: {product: x}\ndetection:\n  s: {a: b}\n  condition: s\n---\ntitle: b\nlogsource: {product: x}\ndetection:\n  s: {a: b}\n  condition: s\n"))
	if len(docs) != 2 || !docs[0].Native || docs[1].Native {
		t.Errorf("native marker: %v", docs)
	}
}
