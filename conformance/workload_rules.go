package conformance

import (
	"fmt"
	"math/rand/v2"

	"github.com/rulewright/rulewright/sigma"
)

// workloadPrograms are run in the workload.
var workloadPrograms = []string{"svchost.exe", "cmd.exe", "powershell.exe", "chrome.exe", "git.exe", "msedge.exe"}

// WorkloadRules makes n detection rules of the kind that SigmaHQ has, most of
// them about processes, for measuring speed where SigmaHQ is not at hand. The
// same seed gives the same rules.
func WorkloadRules(seed uint64, n int) []*sigma.Document {
	rnd := rand.New(rand.NewPCG(seed, 2))
	word := func(n int) string {
		const letters = "abcdefghijklmnopqrstuvwxyz"
		b := make([]byte, n)
		for i := range b {
			b[i] = letters[rnd.IntN(len(letters))]
		}
		return string(b)
	}
	var docs []*sigma.Document
	for i := range n {
		text := fmt.Sprintf("title: Made rule %d\nid: %08x-0000-4000-8000-000000000000\nlevel: medium\n", i, i)
		list := ""
		for range 1 + rnd.IntN(8) {
			list += fmt.Sprintf("            - ' -%s %s'\n", word(2+rnd.IntN(6)), word(3+rnd.IntN(9)))
		}
		switch k := rnd.IntN(10); {
		case i%40 == 0: // a candidate for many events, and true of none
			text += fmt.Sprintf("logsource: {product: windows, category: process_creation}\ndetection:\n    selection:\n        Image|endswith: ['\\%s', '\\%s.exe']\n        CommandLine|contains: ['.exe', '%s']\n    filter:\n        - ParentImage|contains: ':\\'\n        - CommandLine|contains: '%s'\n    condition: selection and not filter\n",
				workloadPrograms[i/40%len(workloadPrograms)], word(6), word(5), word(7))
		case k < 6:
			text += fmt.Sprintf("logsource: {product: windows, category: process_creation}\ndetection:\n    image:\n        - Image|endswith: '\\%s.exe'\n        - OriginalFileName: '%s.exe'\n    line:\n        CommandLine|contains:\n%s    filter:\n        ParentImage|startswith: 'C:\\Program Files\\%s\\'\n    condition: image and line and not filter\n",
				word(6), word(6), list, word(8))
		case k < 8:
			text += fmt.Sprintf("logsource: {product: windows, category: registry_set}\ndetection:\n    selection:\n        TargetObject|contains: '\\Software\\%s\\%s'\n        Details:\n            - 'DWORD (0x00000001)'\n            - '%s'\n    condition: selection\n", word(7), word(5), word(4))
		case k < 9:
			text += fmt.Sprintf("logsource: {product: windows, category: file_event}\ndetection:\n    selection:\n        TargetFilename|endswith: ['.%s', '\\%s.%s']\n    condition: selection\n", word(4), word(6), word(3))
		default:
			text += fmt.Sprintf("logsource: {product: azure, service: auditlogs}\ndetection:\n    selection:\n        OperationName: '%s %s'\n    condition: selection\n", word(6), word(8))
		}
		made, ds := sigma.Parse(fmt.Sprintf("made-%d.yml", i), []byte(text))
		if ds.HasErrors() {
			panic(ds)
		}
		docs = append(docs, made...)
	}
	return docs
}
