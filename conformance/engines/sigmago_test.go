package engines

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	sigmago "github.com/bradleyjkemp/sigma-go"
	"github.com/bradleyjkemp/sigma-go/evaluator"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/conformance"
	"github.com/rulewright/rulewright/sigma"
)

// flatEvents returns the field data as flat maps, which is what sigma-go looks
// at: the System and EventData of Windows events side by side.
func flatEvents(t *testing.T, data string) map[string]map[string]any {
	events := map[string]map[string]any{}
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".json") && !strings.HasSuffix(path, ".jsonl") || d.Name() == "manifest.json" {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		rel, err := filepath.Rel(data, path)
		if err != nil {
			return err
		}
		dec := json.NewDecoder(file)
		for n := 1; dec.More(); n++ {
			var ev map[string]any
			if err := dec.Decode(&ev); err != nil {
				return err
			}
			if e, ok := ev["Event"].(map[string]any); ok {
				flat := map[string]any{}
				for _, part := range []string{"System", "EventData"} {
					fields, _ := e[part].(map[string]any)
					for k, v := range fields {
						flat[k] = v
					}
				}
				ev = flat
			}
			events[fmt.Sprintf("%s:%d", rel, n)] = ev
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// sigmaGo is sigma-go as a referee. It takes a field name as a key of the event,
// so it is asked about rules without a pipeline only, and refuses what it does
// not know.
type sigmaGo struct{}

func (sigmaGo) Name() string { return "sigma-go" }

func (sigmaGo) Verdicts(ctx context.Context, q conformance.Question) ([]conformance.Verdict, error) {
	if q.Document == nil || q.Source != (event.Source{}) || q.Document.Native || len(q.Options.Filters) > 0 {
		return nil, fmt.Errorf("%w: only a rule of Sigma without a pipeline", conformance.ErrUnsupported)
	}
	text, err := sigma.Write(q.Document)
	if err != nil {
		return nil, err
	}
	rule, err := sigmago.ParseRule(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", conformance.ErrUnsupported, err)
	}
	e := evaluator.ForRule(rule)
	verdicts := make([]conformance.Verdict, len(q.Events))
	for i, ev := range q.Events {
		// It knows numbers as encoding/json makes them.
		text, err := json.Marshal(ev)
		if err != nil {
			return nil, err
		}
		var plain any
		if err := json.Unmarshal(text, &plain); err != nil {
			return nil, err
		}
		r, err := e.Matches(ctx, plain)
		if err != nil {
			return nil, fmt.Errorf("%w: %v", conformance.ErrUnsupported, err)
		}
		verdicts[i].Match = r.Match
	}
	return verdicts, nil
}

// corpusDifferences are the rules of SigmaHQ of which sigma-go says something
// else of an event at hand, with the part of the contract that decides.
var corpusDifferences = map[string]string{
	"azure_ad_sign_ins_from_noncompliant_devices.yml": "Fields: a dotted name is a flat key first, then a path; sigma-go knows keys only",
	"azure_ad_sign_ins_from_unknown_devices.yml":      "Fields: a dotted name is a flat key first, then a path; sigma-go knows keys only",
	"proc_creation_win_certutil_ntlm_coercion.yml":    "Text: two written backslashes are one; sigma-go reads no escapes",
	"proc_creation_win_cmd_stdin_redirect.yml":        "Fields: an absent field yields nothing; sigma-go takes it as the text <nil>",
	"proc_creation_win_findstr_recon_pipe_output.yml": "Text: a star is a wildcard; sigma-go takes it as it is",
}

// TestSigmaGoOnSigmaHQ compares all rules of SigmaHQ that sigma-go supports on
// all events at hand.
func TestSigmaGoOnSigmaHQ(t *testing.T) {
	data := filepath.Join("..", "..", "..", "shared", "data")
	if _, err := os.Stat(data); err != nil {
		t.Skipf("no field data: %v", err)
	}
	events := flatEvents(t, filepath.Join(data, "sigmahq", "regression"))
	for name, ev := range flatEvents(t, filepath.Join(data, "events")) {
		events[name] = ev
	}
	rules, unsupported, verdicts, hits := 0, 0, 0, 0
	different := map[string]bool{}
	err := filepath.WalkDir(filepath.Join(data, "sigmahq", "rules"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".yml") {
			return err
		}
		rules++
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		theirs, err := sigmago.ParseRule(text)
		if err != nil {
			unsupported++
			return nil
		}
		docs, ds := sigma.Parse(d.Name(), text)
		if ds.HasErrors() {
			return ds
		}
		ours, ds := compiler.NewRuleSet(docs, compiler.RuleSetOptions{AnySource: true, Pipelines: []*compiler.Pipeline{}})
		if ds.HasErrors() {
			return ds
		}
		e := evaluator.ForRule(theirs)
		for name, ev := range events {
			r, err := e.Matches(context.Background(), ev)
			if err != nil {
				unsupported++
				return nil
			}
			got, err := ours.MatchAs(event.Source{}, ev)
			if err != nil {
				return err
			}
			verdicts++
			if r.Match {
				hits++
			}
			if r.Match != (len(got) > 0) {
				different[d.Name()] = true
				if corpusDifferences[d.Name()] == "" {
					t.Errorf("%s on %s: sigma-go says %v", d.Name(), name, r.Match)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range corpusDifferences {
		if !different[name] {
			t.Errorf("%s: no difference any more", name)
		}
	}
	t.Logf("%d rules, %d of them not supported by sigma-go; %d verdicts, %d of them hits of sigma-go, %d rules differ", rules, unsupported, verdicts, hits, len(different))
}

// The parts of the contract that decide where sigma-go says something else of a
// fixture.
const (
	lists      = "Fields: a path steps through lists; a match is true if any scalar matches. sigma-go compares the list as one text"
	keyCase    = "Fields: keys that differ in case. sigma-go knows the exact key"
	paths      = "Fields: a dotted name is a flat key first, then a path. sigma-go knows keys only"
	objects    = "null, empty, exists: an object yields no scalar. sigma-go compares its Go text"
	numberForm = "Numbers and booleans: text is a number in one form; number with number by value. sigma-go compares texts, and for orderings takes whatever Go parses"
	ordering   = "Match is total. sigma-go panics on the empty string and on null in an ordering; and " + numberForm
	wildcard   = "Text: * and ? are wildcards. sigma-go compares them as they are, with the backslashes that escape"
	keywordAll = "Keywords: each is searched in every scalar. sigma-go takes the name |all as a field"
	folds      = "Text: no non-ASCII code point folds to an ASCII one, final sigma is its own letter. sigma-go folds as Unicode does"
	textForm   = "Numbers and booleans: text operators see the shortest decimal without exponent. sigma-go sees Go's text"
	absent     = "Fields: what is null or absent yields no scalar. sigma-go compares a text in its place"
	them       = "Documents: a name with an underscore in front is not among them. sigma-go takes all names"
)

// fixtureDifferences are the cases of fixtures of which sigma-go says something
// else, each with the part of the contract that decides.
var fixtureDifferences = map[string]string{
	"cidr-odd-addresses.yaml: in":                                            lists,
	"cidr.yaml: key with a non-ASCII letter in another case":                 keyCase,
	"cidr.yaml: one element of a list":                                       lists,
	"condition-quantifiers-them.yaml: all of them":                           them,
	"condition-quantifiers-them.yaml: only the hidden one":                   them,
	"contains-with-wildcards.yaml: fits":                                     wildcard,
	"contains.yaml: an object yields no text":                                objects,
	"duplicate-keys-nested.yaml: the last":                                   paths,
	"empty-string.yaml: the empty string":                                    lists,
	"endswith.yaml: one element of a list":                                   lists,
	"equal-boolean.yaml: key with a non-ASCII letter in another case":        keyCase,
	"equal-boolean.yaml: one element of a list":                              lists,
	"equal-empty-against-others.yaml: empty":                                 lists,
	"equal-number-64-bit.yaml: text of more than 15 digits is no number":     numberForm,
	"equal-number-64-bit.yaml: the number":                                   numberForm,
	"equal-number-float.yaml: the number and its text":                       numberForm,
	"equal-number-forms.yaml: forms of one":                                  numberForm,
	"equal-number.yaml: key with a non-ASCII letter in another case":         keyCase,
	"equal-number.yaml: one element of a list":                               lists,
	"equal-number.yaml: text of that value":                                  numberForm,
	"equal-quoted-exponent.yaml: a number text":                              numberForm,
	"equal-quoted-exponent.yaml: the digits of the number":                   numberForm,
	"equal-quoted-number.yaml: the number":                                   numberForm,
	"equal-text.yaml: a list is true when one element is":                    lists,
	"equal-zero-with-a-sign.yaml: zero":                                      numberForm,
	"folding-in-every-text-operator.yaml: not ASCII":                         folds,
	"folding-of-odd-letters.yaml: does not":                                  folds,
	"greater-or-equal.yaml: key with a non-ASCII letter in another case":     keyCase,
	"greater-or-equal.yaml: one element of a list":                           lists,
	"greater-or-equal.yaml: text that is no number":                          numberForm,
	"greater-or-equal.yaml: the empty string":                                ordering,
	"greater-than.yaml: key with a non-ASCII letter in another case":         keyCase,
	"greater-than.yaml: numbers and number texts in range":                   numberForm,
	"greater-than.yaml: one element of a list":                               lists,
	"greater-than.yaml: text that is no number":                              numberForm,
	"greater-than.yaml: the empty string":                                    ordering,
	"keywords-all.yaml: in one value or in two":                              keywordAll,
	"less-or-equal.yaml: key with a non-ASCII letter in another case":        keyCase,
	"less-or-equal.yaml: one element of a list":                              lists,
	"less-or-equal.yaml: text that is no number":                             numberForm,
	"less-or-equal.yaml: the empty string":                                   ordering,
	"less-than.yaml: key with a non-ASCII letter in another case":            keyCase,
	"less-than.yaml: one element of a list":                                  lists,
	"less-than.yaml: text that is no number":                                 numberForm,
	"less-than.yaml: the empty string":                                       ordering,
	"orderings-exact.yaml: between":                                          numberForm,
	"orderings-exact.yaml: on the border":                                    numberForm,
	"orderings-two-elements.yaml: two":                                       lists,
	"paths-flat-key-decides.yaml: found flat, half flat and as a path":       paths,
	"paths-flat-key-decides.yaml: through lists":                             paths,
	"paths-flat-key-first.yaml: a path with a dotted key in it":              paths,
	"paths-flat-key-first.yaml: a path":                                      paths,
	"paths-key-case-non-ascii.yaml: other case":                              keyCase,
	"paths-key-case.yaml: else the first in byte order":                      keyCase,
	"paths-through-lists.yaml: a flat key behind a list":                     lists,
	"paths-through-lists.yaml: among scalars and nulls":                      lists,
	"paths-through-lists.yaml: lists in lists":                               lists,
	"paths-through-lists.yaml: no list at all":                               paths,
	"paths-through-lists.yaml: one of many":                                  lists,
	"paths-two-items.yaml: on different elements":                            lists,
	"paths-two-items.yaml: on the same element":                              lists,
	"positions-of-odd-lists.yaml: there":                                     paths,
	"regex.yaml: an object":                                                  objects,
	"several-values.yaml: one of each":                                       wildcard,
	"startswith.yaml: one element of a list":                                 lists,
	"text-form-of-odd-numbers.yaml: no exponent":                             textForm,
	"wildcard-alone.yaml: number and boolean":                                wildcard,
	"wildcard-alone.yaml: text":                                              wildcard,
	"wildcard-code-points.yaml: fits":                                        wildcard,
	"wildcard-escape-sequences.yaml: as meant":                               wildcard,
	"wildcards.yaml: a non-ASCII letter in another case":                     wildcard,
	"wildcards.yaml: line breaks under the star and under the question mark": wildcard,
	"wildcards.yaml: nothing and something under the star":                   wildcard,
	"wildcards.yaml: one code point, however many bytes":                     wildcard,
	"wildcards.yaml: one element of a list":                                  lists,
	"cidr-below-not.yaml: not":                                               lists,
	"not-of-what-any-text-fits.yaml: match":                                  absent,
	"cidr-mapped-and-whole.yaml: in":                                         lists + "; and " + wildcard,
	"numbers-at-fifteen-digits.yaml: by value":                               textForm + "; and " + numberForm,
	"numbers-at-fifteen-digits.yaml: not":                                    textForm + "; and " + numberForm,
	"numbers-as-text-odd.yaml: match":                                        textForm + "; and " + numberForm,
	"odd-field-names.yaml: each":                                             paths,
}

// fixtureVaries are the cases of which sigma-go says now this and now that: it
// walks maps of Go, whose order is random, and stops at the first error it meets.
var fixtureVaries = map[string]string{
	"guards-under-not.yaml: nothing is known": ordering,
}

// TestSigmaGoOnFixtures puts the fixtures of the contract to sigma-go.
func TestSigmaGoOnFixtures(t *testing.T) {
	fixtures, ds := conformance.Load(os.DirFS(filepath.Join("..", "fixtures", "semantics")), conformance.LoadOptions{})
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	report := conformance.Evaluate(context.Background(), fixtures, []conformance.Referee{sigmaGo{}})
	different := map[string]bool{}
	for _, r := range report.Results {
		if r.Outcome == conformance.Failed {
			name := r.File + ": " + r.Case
			different[name] = true
			if fixtureDifferences[name] == "" && fixtureVaries[name] == "" {
				t.Errorf("%s:%d: %s: %s", r.File, r.Line, r.Case, r.Reason)
			}
		}
	}
	for name := range fixtureDifferences {
		if !different[name] {
			t.Errorf("%s: no difference any more", name)
		}
	}
	t.Logf("%d fixtures: %s", len(fixtures), report.Summary())
}
