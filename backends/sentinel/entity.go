package sentinel

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/backends"
	"github.com/rulewright/rulewright/compiler/ir"
)

// mapping is one entity of a result.
type mapping struct {
	Type   string // as Sentinel spells it
	Fields []fieldMapping
	// Shown is the column that a title shows for the entity.
	Shown string
}

type fieldMapping struct{ Identifier, Column string }

// entityFields returns the fields that identify a rule's entities: those it
// names, a display name replaced by the identifier beside it, else those of its
// table. Of several fields that come to the same, one stays.
func entityFields(r *ir.Rule) []ir.EntityField {
	fields := slices.Clone(r.Entities)
	if len(fields) == 0 && r.Correlation == nil {
		for _, e := range tableOf(r.Source.Table).Entities {
			kind, name, _ := strings.Cut(e, " ")
			fields = append(fields, ir.EntityField{Type: kind, Field: columnField(kind, name)})
		}
	}
	if len(fields) == 0 && r.Correlation != nil {
		for _, name := range r.Correlation.HitFields() {
			if kind := kindOfName(name); kind != "" {
				fields = append(fields, ir.EntityField{Type: kind, Field: ir.Field{Name: name, Path: ir.Path{{Key: name}}}})
			}
		}
	}
	var out []ir.EntityField
	seen := map[string]bool{}
	for _, e := range fields {
		e.Field = identified(e.Field)
		if e.Type == "" || isDisplayName(lastKey(e.Field)) {
			continue
		}
		if key := e.Type + " " + e.Field.Spec(); !seen[key] {
			seen[key] = true
			out = append(out, e)
		}
	}
	return out
}

// columnField is a field by the name that tables.yaml gives it.
func columnField(kind, name string) ir.Field {
	keys := strings.Split(name, ".")
	f := ir.Field{Name: name, Column: keys[0], ColumnType: ir.TypeString, Type: ir.TypeString}
	if len(keys) > 1 {
		f.ColumnType = ir.TypeJSON
	}
	if kind == "ip" {
		f.Type = ir.TypeIP
	}
	for _, k := range keys {
		f.Path = append(f.Path, ir.Step{Key: k, Single: true})
	}
	f.Stored = f.Path
	return f
}

// identified replaces the display name at the end of a field's path by the
// identifier that stands beside it.
func identified(f ir.Field) ir.Field {
	steps := f.Steps()
	if len(steps) == 0 {
		return f
	}
	last := steps[len(steps)-1]
	id, ok := facts().Identifiers[last.Key]
	if !ok {
		return f
	}
	end := func(p ir.Path) ir.Path {
		if len(p) == 0 {
			return p
		}
		p = slices.Clone(p)
		l := &p[len(p)-1]
		l.Key = strings.TrimSuffix(l.Key, last.Key) + id
		return p
	}
	if f.Column == last.Key && len(steps) == 1 {
		f.Column = id
	}
	f.Name = strings.TrimSuffix(f.Name, last.Key) + id
	f.Path, f.Stored = end(f.Path), end(f.Stored)
	return f
}

func lastKey(f ir.Field) string {
	steps := f.Steps()
	if len(steps) == 0 {
		return f.Name
	}
	return steps[len(steps)-1].Key
}

func isDisplayName(key string) bool {
	k := strings.ToLower(key)
	return strings.HasSuffix(k, "displayname")
}

// kindOfName guesses the entity that a group of a correlation is about from the
// name of its field; "" where the name says nothing.
func kindOfName(name string) string {
	k := strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(k, w) })
	}
	switch {
	case isDisplayName(k):
		return ""
	case strings.HasSuffix(k, "ip") || has("ipaddress", "clientip", "remoteip", "sourceip"):
		return "ip"
	case has("serviceprincipalid"):
		return "service-principal"
	case has("userprincipalname", "upn", "userid", "caller", "accountobjectid", "targetusername", "subjectusername"):
		return "account"
	case has("computer", "devicename", "hostname"):
		return "host"
	case has("mailbox", "recipientemailaddress"):
		return "mailbox"
	case has("appid", "applicationid"):
		return "app"
	case has("resourceid"):
		return "resource"
	}
	return ""
}

// mapped is what a query's entity columns come to in an artefact.
type mapped struct {
	// Query is the text with the columns that the mappings need.
	Query    string
	Mappings []mapping
	// Details are columns worth showing that no entity of Sentinel takes.
	Details []fieldMapping
}

// groupEntities makes the columns of a correlation's hits, the group and new
// values, those of its entities.
func groupEntities(q *backends.Query, r *ir.Rule) *backends.Query {
	c := *q
	c.Entities = nil
	names := r.Correlation.HitFields()
	columns := slices.Concat(q.Group, q.Tuple)
	for i, e := range r.Entities {
		if k := slices.Index(names, e.Field.Name); k >= 0 && k < len(columns) {
			c.Entities = append(c.Entities, backends.EntityColumn{Type: e.Type, Column: columns[k], Index: i})
		}
	}
	return &c
}

const guidPattern = `^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`

// mapEntities maps the entity columns of a query by strong identifiers. A user
// principal name is split in two, since neither part identifies an account
// alone; a column that may hold a name or an object id serves both, each empty
// where the other is meant.
func mapEntities(q *backends.Query, fields []ir.EntityField) mapped {
	m := mapped{Query: q.Text}
	extend := func(column, expr string) string {
		m.Query += fmt.Sprintf("\n| extend %s = %s", column, expr)
		return column
	}
	// The first value of each comes before the second of any.
	columns := slices.Clone(q.Entities)
	slices.SortStableFunc(columns, func(a, b backends.EntityColumn) int { return a.Nth - b.Nth })
	for _, c := range columns {
		if !isIdentifier(c.Column) || len(m.Mappings) == maxMappings {
			continue
		}
		key := ""
		if c.Index < len(fields) {
			key = strings.ToLower(lastKey(fields[c.Index].Field))
		}
		add := func(typ string, fs ...fieldMapping) {
			m.Mappings = append(m.Mappings, mapping{Type: typ, Fields: fs, Shown: c.Column})
		}
		col := c.Column
		switch c.Type {
		case "account":
			switch {
			case strings.HasSuffix(key, "sid"):
				add("Account", fieldMapping{"Sid", col})
			case strings.HasSuffix(key, "objectid") || key == "id" || key == "oid" || key == "serviceprincipalid":
				add("Account", fieldMapping{"AadUserId", col})
			case strings.HasSuffix(key, "username") || key == "user" || key == "accountname":
				add("Account",
					fieldMapping{"Name", extend(col+"Name", fmt.Sprintf(`iff(%s has "\\", tostring(split(%[1]s, "\\")[1]), tostring(split(%[1]s, "@")[0]))`, col))},
					fieldMapping{"NTDomain", extend(col+"NTDomain", fmt.Sprintf(`iff(%s has "\\", tostring(split(%[1]s, "\\")[0]), "")`, col))},
					fieldMapping{"UPNSuffix", extend(col+"UPNSuffix", fmt.Sprintf(`tostring(split(%s, "@")[1])`, col))})
			default:
				add("Account",
					fieldMapping{"Name", extend(col+"Name", fmt.Sprintf(`iff(%s contains "@", tostring(split(%[1]s, "@")[0]), "")`, col))},
					fieldMapping{"UPNSuffix", extend(col+"UPNSuffix", fmt.Sprintf(`tostring(split(%s, "@")[1])`, col))},
					fieldMapping{"AadUserId", extend(col+"AadUserId", fmt.Sprintf(`iff(%s matches regex "%s", %[1]s, "")`, col, guidPattern))})
			}
		case "service-principal":
			add("Account", fieldMapping{"AadUserId", col})
		case "ip":
			if q.Table == "" { // the group of a correlation, as its events have it
				col = extend(col+"Address", backends.KQLAddress(col))
			}
			add("IP", fieldMapping{"Address", col})
		case "host":
			add("Host",
				fieldMapping{"HostName", extend(col+"HostName", fmt.Sprintf(`tostring(split(%s, ".")[0])`, col))},
				fieldMapping{"DnsDomain", extend(col+"DnsDomain", fmt.Sprintf(`iff(%s contains ".", substring(%[1]s, indexof(%[1]s, ".") + 1), "")`, col))})
		case "mailbox":
			add("Mailbox", fieldMapping{"MailboxPrimaryAddress", col})
		case "url":
			add("URL", fieldMapping{"Url", col})
		case "file":
			add("File", fieldMapping{"Name", col})
		case "resource":
			if strings.HasSuffix(key, "resourceid") || key == "id" || key == "" {
				add("AzureResource", fieldMapping{"ResourceId", col})
				break
			}
			fallthrough // no path of Azure: a session, an alert, another tenant
		default:
			// An application: Sentinel's CloudApplication takes numbers of the
			// catalogue of Defender for Cloud Apps, not ids of Entra.
			if len(m.Details) < maxDetails {
				m.Details = append(m.Details, fieldMapping{clip(detailName(col), maxDetailKey), col})
			}
		}
	}
	return m
}

// detailName is a column as the key of a custom detail: without the number of
// the first of its kind.
func detailName(column string) string {
	return strings.TrimLeft(strings.TrimSuffix(column, "_1"), "_0123456789")
}
