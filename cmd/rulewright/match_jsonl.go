package main

import (
	"encoding/json"
	"time"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
)

// hitVersion is the version of the jsonl output. It goes up when a key changes
// its meaning or goes; new keys may come.
const hitVersion = 1

// hitLine is one line of the jsonl output; `rulewright schema hit` describes it.
type hitLine struct {
	Version    int                `json:"version"`
	ID         string             `json:"id"`
	Rule       string             `json:"rule"`
	Title      string             `json:"title"`
	Level      string             `json:"level,omitempty"`
	Tier       string             `json:"tier,omitempty"`
	Tags       []string           `json:"tags,omitempty"`
	Time       string             `json:"time,omitempty"`
	Source     hitSource          `json:"source"`
	Entities   []hitEntity        `json:"entities"`
	Selections []string           `json:"selections"`
	Matched    []compiler.Matched `json:"matched"`
	EventID    string             `json:"event_id,omitempty"`
	File       string             `json:"file,omitempty"`
	Line       int                `json:"line,omitempty"`
	Event      any                `json:"event"`

	// Of correlations.
	Group        []hitGroup        `json:"group,omitempty"`
	Window       *hitWindow        `json:"window,omitempty"`
	Value        json.Number       `json:"value,omitempty"`
	Before       json.Number       `json:"before,omitempty"`
	Counts       []hitCount        `json:"counts,omitempty"`
	NewValue     []hitGroup        `json:"new_value,omitempty"`
	Distinct     []hitDistinct     `json:"distinct,omitempty"`
	Contributing []hitContribution `json:"contributing,omitempty"`
	Repeats      int               `json:"repeats,omitempty"`
}

type hitGroup struct {
	Field string `json:"field"`
	Value string `json:"value"`
}

type hitWindow struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type hitCount struct {
	Rule  string `json:"rule"`
	Count int    `json:"count"`
}

type hitDistinct struct {
	Field string `json:"field"`
	Count int    `json:"count"`
}

type hitContribution struct {
	Rule       string     `json:"rule"`
	Title      string     `json:"title"`
	Input      int        `json:"input"`
	Time       string     `json:"time"`
	Hit        string     `json:"hit,omitempty"`
	EventID    string     `json:"event_id,omitempty"`
	Source     *hitSource `json:"source,omitempty"`
	Selections []string   `json:"selections,omitempty"`
	Account    string     `json:"account,omitempty"`
	IP         string     `json:"ip,omitempty"`
	File       string     `json:"file,omitempty"`
	Line       int        `json:"line,omitempty"`
}

type hitSource struct {
	Form  string `json:"form,omitempty"`
	Table string `json:"table,omitempty"`
}

type hitEntity struct {
	Type  string `json:"type"`
	Field string `json:"field"`
	Value string `json:"value"`
}

func (m *matching) writeHit(h *compiler.Hit, rec event.Record) error {
	l := hitLine{Version: hitVersion, ID: h.ID(), Rule: h.Rule.ID, Title: h.Rule.Title, Level: h.Rule.Level, Tier: h.Rule.Tier, Tags: h.Rule.Tags,
		Source: hitSource{string(h.Source.Form), h.Source.Table}, Selections: h.Selections(), Matched: h.Matched(), EventID: h.EventID(),
		Event: h.Event(), Entities: []hitEntity{}, Repeats: h.Repeats}
	if h.Event() != nil && h.EventID() == rec.ID && h.Time().Equal(rec.Time) { // not one that was held back
		l.File, l.Line = rec.File, rec.Line
	}
	if !h.Time().IsZero() {
		l.Time = h.Time().Format(time.RFC3339Nano)
	}
	for _, e := range h.Entities() {
		l.Entities = append(l.Entities, hitEntity{e.Type, e.Field, e.Value})
	}
	if l.Selections == nil {
		l.Selections = []string{}
	}
	if l.Matched == nil {
		l.Matched = []compiler.Matched{}
	}
	if m.correlations.is(h) {
		m.correlations.describe(h, &l)
	}
	return m.c.writeLine(l)
}
