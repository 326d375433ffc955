package compiler

import (
	"fmt"
	"time"

	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/compiler/ir"
)

// A field is an ir.Field made ready to be read from events.
type field struct {
	leaves bool
	route  route
	ip     bool
	derive *derivation
	// slot numbers the field among those of a set, as leaf.id does leaves.
	slot int
}

// derivation is an ir.Derivation made ready.
type derivation struct {
	kind  ir.DerivationKind
	zone  *time.Location
	unit  int64
	since route
}

func newField(f ir.Field) (*field, error) {
	x := &field{leaves: f.Leaves, ip: f.Type == ir.TypeIP, slot: -1}
	var err error
	if x.route, err = newRoute(f.Path); err != nil {
		return nil, err
	}
	if d := f.Derive; d != nil {
		x.derive = &derivation{kind: d.Kind, zone: time.UTC, unit: d.Unit}
		if d.Zone != "" {
			if x.derive.zone, err = loadZone(d.Zone); err != nil {
				return nil, err
			}
		}
		if d.Kind == ir.Duration {
			if d.Since == nil || d.Unit <= 0 {
				return nil, fmt.Errorf("a duration wants a unit and a field to be measured from")
			}
			if x.derive.since, err = newRoute(*d.Since); err != nil {
				return nil, err
			}
		}
	}
	return x, nil
}

// isPlain says whether the field is what one key holds, as it stands.
func (f *field) isPlain() bool {
	return !f.leaves && f.derive == nil && len(f.route) == 1 && f.route[0].plain
}

// read collects what the field yields from an event or element.
func (f *field) read(c *cursor, v any, y *yielded) {
	if f.leaves {
		y.present = true
		c.leaves(v, y, 0)
		return
	}
	c.yield(v, f.route, y)
	if f.derive == nil {
		return
	}
	times := y.scalars
	y.scalars, y.object = nil, false // numbers only
	var since yielded
	if f.derive.kind == ir.Duration {
		c.yield(v, f.derive.since, &since)
	}
	for i := range times {
		t, ok := scalarTime(&times[i])
		if !ok {
			continue
		}
		if f.derive.kind != ir.Duration {
			y.scalars = append(y.scalars, numberScalarOf(timePart(t.In(f.derive.zone), f.derive.kind)))
			continue
		}
		for j := range since.scalars {
			if !c.spend(1) {
				return
			}
			if from, ok := scalarTime(&since.scalars[j]); ok {
				y.scalars = append(y.scalars, numberScalarOf(duration(from, t, f.derive.unit)))
			}
		}
	}
}

func scalarTime(x *scalar) (time.Time, bool) {
	if x.kind != textScalar {
		return time.Time{}, false
	}
	return event.ParseTime(x.textForm())
}

func timePart(t time.Time, kind ir.DerivationKind) ir.Number {
	n := 0
	switch kind {
	case ir.Minute:
		n = t.Minute()
	case ir.Hour:
		n = t.Hour()
	case ir.Day:
		n = t.Day()
	case ir.Weekday:
		n = (int(t.Weekday())+6)%7 + 1
	case ir.Week:
		_, n = t.ISOWeek()
	case ir.Month:
		n = int(t.Month())
	case ir.Year:
		n = t.Year()
	}
	return ir.Number{IsInt: true, Int: int64(n)}
}

// duration is the time between two instants in units of so many seconds.
func duration(from, to time.Time, unit int64) ir.Number {
	seconds := to.Unix() - from.Unix()
	nanos := to.Nanosecond() - from.Nanosecond()
	if nanos == 0 && seconds%unit == 0 {
		return ir.Number{IsInt: true, Int: seconds / unit}
	}
	return ir.Number{Float: (float64(seconds) + float64(nanos)/1e9) / float64(unit)}
}
