package sentinel

import (
	"cmp"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// identify gives an artefact its id, version and a title that no other has.
func (e *exporter) identify(a *artefact, in Input, r *ir.Rule) error {
	m := r.Meta
	several := 0
	for _, x := range in.Rules {
		if !x.Inner {
			several++
		}
	}
	table := strings.Join(a.tables, "+")
	switch {
	case m.ID == "" && m.Title == "":
		return errors.New("a rule without id and title cannot be exported")
	case several == 1 && sigma.IsUUID(m.ID):
		a.id = strings.ToLower(m.ID)
	default:
		a.id = uuid5(cmp.Or(m.ID, m.Title), table, e.format.Pipeline())
	}
	if several > 1 {
		a.title = clip(m.Title, maxName-len(table)-3) + " (" + table + ")"
	} else {
		a.title = clip(m.Title, maxName)
	}
	if e.titles[a.title]++; e.titles[a.title] > 1 {
		tail := " [" + a.id[:8] + "]"
		a.title = clip(a.title, maxName-len(tail)) + tail
	}
	a.version = version(m)
	return nil
}

// version is the rule's own, or the day on which it was last changed, which
// rises when it is changed.
func version(m sigma.Meta) string {
	if m.Version != "" {
		return m.Version
	}
	if d, err := time.Parse("2006-01-02", strings.ReplaceAll(cmp.Or(m.Modified, m.Date), "/", "-")); err == nil {
		return fmt.Sprintf("%d.%d.%d", d.Year(), d.Month(), d.Day())
	}
	return "1.0.0"
}

// uuid5 is the name-based UUID (RFC 9562, version 5) of a query: in the
// namespace of the rule's id or, where that is no UUID, in one of our own.
func uuid5(id, table, target string) string {
	name := table + "/" + target
	space, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if !sigma.IsUUID(id) || err != nil {
		space, _ = hex.DecodeString("2c4a3b8a6f3e4d0c9a51c3f0b7e1d2a4")
		name = id + "/" + name
	}
	sum := sha1.Sum(append(space, name...))
	sum[6], sum[8] = sum[6]&0x0f|0x50, sum[8]&0x3f|0x80
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// fileName names a file after a title.
func (e *exporter) fileName(title, id, ext string) string {
	name := sigma.Slug(title)
	if name == "" || e.files[name] {
		name = strings.Trim(name+"-"+id, "-")
	}
	e.files[name] = true
	return name + ext
}
