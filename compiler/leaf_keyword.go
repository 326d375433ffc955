package compiler

import (
	"bytes"
	"encoding/json"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/internal/rawjson"
)

// allTexts returns the folded text forms of all scalar leaves, one behind the
// other, and whether they are ASCII. What stands in none of them seldom stands in
// it, and what stands in one of them always: it is where keywords are looked for
// first. Of an object's equal keys in raw JSON all are there.
func (s *subject) allTexts() ([]byte, bool) {
	if s.texts == nil {
		c := s.cursor
		c.joined = c.joined[:0]
		c.join(s.value, 0)
		if s.texts, s.textsASCII = foldInto(&c.arena, c.joined); s.texts == nil {
			s.texts = []byte{}
		}
		if cap(c.joined) > maxKeptArena {
			c.joined = nil
		}
	}
	return s.texts, s.textsASCII
}

// betweenTexts stands between two texts.
const betweenTexts = 0

// join appends the text forms of all scalar leaves to c.joined.
func (c *cursor) join(v any, depth int) {
	if !c.spend(1) || depth > maxValueDepth {
		return
	}
	switch v := plain(v).(type) {
	case nil:
	case string:
		c.joined = append(append(c.joined, validText(v)...), betweenTexts)
	case []any:
		for _, x := range v {
			c.join(x, depth+1)
		}
	case map[string]any:
		for _, x := range v {
			c.join(x, depth+1)
		}
	case *rawjson.Value:
		switch v.Kind {
		case rawjson.List, rawjson.Object:
			for x := v.First; x != nil; x = x.Next {
				c.join(x, depth+1)
			}
		case rawjson.String:
			c.joined = append(append(c.joined, c.rawText(v.Text, v.Escaped, v.Wide)...), betweenTexts)
		default:
			if _, ok := shortInteger(v.Text); ok {
				c.joined = append(append(c.joined, v.Text...), betweenTexts)
				return
			}
			c.joinScalar(json.Number(v.Text))
		}
	case event.Object:
		v.Keys(func(k string) bool {
			x, _ := v.Get(k)
			c.join(x, depth+1)
			return c.cost >= 0
		})
	default:
		c.joinScalar(v)
	}
}

func (c *cursor) joinScalar(v any) {
	x := toScalar(v)
	c.joined = append(append(c.joined, x.plainForm(c)...), betweenTexts)
}

// rulesOut says that none of the values that a keyword search looks for stands in
// the texts of all leaves, where the index has made these.
func (l *leaf) rulesOut(s *subject) bool {
	if s.texts == nil || s.element || l.cased || len(l.needles) == 0 || len(l.refs) > 0 || s.cursor.cost < 0 {
		return false
	}
	searches := 1
	if l.keywords == nil {
		searches = len(l.needles)
	}
	if !s.cursor.spend(searches * (len(s.texts) / bytesAStep)) {
		return true
	}
	if l.keywords != nil {
		return !l.keywords.any(s.texts, s.textsASCII)
	}
	for _, n := range l.needles {
		if bytes.Contains(s.texts, n) {
			return false
		}
	}
	return true
}
