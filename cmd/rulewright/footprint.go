package main

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/compiler/event"
)

// maxAccounts bounds the ids whose names are remembered.
const maxAccounts = 100_000

// footprint is what is kept of an event that a correlation may count.
type footprint struct {
	account, ip string
	file        string
	line        int
}

// Keys by which events name who did something and from where, those that say
// most first. They are looked for as they are, in folded form, at the top of an
// event and in the objects below it that describe the actor.
var (
	accountKeys = []string{"userprincipalname", "accountupn", "upn", "userid", "caller", "targetusername", "subjectusername", "user", "username", "accountname"}
	addressKeys = []string{"ipaddress", "clientip", "clientipaddress", "client_ipaddress", "calleripaddress", "actoripaddress", "remoteip", "sourceip", "src_ip"}
	idKeys      = []string{"userid", "sessionid"}
	actorKeys   = []string{"properties", "initiatedby", "user", "app", "event", "eventdata", "system", "raweventdata"}
)

// keep makes the footprint of an event.
func (x *correlations) keep(rec event.Record) any {
	f := &footprint{file: rec.File, line: rec.Line}
	found := map[string]string{}
	gather(found, rec.Event, 0, false)
	pick := func(keys []string) string {
		for _, k := range keys {
			if v := found[k]; v != "" {
				return v
			}
		}
		return ""
	}
	f.account, f.ip = pick(accountKeys), pick(addressKeys)
	if strings.Contains(f.account, "@") {
		for _, k := range idKeys {
			if v := found[k]; v != "" && v != f.account && len(x.accounts) < maxAccounts {
				x.accounts[strings.ToLower(v)] = f.account
			}
		}
	} else if name := x.accounts[strings.ToLower(f.account)]; name != "" {
		f.account = name
	}
	return f
}

// gather collects the texts at the keys that are looked for, first those of an
// object and then those of the objects below it; user: it is that of a user.
func gather(found map[string]string, v any, depth int, user bool) {
	if depth > 4 {
		return
	}
	var keys []string
	get := func(key string) any { return nil }
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			keys = append(keys, key)
		}
		get = func(key string) any { return v[key] }
	case event.Object:
		v.Keys(func(key string) bool { keys = append(keys, key); return true })
		get = func(key string) any { x, _ := v.Get(key); return x }
	case string: // columns may hold objects as text
		var below any
		if strings.HasPrefix(v, "{") && json.Unmarshal([]byte(v), &below) == nil {
			gather(found, below, depth+1, user)
		}
		return
	}
	slices.Sort(keys)
	for _, key := range keys {
		name := strings.ToLower(key)
		if user && name == "id" {
			name = "userid"
		}
		s, ok := get(key).(string)
		if ok && s != "" && found[name] == "" && (slices.Contains(accountKeys, name) || slices.Contains(addressKeys, name) || slices.Contains(idKeys, name)) {
			found[name] = s
		}
	}
	for _, key := range keys {
		if name := strings.ToLower(key); slices.Contains(actorKeys, name) {
			gather(found, get(key), depth+1, name == "user")
		}
	}
}

// fieldKind is the type of the entity that a field names, or "".
func fieldKind(field string) string {
	name := strings.ToLower(field)
	name = name[strings.LastIndexByte(name, '.')+1:]
	switch {
	case name == "account" || slices.Contains(accountKeys, name):
		return "account"
	case name == "ip" || slices.Contains(addressKeys, name):
		return "ip"
	case name == "computer" || name == "hostname" || name == "devicename":
		return "host"
	}
	return ""
}
