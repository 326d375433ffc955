package sentinel

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// ATTACKVersion is the version of MITRE ATT&CK that tactics and techniques of
// artefacts are of. Its tactics are those that the services know.
const ATTACKVersion = "17.1"

//go:embed attack.txt
var attackText string

// techniques maps a technique, `T1098` or `T1098.001`, to its tactics.
var techniques = sync.OnceValue(func() map[string][]string {
	m := map[string][]string{}
	for line := range strings.Lines(attackText) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] == "#" {
			continue
		}
		tactics := strings.Split(words[1], ",")
		m[words[0]] = tactics
		if len(words) > 2 {
			for _, sub := range strings.Split(words[2], ",") {
				m[words[0]+"."+sub] = tactics
			}
		}
	}
	return m
})

// tactics of the services, in the order of the matrix.
var tactics = []string{"Reconnaissance", "ResourceDevelopment", "InitialAccess", "Execution", "Persistence",
	"PrivilegeEscalation", "DefenseEvasion", "CredentialAccess", "Discovery", "LateralMovement", "Collection",
	"CommandAndControl", "Exfiltration", "Impact", "ImpairProcessControl", "InhibitResponseFunction"}

// laterTactics are names that a later version of ATT&CK gave to parts of a
// tactic of this one.
var laterTactics = map[string]string{"stealth": "DefenseEvasion", "defenseimpairment": "DefenseEvasion"}

// attack is what the tags of a rule say of ATT&CK.
type attack struct {
	Tactics    []string // as the services spell them
	Techniques []string // those of this version; each serves one of Tactics
	Unknown    []string // techniques that this version does not have
}

// attackOf reads the tags attack.* of a rule. A technique none of whose tactics
// the rule names adds the first of its own, so that the two agree.
func attackOf(tags []string) attack {
	var a attack
	named := map[string]bool{}
	for _, tag := range tags {
		name, ok := strings.CutPrefix(strings.ToLower(tag), "attack.")
		if !ok {
			continue
		}
		if isTechnique(name) {
			t := strings.ToUpper(name)
			switch {
			case slices.Contains(a.Techniques, t) || slices.Contains(a.Unknown, t):
			case techniques()[t] == nil:
				a.Unknown = append(a.Unknown, t)
			default:
				a.Techniques = append(a.Techniques, t)
			}
			continue
		}
		folded := strings.NewReplacer("-", "", "_", "").Replace(name)
		if later, ok := laterTactics[folded]; ok {
			named[later] = true
		}
		for _, t := range tactics {
			if strings.EqualFold(t, folded) {
				named[t] = true
			}
		}
	}
	slices.Sort(a.Techniques)
	for _, t := range a.Techniques {
		if of := techniques()[t]; !slices.ContainsFunc(of, func(x string) bool { return named[x] }) {
			named[of[0]] = true
		}
	}
	for _, t := range tactics {
		if named[t] {
			a.Tactics = append(a.Tactics, t)
		}
	}
	return a
}

// isTechnique reports whether text has the form t1098 or t1098.001.
func isTechnique(s string) bool {
	id, sub, dotted := strings.Cut(strings.ToLower(s), ".")
	digits := func(s string, n int) bool {
		return len(s) == n && strings.Trim(s, "0123456789") == ""
	}
	return strings.HasPrefix(id, "t") && digits(id[1:], 4) && (!dotted || digits(sub, 3))
}

// parents returns the techniques without sub-techniques, each once.
func parents(ts []string) []string {
	var out []string
	for _, t := range ts {
		t, _, _ = strings.Cut(t, ".")
		if !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// subTechniques returns those of ts that are sub-techniques.
func subTechniques(ts []string) []string {
	var out []string
	for _, t := range ts {
		if strings.Contains(t, ".") {
			out = append(out, t)
		}
	}
	return out
}

// ATTACK returns the tactics and techniques that the tags of a rule name, as an
// artefact of it would: tactics as the services spell them, in the order of the
// matrix, and techniques of ATTACKVersion. Each technique serves one of the
// tactics.
func ATTACK(tags []string) (tactics, techniques []string) {
	a := attackOf(tags)
	return a.Tactics, a.Techniques
}

// TacticsOf returns the tactics that a technique of ATTACKVersion serves, nil
// for one that this version does not have.
func TacticsOf(technique string) []string { return slices.Clone(techniques()[technique]) }

// Tactics returns the tactics as the services spell them, in the order of the
// matrix.
func Tactics() []string { return slices.Clone(tactics) }
