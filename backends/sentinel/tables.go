package sentinel

import (
	"bytes"
	_ "embed"
	"strings"
	"sync"
	"time"

	"gopkg.in/yaml.v3"
)

//go:embed tables.yaml
var tablesText []byte

// table is what artefacts need to know of a table.
type table struct {
	Delay     time.Duration
	Source    string
	Connector string
	Entities  []string // of a rule that names none: type, space, field
	Assets    []string // columns of a device, user or mailbox
	Report    bool     // has ReportId
}

type tableFacts struct {
	Sources     map[string]string
	Tables      map[string]table
	Default     table
	Identifiers map[string]string
}

var facts = sync.OnceValue(func() tableFacts {
	var f tableFacts
	d := yaml.NewDecoder(bytes.NewReader(tablesText))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		panic("sentinel: tables.yaml: " + err.Error()) // an embedded file
	}
	return f
})

func tableOf(name string) table {
	if t, ok := facts().Tables[name]; ok {
		return t
	}
	return facts().Default
}

// Delay returns how long after an event its row in a table can be read, and
// where the figure is from.
func Delay(table string) (d time.Duration, source string) {
	t := tableOf(table)
	return t.Delay, facts().Sources[t.Source]
}

// hasDevice reports whether the table is one whose rows name a device.
func hasDevice(table string) bool { return strings.HasPrefix(table, "Device") }
