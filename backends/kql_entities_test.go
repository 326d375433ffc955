package backends

import (
	"strings"
	"testing"

	"github.com/rulewright/rulewright/compiler/ir"
)

// TestKQLEntities: a column for each entity, several for one in a list, and a row stays one.
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
| mv-apply item_1 = iff(array_length(Targets) > 0, Targets, pack_array(Targets)) on (
    summarize values_1 = make_set_if(tostring(item_1.id), isnotempty(tostring(item_1.id))),
        values_2 = make_set_if(tostring(item_1.name), isnotempty(tostring(item_1.name)))
)
| extend Account_1 = tostring(By.user.name)
| extend IP_1 = replace_regex(Address, @"\A(?:\[([^\]]*)\]|([0-9.]+))(?::0*[0-9]{1,5})?\z", @"\1\2")
| extend App_1 = tostring(values_1[0])
| extend App_2 = tostring(values_1[1])
| extend App_3 = tostring(values_1[2])
| extend Account_2 = tostring(values_2[0])
| extend Account_3 = tostring(values_2[1])
| extend Account_4 = tostring(values_2[2])
| extend Resource_1 = tostring(G)
| project-away values_1, values_2`
	if q.Text != want {
		t.Errorf("%s", q.Text)
	}
	var cols []string
	for _, e := range q.Entities {
		cols = append(cols, e.Type+" "+e.Column+" "+r.Entities[e.Index].Field.Name)
	}
	if got := strings.Join(cols, ", "); got != "account Account_1 By.user.name, ip IP_1 Address, app App_1 Targets.id, app App_2 Targets.id, app App_3 Targets.id, account Account_2 Targets.name, account Account_3 Targets.name, account Account_4 Targets.name, resource Resource_1 G" {
		t.Error(got)
	}
}
