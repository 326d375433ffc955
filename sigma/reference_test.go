package sigma_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/sigma"
)

const (
	lowerID = "aaaaaaaa-2222-4333-8444-5555555555aa"
	upperID = "AAAAAAAA-2222-4333-8444-5555555555AA"
)

// TestReferences: an id means its document in any case, a name only as it is
// written, and nothing means nothing.
func TestReferences(t *testing.T) {
	failure := &sigma.Document{Meta: sigma.Meta{ID: lowerID, Name: "failure"}}
	other := &sigma.Document{Meta: sigma.Meta{ID: "BBBBBBBB-2222-4333-8444-5555555555bb", Name: "Failure"}}
	again := &sigma.Document{Meta: sigma.Meta{Name: "failure"}}
	both := &sigma.Document{Meta: sigma.Meta{ID: "cccccccc-2222-4333-8444-5555555555cc", Name: "cccccccc-2222-4333-8444-5555555555cc"}}
	docs := []*sigma.Document{failure, nil, other, again, both, {}}
	refs := sigma.NewReferences(docs...)
	for _, x := range []struct {
		ref  string
		want []*sigma.Document
	}{
		{lowerID, []*sigma.Document{failure}},
		{upperID, []*sigma.Document{failure}},
		{"bbbbbbbb-2222-4333-8444-5555555555BB", []*sigma.Document{other}},
		{"Failure", []*sigma.Document{other}},
		{"failure", []*sigma.Document{failure, again}},
		{"FAILURE", nil},
		{"cccccccc-2222-4333-8444-5555555555cc", []*sigma.Document{both}},
		{"CCCCCCCC-2222-4333-8444-5555555555CC", []*sigma.Document{both}},
		{" failure", nil},
		{"", nil},
	} {
		if got := slices.Collect(refs.Find(x.ref)); !slices.Equal(got, x.want) {
			t.Errorf("%q: %d documents, want %d", x.ref, len(got), len(x.want))
		}
		for _, d := range docs {
			if d != nil && d.Meta.IsCalled(x.ref) != slices.Contains(x.want, d) {
				t.Errorf("%q: IsCalled says otherwise of %q %q", x.ref, d.Meta.ID, d.Meta.Name)
			}
		}
		if first := refs.First(x.ref); (first == nil) != (len(x.want) == 0) || first != nil && first != x.want[0] {
			t.Errorf("%q: the first is another", x.ref)
		}
	}
	want := "Failure aaaaaaaa-2222-4333-8444-5555555555aa bbbbbbbb-2222-4333-8444-5555555555bb cccccccc-2222-4333-8444-5555555555cc failure"
	if got := strings.Join(refs.Known(), " "); got != want {
		t.Errorf("known are %s", got)
	}
	var none sigma.References
	if none.First("failure") != nil || none.Known() != nil {
		t.Error("nothing knows a name")
	}
}

// TestBehind: what a correlation stands on is found in any case of an id, once,
// and where correlations refer to each other in a circle.
func TestBehind(t *testing.T) {
	correlation := func(id, name string, rules ...string) *sigma.Document {
		c := &sigma.Correlation{}
		for _, r := range rules {
			c.Rules = append(c.Rules, sigma.Reference{Name: r})
		}
		return &sigma.Document{Kind: sigma.KindCorrelation, Meta: sigma.Meta{ID: id, Name: name}, Correlation: c}
	}
	rule := &sigma.Document{Meta: sigma.Meta{ID: lowerID, Name: "failure"}}
	inner := correlation("", "many", upperID, "outer")
	outer := correlation("", "outer", "many", "failure", "nobody")
	refs := sigma.NewReferences(rule, inner, outer)
	for _, x := range []struct {
		of   *sigma.Document
		want []*sigma.Document
	}{
		{rule, nil},
		{inner, []*sigma.Document{rule, outer}},
		{outer, []*sigma.Document{inner, rule}},
	} {
		if got := refs.Behind(x.of); !slices.Equal(got, x.want) {
			t.Errorf("behind %q%q are %d documents, want %d", x.of.Meta.ID, x.of.Meta.Name, len(got), len(x.want))
		}
	}
}

func TestIsUUID(t *testing.T) {
	for s, want := range map[string]bool{
		lowerID:                                true,
		upperID:                                true,
		"01234567-89ab-CDEF-0000-000000000000": true,
		"":                                     false,
		lowerID + "\n":                         false,
		lowerID[1:]:                            false,
		"{" + lowerID + "}":                    false,
		strings.ReplaceAll(lowerID, "-", ""):   false,
		strings.ReplaceAll(lowerID, "a", "g"):  false,
		strings.ReplaceAll(lowerID, "-", "a"):  false,
		"aaaaaaaa2-222-4333-8444-5555555555aa": false,
		"aaaaaaaa-2222-4333-8444-5555555555a\x00": false,
		"aaaaaaaa-2222-4333-8444-55555555555ä":    false,
	} {
		if sigma.IsUUID(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}
