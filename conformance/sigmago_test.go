package conformance_test

import (
	"slices"
	"strings"
	"testing"

	upstream "github.com/bradleyjkemp/sigma-go"

	"github.com/rulewright/rulewright/sigma"
	"github.com/rulewright/rulewright/sigma/sigmago"
)

// sigmaGoDiffers are the rules whose values sigma-go reads otherwise, and why.
var sigmaGoDiffers = map[string]string{
	"linux/auditd/execve/lnx_auditd_system_shutdown_reboot.yml":                "a keyword that is a number becomes text",
	"windows/registry/registry_set/registry_set_susp_keyboard_layout_load.yml": "unquoted 00000429 becomes the number 429; here it stays text",
}

// TestSigmaGoSigmaHQ: a rule that sigma-go has parsed becomes the document that
// our parser makes of its file, but for what sigma-go does not keep: the order
// of selections and custom attributes, and the spelling of conditions.
func TestSigmaGoSigmaHQ(t *testing.T) {
	refused := 0
	sigmaHQ(t, func(path string, data []byte) {
		rule, err := upstream.ParseRule(data)
		if err != nil {
			refused++
			if !strings.Contains(err.Error(), "invalid token '*'") {
				t.Errorf("%s: sigma-go refuses it: %v", path, err)
			}
			return
		}
		ours, _ := sigma.Parse(path, data)
		theirs, ds := sigmago.From(rule)
		if theirs == nil || ds.HasErrors() {
			t.Errorf("%s: %v", path, ds)
			return
		}
		forgetWhatSigmaGoForgets(ours[0])
		forgetWhatSigmaGoForgets(theirs)
		if reason, ok := sigmaGoDiffers[path]; ok {
			if sigma.Equal(ours[0], theirs) {
				t.Errorf("%s: no longer true: %s", path, reason)
			}
		} else if !sigma.Equal(ours[0], theirs) {
			a, _ := sigma.Write(ours[0])
			b, _ := sigma.Write(theirs)
			t.Errorf("%s: differs\n%s", path, firstDifference(string(a), string(b)))
		}
		for _, s := range theirs.Detection.Selections {
			if s.Pos != ours[0].Detection.Selection(s.Name).Pos {
				t.Errorf("%s: selection %s at %v", path, s.Name, s.Pos)
			}
		}
	})
	// Its grammar knows no star behind a digit, such as 1 of selection_1_*.
	if refused > 20 {
		t.Errorf("sigma-go refuses %d rules for a star; it were 9", refused)
	}
}

func forgetWhatSigmaGoForgets(d *sigma.Document) {
	// Selections stand in a map.
	slices.SortFunc(d.Detection.Selections, func(a, b *sigma.Selection) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(d.Meta.Custom, func(a, b sigma.Attribute) int { return strings.Compare(a.Key, b.Key) })
	// A condition is kept as a tree.
	for _, c := range d.Detection.Conditions {
		c.Text = ""
	}
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return "- " + x[i] + "\n+ " + y[i]
		}
	}
	return "one text is longer"
}
