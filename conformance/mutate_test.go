package conformance

import (
	"io/fs"
	"slices"
	"testing"
)

// TestMutants asks that the fixtures of the rule pack notice at least 95 of 100
// small changes, of all kinds over the pack and of those that change most for
// each rule; what they do not notice is listed with the reason.
func TestMutants(t *testing.T) {
	const least = 0.95
	mutants, survivors := 0, 0
	for _, guide := range packGuides(t) {
		t.Run(guide, func(t *testing.T) {
			m, s := testMutants(t, guide, least)
			mutants, survivors = mutants+m, survivors+s
		})
	}
	share := 1 - float64(survivors)/float64(mutants)
	t.Logf("the pack: %.1f %% of %d mutants are noticed", 100*share, mutants)
	if share < least {
		t.Errorf("the fixtures notice %.1f %% of the mutants, want %.0f %%", 100*share, 100*least)
	}
}

func testMutants(t *testing.T, guide string, least float64) (mutants, survivors int) {
	counted := []MutantKind{Dropped, Negated, Swapped, Moved}
	fsys, err := fs.Sub(fixtureFiles, "fixtures/"+guide)
	if err != nil {
		t.Fatal(err)
	}
	fixtures, ds := Load(fsys, LoadOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	accepted, err := ParseSurvivors(fsys)
	if err != nil {
		t.Fatal(err)
	}
	mutations, err := Mutate(fixtures)
	if err != nil {
		t.Fatal(err)
	}
	used := map[int]bool{}
	for _, m := range mutations {
		find := func(x Mutant) int {
			return slices.IndexFunc(accepted, func(s Survivor) bool { return s.Rule == m.RuleID && s.Mutant == x.Description })
		}
		for _, x := range m.Survivors {
			i := find(x)
			used[i] = true
			if i < 0 {
				t.Errorf("%s:%d: no case notices: %s", m.File, x.Pos.Line, x.Description)
			}
		}
		left := func(x Mutant) bool {
			i := find(x)
			return !slices.Contains(counted, x.Kind) || i >= 0 && accepted[i].Equivalent
		}
		if k := m.Killed(left); k < least {
			t.Errorf("%s: the fixtures notice %.1f %% of %d mutants, want %.0f %%", m.File, 100*k, len(m.Mutants), 100*least)
		}
		mutants += len(m.Mutants)
		survivors += len(m.Survivors)
	}
	for i, s := range accepted {
		if !used[i] {
			t.Errorf("%s: %s: is noticed now, or is no mutant any more", s.Rule, s.Mutant)
		}
	}
	t.Logf("%d rules, %d mutants, %d survivors", len(mutations), mutants, survivors)
	return mutants, survivors
}
