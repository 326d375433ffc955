package backends

import (
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
)

// TestKQLEntities: a column for each entity, a row for each element of a list.
func TestKQLEntities(t *testing.T) {
	r := tableRule(ir.Const(true))
	r.Entities = []ir.EntityField{
		{Type: "account", Field: below("By.user.name", ir.TypeString)},
		{Type: "ip", Field: column("Address", ir.TypeIP)},
		{Type: "app", Field: below("Targets.id", ir.TypeString, "Targets")},
		{Type: "account", Field: below("Targets.name", ir.TypeString, "Targets")},
		{Type: "host", Field: ir.Field{Leaves: true}},
		{Type: "resource", Field: column("G", ir.TypeGUID)},
	}
	q, err := KQL(r, Target{Entities: true})
	if err != nil {
		t.Fatal(err)
	}
	want := `T
| extend Account_1 = tostring(By.user.name)
| extend IP_1 = replace_regex(Address, @"\A(?:\[([^\]]*)\]|([0-9.]+))(?::0*[0-9]{1,5})?\z", @"\1\2")
| mv-expand item_1 = iff(array_length(Targets) > 0, Targets, pack_array(Targets))
| extend App_1 = tostring(item_1.id)
| extend Account_2 = tostring(item_1.name)
| extend Resource_1 = tostring(G)
| project-away item_1`
	if q.Text != want {
		t.Errorf("%s", q.Text)
	}
	var cols []string
	for _, e := range q.Entities {
		cols = append(cols, e.Type+" "+e.Column+" "+r.Entities[e.Index].Field.Name)
	}
	if got := strings.Join(cols, ", "); got != "account Account_1 By.user.name, ip IP_1 Address, app App_1 Targets.id, account Account_2 Targets.name, resource Resource_1 G" {
		t.Error(got)
	}
}
