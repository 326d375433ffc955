package compiler

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
	"github.com/rulewright/rulewright/internal/rawjson"
)

// allTexts returns the folded text forms of all scalar leaves, one behind the
// other, and whether they are ASCII. What stands in none of them seldom stands in
// it, and what stands in one of them always: it is where keywords are looked for
// first. Of an object's equal keys in raw JSON all are there.
func (s *subject) allTexts() ([]byte, bool) {
	if !s.joined {
		s.joined, s.textsASCII = true, true
		s.join(s.value, 0)
	}
	return s.texts, s.textsASCII
}

// forgetTexts makes room for the texts of another event.
func (s *subject) forgetTexts() {
	if cap(s.texts) > maxKeptArena {
		s.texts = nil
	}
	s.joined, s.texts = false, s.texts[:0]
}

// betweenTexts stands between two texts.
const betweenTexts = 0

// join appends the folded text forms of all scalar leaves to s.texts.
func (s *subject) join(v any, depth int) {
	c := s.cursor
	if !c.spend(1) || depth > maxValueDepth {
		return
	}
	switch v := plain(v).(type) {
	case nil:
	case string:
		joinText(s, v)
	case []any:
		for _, x := range v {
			s.join(x, depth+1)
		}
	case map[string]any:
		for _, x := range v {
			s.join(x, depth+1)
		}
	case *rawjson.Value:
		switch v.Kind {
		case rawjson.List, rawjson.Object:
			for x := v.First; x != nil; x = x.Next {
				s.join(x, depth+1)
			}
		case rawjson.String:
			joinText(s, c.rawText(v.Text, v.Escaped, v.Wide))
		default:
			if _, ok := shortInteger(v.Text); ok {
				joinText(s, v.Text)
				return
			}
			s.joinScalar(json.Number(v.Text))
		}
	case event.Object:
		v.Keys(func(k string) bool {
			x, _ := v.Get(k)
			s.join(x, depth+1)
			return c.cost >= 0
		})
	default:
		s.joinScalar(v)
	}
}

func (s *subject) joinScalar(v any) {
	x := toScalar(v)
	joinText(s, x.plainForm(s.cursor))
}

// joinText appends a folded text; what is no UTF-8 folds to what it is replaced
// by.
func joinText[Text string | []byte](s *subject, text Text) {
	from, to := len(s.texts), len(s.texts)+len(text)
	s.texts = slices.Grow(s.texts, len(text)+1)[:to]
	if !ir.FoldASCII(s.texts[from:], text) {
		s.textsASCII = false
		s.texts = ir.AppendFold(s.texts[:from], text)
	}
	s.texts = append(s.texts, betweenTexts)
}

// rulesOut says that none of the values that a keyword search looks for stands in
// the texts of all leaves, where the index has made these.
func (l *leaf) rulesOut(s *subject) bool {
	if !s.joined || s.element || l.cased || len(l.needles) == 0 || len(l.refs) > 0 || s.cursor.cost < 0 {
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
