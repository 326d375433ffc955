// Package stories plants told attacks in the life of an organisation, and tells
// them otherwise: with another rule name, another address, at another pace. What
// a rule pack finds of a story it must find of each telling.
//
// A story is a file of JSON lines, one event each, in whatever form the events
// come; those of conformance/scenarios are meant. Changes are made to the text
// of a line, so that an address is another one wherever it stands, also in JSON
// that an event keeps as a string.
package stories

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
)

// Line is an event of a story.
type Line struct {
	Text string
	Time time.Time
	ID   string // the event's own; of a hit, too
}

// Read reads a story. Events without a time or an id cannot be planted or told
// apart, and are errors.
func Read(name string, data []byte) ([]Line, error) {
	var lines []Line
	for i, text := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		l, err := lineOf(text)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, i+1, err)
		}
		lines = append(lines, l)
	}
	return lines, nil
}

func lineOf(text string) (Line, error) {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	var ev any
	if err := d.Decode(&ev); err != nil {
		return Line{}, err
	}
	src, ok := event.Detect(ev)
	if !ok {
		return Line{}, fmt.Errorf("no form of an event that is known")
	}
	t, ok := event.Time(ev, src)
	if !ok {
		return Line{}, fmt.Errorf("no time")
	}
	id := event.ID(ev, src)
	if id == "" {
		return Line{}, fmt.Errorf("no id")
	}
	return Line{text, t, id}, nil
}

// Cast says who plays whom: texts of the story and what stands in their place.
type Cast []struct{ Of, By string }

// Plant puts a story into another tenant and time: the cast plays it, days
// later. The hours stay.
func Plant(lines []Line, days int, cast Cast) ([]Line, error) {
	var pairs []string
	for _, c := range cast {
		pairs = append(pairs, c.Of, c.By)
	}
	r := strings.NewReplacer(pairs...)
	return edited(lines, func(_ int, text string) string {
		return delayed(r.Replace(text), time.Duration(days)*24*time.Hour)
	})
}

// moment is a time as the events write it, up to the second; what follows stays.
var moment = regexp.MustCompile(`20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d`)

// delayed moves all times in a text.
func delayed(text string, by time.Duration) string {
	return moment.ReplaceAllStringFunc(text, func(m string) string {
		const form = "2006-01-02T15:04:05"
		t, err := time.Parse(form, m)
		if err != nil {
			return m
		}
		return t.Add(by).Format(form)
	})
}

// edited applies a change to each line and puts the result in order of time.
func edited(lines []Line, change func(i int, text string) string) ([]Line, error) {
	out := make([]Line, len(lines))
	for i, l := range lines {
		var err error
		if out[i], err = lineOf(change(i, l.Text)); err != nil {
			return nil, fmt.Errorf("event %s: %w", l.ID, err)
		}
	}
	inOrder(out)
	return out, nil
}

func inOrder(lines []Line) {
	slices.SortStableFunc(lines, func(a, b Line) int { return a.Time.Compare(b.Time) })
}
