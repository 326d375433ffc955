package backends

import (
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
)

func TestKQLJoined(t *testing.T) {
	key := ir.JoinPart{Column: "RegistryKey", Prefixes: []ir.Replacement{{From: `HKEY_LOCAL_MACHINE\`, To: `HKLM\`}}}
	for _, c := range []struct {
		join ir.Join
		want string
	}{
		{ir.Join{Parts: []ir.JoinPart{{Column: "Domain"}, {Column: "Name"}}, By: `\`},
			"strcat(Domain,\n    iff(isempty(Name), \"\", strcat(iff(isempty(Domain), \"\", @\"\\\"), Name)))"},
		{ir.Join{Parts: []ir.JoinPart{key}},
			"case(RegistryKey startswith @\"HKEY_LOCAL_MACHINE\\\",\n    strcat(@\"HKLM\\\", substring(RegistryKey, 19)),\n    RegistryKey)"},
		{ir.Join{Parts: []ir.JoinPart{{Column: "ActionType", Texts: []ir.Replacement{{From: "ConnectionSuccess", To: "true"}}}}},
			`case(ActionType =~ "ConnectionSuccess", "true", "")`},
		{ir.Join{Parts: []ir.JoinPart{{Column: "IsManaged", Type: ir.TypeInt, Texts: []ir.Replacement{{From: "1", To: "true"}}}}},
			`case(tostring(IsManaged) =~ "1", "true", "")`},
		{ir.Join{Parts: []ir.JoinPart{{Column: "MD5", Before: "MD5="}, {Column: "SHA1", Before: "SHA1="}, {Column: "SHA256", Before: "SHA256="}}, By: ","},
			"strcat(iff(isempty(MD5), \"\", strcat(\"MD5=\", MD5)),\n    iff(isempty(SHA1), \"\", strcat(iff(isempty(MD5), \"\", \",\"), \"SHA1=\", SHA1)),\n" +
				"    iff(isempty(SHA256), \"\", strcat(iff(isempty(strcat(MD5, SHA1)), \"\", \",\"), \"SHA256=\", SHA256)))"},
		{ir.Join{Parts: []ir.JoinPart{{Column: "csUriStem"}, {Column: "csUriQuery", Blank: "-"}}, By: "?"},
			"strcat(csUriStem,\n    iff(isempty(iff(csUriQuery == \"-\", \"\", csUriQuery)), \"\", strcat(iff(isempty(csUriStem), \"\", \"?\"), iff(csUriQuery == \"-\", \"\", csUriQuery))))"},
	} {
		if got := kqlJoined(&c.join); got != c.want {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}
