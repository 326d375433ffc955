package conformance_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rulewright/rulewright/sigma"
)

// TestSigmaHQRegressionRows puts SigmaHQ's regression events, written as the
// rows that a workspace and advanced hunting have of them, to the queries of
// the rules that they were published for.
func TestSigmaHQRegressionRows(t *testing.T) {
	docs := map[string]*sigma.Document{}
	eachSigmaHQRule(t, func(path string, doc *sigma.Document) { docs[doc.Meta.ID] = doc })
	root := filepath.Join("..", "..", "shared", "data", "sigmahq", "regression")
	text, err := os.ReadFile(filepath.Join(root, "manifest.json"))
	if err != nil {
		t.Skip(err)
	}
	var manifest []struct {
		RuleID string `json:"rule_id"`
		File   string
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	asked := map[string]int{}
	for _, m := range manifest {
		doc := docs[m.RuleID]
		if doc == nil {
			continue
		}
		f, err := os.Open(filepath.Join(root, m.File))
		if err != nil {
			t.Fatal(err)
		}
		rows := map[string][]any{}
		for d := json.NewDecoder(f); d.More(); {
			var raw struct {
				Event struct {
					System    map[string]any
					EventData map[string]any
				}
			}
			d.UseNumber()
			if err := d.Decode(&raw); err != nil {
				t.Fatal(m.File, err)
			}
			w := windowsRow(raw.Event.System, raw.Event.EventData)
			rows["WindowsEvent"] = append(rows["WindowsEvent"], w)
			if id := w["EventID"]; fmt.Sprint(id) == "1" {
				d := raw.Event.EventData
				rows["SecurityEvent"] = append(rows["SecurityEvent"], map[string]any{"Type": "SecurityEvent", "EventID": 4688, "Channel": "Security",
					"NewProcessName": d["Image"], "CommandLine": d["CommandLine"], "ParentProcessName": d["ParentImage"]})
			}
			if table, row := deviceRow(w["EventID"], w["EventData"].(map[string]any)); table != "" {
				rows[table] = append(rows[table], row)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		for _, at := range []struct{ pipeline, table string }{
			{"sentinel", "WindowsEvent"}, {"sentinel", "SecurityEvent"}, {"sentinel", "DeviceProcessEvents"}, {"defender", "DeviceProcessEvents"},
			{"defender", "DeviceRegistryEvents"}, {"defender", "DeviceFileEvents"}, {"defender", "DeviceImageLoadEvents"}, {"defender", "DeviceNetworkEvents"},
		} {
			p := mustPipeline(t, at.pipeline)
			if len(rows[at.table]) == 0 || !hasTable(doc, p, at.table) {
				continue
			}
			asked[at.pipeline+" "+at.table]++
			fires(t, doc, p, at.table, rows[at.table]...)
		}
	}
	t.Logf("rules asked: %v", asked)
	if asked["sentinel WindowsEvent"] < 80 {
		t.Errorf("only %d of the rules have a query over WindowsEvent", asked["sentinel WindowsEvent"])
	}
}

// windowsRow is an event as table WindowsEvent has it.
func windowsRow(system, data map[string]any) map[string]any {
	attribute := func(key, name string) any {
		m, _ := system[key].(map[string]any)
		a, _ := m["#attributes"].(map[string]any)
		return a[name]
	}
	id := system["EventID"]
	if m, ok := id.(map[string]any); ok {
		id = m["#text"]
	}
	texts := map[string]any{}
	for k, v := range data {
		if !strings.HasPrefix(k, "#") && v != nil {
			texts[k] = fmt.Sprint(v)
		}
	}
	return map[string]any{"Type": "WindowsEvent", "TimeGenerated": attribute("TimeCreated", "SystemTime"), "Channel": system["Channel"],
		"Computer": system["Computer"], "Provider": attribute("Provider", "Name"), "EventID": id, "EventData": texts}
}

// deviceRow is an event of Sysmon as the Device tables have it: their names,
// hives in full, the value's name apart from its key, paths of acting
// processes in small letters. "": they have no such event.
func deviceRow(id any, data map[string]any) (string, map[string]any) {
	text := func(key string) string { s, _ := data[key].(string); return s }
	domain, name, _ := strings.Cut(text("User"), `\`)
	row := map[string]any{"Timestamp": "2026-03-02T09:14:07Z", "TimeGenerated": "2026-03-02T09:14:07Z",
		"InitiatingProcessFolderPath": strings.ToLower(text("Image")), "InitiatingProcessAccountDomain": strings.ToLower(domain),
		"InitiatingProcessAccountName": strings.ToLower(name)}
	with := func(table, action string, more map[string]any) (string, map[string]any) {
		for k, v := range more {
			row[k] = v
		}
		row["ActionType"] = action
		return table, row
	}
	registry := func(action string, value bool) (string, map[string]any) {
		key, name := text("TargetObject"), ""
		if i := strings.LastIndexByte(key, '\\'); value && i >= 0 {
			key, name = key[:i], key[i+1:]
		}
		hive, rest, _ := strings.Cut(key, `\`)
		hive = map[string]string{"HKLM": "HKEY_LOCAL_MACHINE", "HKCR": "HKEY_CLASSES_ROOT", "HKU": "HKEY_CURRENT_USER"}[hive]
		if head, tail, ok := strings.Cut(rest, `CurrentControlSet\`); ok && strings.EqualFold(head, `System\`) {
			rest = `SYSTEM\ControlSet001\` + tail
		}
		return with("DeviceRegistryEvents", action, map[string]any{"RegistryKey": hive + `\` + rest, "RegistryValueName": name})
	}
	switch fmt.Sprint(id) {
	case "1":
		parentDomain, parentName, _ := strings.Cut(text("ParentUser"), `\`)
		row["InitiatingProcessAccountDomain"], row["InitiatingProcessAccountName"] = strings.ToLower(parentDomain), strings.ToLower(parentName)
		return with("DeviceProcessEvents", "ProcessCreated", map[string]any{"FolderPath": text("Image"), "ProcessCommandLine": text("CommandLine"),
			"InitiatingProcessFolderPath": strings.ToLower(text("ParentImage")), "InitiatingProcessCommandLine": text("ParentCommandLine"),
			"ProcessIntegrityLevel": text("IntegrityLevel"), "ProcessVersionInfoOriginalFileName": text("OriginalFileName"),
			"ProcessVersionInfoCompanyName": text("Company"), "ProcessVersionInfoProductName": text("Product"),
			"ProcessVersionInfoFileDescription": text("Description"), "AccountDomain": strings.ToLower(domain), "AccountName": strings.ToLower(name)})
	case "3":
		return with("DeviceNetworkEvents", "ConnectionSuccess", map[string]any{"RemoteIP": text("DestinationIp"), "RemoteUrl": text("DestinationHostname"),
			"RemotePort": json.Number(text("DestinationPort")), "LocalIP": text("SourceIp"), "Protocol": text("Protocol")})
	case "7":
		return with("DeviceImageLoadEvents", "ImageLoaded", map[string]any{"FolderPath": text("ImageLoaded")})
	case "11":
		return with("DeviceFileEvents", "FileCreated", map[string]any{"FolderPath": text("TargetFilename")})
	case "12":
		if text("EventType") == "CreateKey" {
			return registry("RegistryKeyCreated", false)
		}
		return registry("RegistryValueDeleted", true)
	case "13":
		return registry("RegistryValueSet", true)
	}
	return "", nil
}
