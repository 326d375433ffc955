package sentinel

import (
	"bytes"
	"encoding/csv"
	"strings"

	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/sigma"
)

// WatchlistColumn is the column of an exported watchlist that holds the values,
// and its search key.
const WatchlistColumn = "Value"

// watchlists writes the parameters of the rules that are lists: a template and
// a CSV file for each that has values.
func (e *exporter) watchlists(inputs []Input) {
	type parameter struct {
		ir.Binding
		rule *ir.Rule
	}
	var order []string
	of := map[string]parameter{}
	var add func(r *ir.Rule)
	add = func(r *ir.Rule) {
		for _, b := range r.Source.Parameters {
			if _, ok := of[b.Name]; !ok {
				of[b.Name] = parameter{b, r}
				order = append(order, b.Name)
			}
		}
		if r.Correlation != nil {
			for _, in := range r.Correlation.Inputs {
				for _, t := range in.Taps {
					add(t.Rule)
				}
			}
		}
	}
	for _, in := range inputs {
		for _, r := range in.Rules {
			add(r)
		}
	}
	for _, name := range order {
		p := of[name]
		def := e.definition(name)
		left := func(reason string) { e.set.Left = append(e.set.Left, Left{Title: "parameter " + name, Reason: reason}) }
		switch {
		case !def.List:
			left("it is no list")
			continue
		case def.Type != "" && def.Type != "string" && def.Type != "pattern" && def.Type != "ip" && def.Type != "cidr":
			left("a query reads no " + def.Type + " from a watchlist")
			continue
		case len(p.Values) == 0:
			left("it has no value")
			continue
		}
		alias := name
		if p.Watchlist != "" {
			alias = p.Watchlist
		}
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		w.Write([]string{WatchlistColumn})
		for _, v := range p.Values {
			w.Write([]string{valueText(v)})
		}
		w.Flush()
		if b.Len() > maxWatchlist {
			e.report(sigma.SeverityError, sigma.CodeLimit, p.rule, "upload the CSV file of a shorter list", "the watchlist %s has %d bytes; a deployment takes %d", name, b.Len(), maxWatchlist)
			continue
		}
		id := uuid5(name, "watchlist", e.format.Pipeline())
		props := object{{"displayName", name}, {"description", clip(strings.TrimSpace(def.Description), maxDescription)}, {"provider", "Rulewright"},
			{"source", name + ".csv"}, {"itemsSearchKey", WatchlistColumn}, {"contentType", "text/csv"}, {"numberOfLinesToSkip", 0}, {"rawContent", b.String()}}
		resource := object{{"type", "Microsoft.OperationalInsights/workspaces/providers/watchlists"}, {"apiVersion", watchlistsAPI},
			{"name", expression{arm: "concat(parameters('workspace'), '/Microsoft.SecurityInsights/" + alias + "')"}}, {"properties", props}}
		data := jsonText(templateOf(object{{"workspace", object{{"type", "string"}, {"metadata", object{{"description", workspaceText}}}}}}, "1.0.0", resource), true)
		file := e.fileName(name, id, ".json")
		e.set.Files = append(e.set.Files, File{file, data}, File{strings.TrimSuffix(file, ".json") + ".csv", b.Bytes()})
		e.set.Manifest.add(Entry{ID: id, Kind: "watchlist", File: file, Title: name, Version: "1.0.0", Text: digest(data),
			Parameters: map[string][]string{name: bindings(p.rule)[name]}}, p.rule)
	}
}

func (e *exporter) definition(name string) sigma.Parameter {
	for _, p := range e.opts.Parameters {
		if p.Name == name {
			return p
		}
	}
	return sigma.Parameter{Name: name, List: true}
}
