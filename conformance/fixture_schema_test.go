package conformance

import (
	"io/fs"
	"testing"

	"github.com/rulewright/rulewright/sigma/schema/schematest"
)

// Every fixture fits the schema, and the schema refuses what the parser does.
func TestFixtureSchema(t *testing.T) {
	s, err := FixtureSchema()
	if err != nil {
		t.Fatal(err)
	}
	checker, err := schematest.New(s)
	if err != nil {
		t.Fatal(err)
	}
	own, ds := readLibrary(Fixtures)
	if len(ds) > 0 || len(own.fixtures) == 0 {
		t.Fatalf("%d fixtures; %v", len(own.fixtures), ds)
	}
	for _, file := range own.fixtures {
		data, err := fs.ReadFile(Fixtures, file)
		if err != nil {
			t.Fatal(err)
		}
		if err := checker.Check(data); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	const head = "rulewright-fixtures: 1\nrule: 6d0b1b0e-5c1f-4f43-9d0a-2f6f0a3f1c11\n"
	for _, bad := range []string{
		head,
		head + "cases: []\n",
		head + "cases: [{name: a, expect: maybe, events: [{event: {}}]}]\n",
		head + "cases: [{name: a, expect: match, events: []}]\n",
		head + "cases: [{name: a, expect: match, events: [{}]}]\n",
		head + "cases: [{name: a, expect: match, event: [{event: {}}]}]\n",
		head + "cases: [{name: a, expect: match, form: x, events: [{event: {}}]}]\n",
		"rulewright-fixtures: 1\ncases: [{name: a, expect: match, events: [{event: {}}]}]\n",
	} {
		if _, ds := ParseFixture("x", []byte(bad)); !ds.HasErrors() {
			t.Errorf("the parser takes %q", bad)
		}
		if checker.Check([]byte(bad)) == nil {
			t.Errorf("the schema takes %q", bad)
		}
	}
}
