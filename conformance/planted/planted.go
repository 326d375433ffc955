// Package planted puts into the benign month what a rule pack is there for: the
// told attacks, and the near misses of each rule of a high level. It says who of
// the tenant plays in them and when, and merges all of it by time.
package planted

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/conformance/benign"
	"github.com/rulewright/rulewright/conformance/nearmiss"
	"github.com/rulewright/rulewright/conformance/stories"
)

// Scene is where a story is planted: how many days later it happens than it is
// told, and who plays whom. The stories begin on working days of the stated
// month, when everybody's habits are known; the application's goes on over a
// weekend.
type Scene struct {
	Story string
	days  int
	first int                                          // of the tenant's users, of those who are free to play
	roles map[string]func(*benign.Tenant) *benign.User // by account in the story
	app   string                                       // the daemon that plays payroll-sync
	words stories.Cast
}

// Scenes returns the stories' places in the month.
func Scenes() []Scene {
	admin := func(n int) func(*benign.Tenant) *benign.User {
		return func(t *benign.Tenant) *benign.User { return t.Admins[n%len(t.Admins)] }
	}
	executive := func(t *benign.Tenant) *benign.User { return t.Executives[0] }
	return []Scene{
		{Story: stories.TokenReplay, days: 22, first: 300, roles: map[string]func(*benign.Tenant) *benign.User{"ivo.petrov@tailwindtraders.com": admin(0)},
			words: stories.Cast{{Of: "tailwindtraders", By: "contoso"}, {Of: "Tailwind Traders", By: "Contoso"},
				{Of: "c2b4e1f0-6a35-4d0c-8f7e-52d9a1c8e740", By: benign.TenantID}, {Of: "C2B4E1F0-6A35-4D0C-8F7E-52D9A1C8E740", By: strings.ToUpper(benign.TenantID)},
				{Of: "5d0f6a3b-91c2-4a57-bd1e-07c4a8f3e265", By: benign.WorkspaceID}}},
		{Story: stories.MailCompromise, days: 68, first: 500, app: "Payroll Export", roles: map[string]func(*benign.Tenant) *benign.User{
			"nora.lindqvist@contoso.com": executive, "app.admin@contoso.com": admin(0)}},
		{Story: stories.AppAttack, days: 63, first: 700, app: "Payroll Export", roles: map[string]func(*benign.Tenant) *benign.User{
			"app.admin@contoso.com": admin(0), "tobias.lang@contoso.com": func(t *benign.Tenant) *benign.User { return t.Admins[len(t.Admins)-1] }}},
	}
}

// The identifiers of the application of the stories that was there before.
const (
	storyApp       = "5616ee17-5d66-47a7-adb8-2760e2b87e20"
	storyAppObject = "4c2b5c96-cfbb-4c3b-a64c-7a54cd7bcb9c"
	storyAppSP     = "9b628811-b3e7-4f4b-a421-a3dab4789a36"
	storyAppName   = "payroll-sync"
)

// Play has the tenant's people play a story.
func (s Scene) Play(t *benign.Tenant, lines []stories.Line) ([]stories.Line, error) {
	cast := slices.Clone(s.words)
	if s.app != "" {
		a := t.Daemon(s.app)
		cast = append(cast, stories.Cast{{Of: storyApp, By: a.AppID}, {Of: storyAppObject, By: a.ObjectID}, {Of: storyAppSP, By: a.SPID}, {Of: storyAppName, By: a.Name}}...)
	}
	taken := map[*benign.User]bool{}
	n := s.first
	for _, p := range people(lines) {
		u := (*benign.User)(nil)
		if role := s.roles[p.upn]; role != nil {
			u = role(t)
		}
		for u == nil {
			n++
			if x := t.Users[n%len(t.Users)]; !taken[x] && !x.Admin && !x.Executive && x.Joins < 0 && x.Leaves < 0 && len(x.Trips) == 0 && !x.DualStack && !x.Roams {
				u = x
			}
		}
		taken[u] = true
		cast = append(cast, stories.Cast{{Of: p.upn, By: u.UPN}}...)
		if p.id != "" {
			cast = append(cast, stories.Cast{{Of: p.id, By: u.ID}}...)
		}
		if p.name != "" {
			cast = append(cast, stories.Cast{{Of: p.name, By: u.Name}}...)
		}
	}
	return stories.Plant(lines, s.days, cast)
}

type person struct{ upn, id, name string }

// people are the accounts of a story, in the order in which they come in.
func people(lines []stories.Line) []*person {
	var out []*person
	known := map[string]*person{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, names := range [][3]string{{"UserPrincipalName", "UserId", "UserDisplayName"}, {"userPrincipalName", "userId", "userDisplayName"}, {"userPrincipalName", "id", "-"}, {"AccountUpn", "AccountObjectId", "-"}, {"UserId", "-", "-"}} {
				upn, _ := v[names[0]].(string)
				if !strings.HasSuffix(upn, "@contoso.com") && !strings.HasSuffix(upn, "@tailwindtraders.com") {
					continue
				}
				p := known[upn]
				if p == nil {
					p = &person{upn: upn}
					known[upn] = p
					out = append(out, p)
				}
				if id, _ := v[names[1]].(string); p.id == "" && len(id) == 36 {
					p.id = id
				}
				if name, _ := v[names[2]].(string); p.name == "" {
					p.name = name
				}
			}
			for _, k := range slices.Sorted(maps.Keys(v)) {
				walk(v[k])
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		case string:
			if strings.HasPrefix(v, "{") || strings.HasPrefix(v, "[") {
				var inner any
				if json.Unmarshal([]byte(v), &inner) == nil {
					walk(inner)
				}
			}
		}
	}
	for _, l := range lines {
		var v any
		if json.Unmarshal([]byte(l.Text), &v) == nil {
			walk(v)
		}
	}
	return out
}

// Records returns the events of a story as a reader gives them.
func Records(lines []stories.Line) ([]event.Record, error) {
	var out []event.Record
	for _, l := range lines {
		d := json.NewDecoder(bytes.NewReader([]byte(l.Text)))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		src, ok := event.Detect(v)
		if !ok {
			return nil, fmt.Errorf("%s: nobody can tell what it is", l.ID)
		}
		out = append(out, event.Record{Event: event.Unwrap(v), Source: src, Time: l.Time, ID: l.ID})
	}
	return out, nil
}

// Merged returns the month with other events, which are in order of time, in
// it.
func Merged(month iter.Seq[benign.Event], others []event.Record) iter.Seq[event.Record] {
	return func(yield func(event.Record) bool) {
		for e := range month {
			for len(others) > 0 && others[0].Time.Before(e.Time) {
				if !yield(others[0]) {
					return
				}
				others = others[1:]
			}
			src := event.Source{Form: event.LogAnalytics, Table: e.Table}
			if strings.Contains(e.Table, ":") {
				src, _ = event.Detect(e.Record)
			}
			if !yield(event.Record{Event: e.Record, Source: src, Time: e.Time, ID: event.ID(e.Record, src)}) {
				return
			}
		}
		for _, r := range others {
			if !yield(r) {
				return
			}
		}
	}
}

// People returns who plays in near misses: those who are there all month, the
// privileged, and those whose work it is to administer applications or accounts.
func People(t *benign.Tenant) (people, privileged, approved []nearmiss.Person) {
	as := func(u *benign.User) nearmiss.Person { return nearmiss.Person{UPN: u.UPN, ID: u.ID, Name: u.Name} }
	for _, u := range t.Users {
		if !u.Admin && !u.Executive && u.Joins < 0 && u.Leaves < 0 {
			people = append(people, as(u))
		}
	}
	for _, u := range slices.Concat(t.Admins, t.Executives) {
		if u == t.Executives[0] { // plays in a story; what is new for them must stay so
			u = t.Executives[1]
		}
		privileged = append(privileged, as(u))
	}
	for _, u := range slices.Concat(t.Approvers(), t.AccountAdmins()) {
		approved = append(approved, as(u))
	}
	return people, privileged, approved
}
