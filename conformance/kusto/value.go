package kusto

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Datetime is an instant: 100-nanosecond ticks since midnight of 1 January of
// the year 1, UTC.
type Datetime int64

// Timespan is a length of time in ticks of 100 nanoseconds.
type Timespan int64

// GUID is a 128-bit identifier in the order of its text.
type GUID [16]byte

const (
	tick        = Timespan(1)
	microsecond = 10 * tick
	millisecond = 1000 * microsecond
	second      = 1000 * millisecond
	minute      = 60 * second
	hour        = 60 * minute
	day         = 24 * hour

	unixDays    = 719162 // from the year 1 to 1970
	maxDatetime = Datetime(3652059*int64(day) - 1)
)

// DatetimeOf is the datetime of a time, to the tick.
func DatetimeOf(t time.Time) Datetime {
	return Datetime(t.Unix()*int64(second) + int64(t.Nanosecond()/100) + unixDays*int64(day))
}

// Time is the time of a datetime, in UTC.
func (d Datetime) Time() time.Time {
	n := int64(d) - unixDays*int64(day)
	s := n / int64(second)
	r := n % int64(second)
	if r < 0 {
		s, r = s-1, r+int64(second)
	}
	return time.Unix(s, r*100).UTC()
}

func (d Datetime) valid() bool { return d >= 0 && d <= maxDatetime }

func (d Datetime) String() string { return d.Time().Format("2006-01-02T15:04:05.0000000Z") }

// String gives [-][d.]hh:mm:ss[.fffffff].
func (t Timespan) String() string {
	var b []byte
	u := uint64(t)
	if t < 0 {
		b, u = append(b, '-'), -u
	}
	if d := u / uint64(day); d > 0 {
		b = append(strconv.AppendUint(b, d, 10), '.')
	}
	b = two(b, u/uint64(hour)%24)
	b = append(b, ':')
	b = two(b, u/uint64(minute)%60)
	b = append(b, ':')
	b = two(b, u/uint64(second)%60)
	if f := u % uint64(second); f > 0 {
		s := strconv.FormatUint(f+uint64(second), 10)
		b = append(append(b, '.'), s[1:]...)
	}
	return string(b)
}

func two(b []byte, n uint64) []byte { return append(b, byte('0'+n/10%10), byte('0'+n%10)) }

func (g GUID) String() string {
	var b [36]byte
	hex.Encode(b[:8], g[:4])
	hex.Encode(b[9:13], g[4:6])
	hex.Encode(b[14:18], g[6:8])
	hex.Encode(b[19:23], g[8:10])
	hex.Encode(b[24:], g[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// ParseGUID reads 32 hexadecimal digits; hyphens may stand where a written
// GUID has them.
func ParseGUID(s string) (GUID, bool) {
	g, rest, ok := guidAhead(s)
	return g, ok && rest == ""
}

// guidAhead reads a GUID and returns the text behind it.
func guidAhead(s string) (g GUID, rest string, ok bool) {
	digits := make([]byte, 0, 32)
	for i := 0; i < len(s) && len(digits) < 32; i++ {
		if n := len(digits); s[i] == '-' && i > 0 && s[i-1] != '-' && (n == 8 || n == 12 || n == 16 || n == 20) {
			rest = s[i+1:]
			continue
		}
		digits = append(digits, s[i])
		rest = s[i+1:]
	}
	n, err := hex.Decode(g[:], digits)
	return g, rest, err == nil && n == len(g)
}

// realText is the shortest text that reads back as the number.
func realText(f float64, point bool) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	if a := math.Abs(f); a != 0 && (a >= 1e15 || a < 1e-4) {
		m, e, _ := strings.Cut(strconv.FormatFloat(f, 'E', -1, 64), "E")
		if len(e) > 1 && e[1] == '0' && len(e) < 3 {
			e = e[:1] + "0" + e[1:]
		}
		return m + "E" + e
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if point && !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// text is tostring() of a value.
func (c Choices) text(v Value) string {
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	case bool:
		return strconv.FormatBool(x)
	case int32:
		return strconv.FormatInt(int64(x), 10)
	case int64:
		return strconv.FormatInt(x, 10)
	case float64:
		return realText(x, c.RealPoint)
	case Datetime:
		return x.String()
	case Timespan:
		return x.String()
	case GUID:
		return x.String()
	}
	return string(appendJSON(nil, v))
}

// appendJSON writes a dynamic value as JSON, keys sorted. A whole real number
// in it ends in ".0".
func appendJSON(b []byte, v Value) []byte {
	switch x := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, x)
	case int32:
		return strconv.AppendInt(b, int64(x), 10)
	case int64:
		return strconv.AppendInt(b, x, 10)
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return appendQuoted(b, realText(x, true))
		}
		return append(b, realText(x, true)...)
	case string:
		return appendQuoted(b, x)
	case Datetime:
		return appendQuoted(b, x.String())
	case Timespan:
		return appendQuoted(b, x.String())
	case GUID:
		return appendQuoted(b, x.String())
	case []any:
		b = append(b, '[')
		for i, e := range x {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, e)
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		for i, k := range sortedKeys(x) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendQuoted(b, k), ':')
			b = appendJSON(b, x[k])
		}
		return append(b, '}')
	}
	return b
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func appendQuoted(b []byte, s string) []byte {
	const hexd = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, '\\', 'n')
		case r == '\r':
			b = append(b, '\\', 'r')
		case r == '\t':
			b = append(b, '\\', 't')
		case r == '\b':
			b = append(b, '\\', 'b')
		case r == '\f':
			b = append(b, '\\', 'f')
		case r < 0x20:
			b = append(b, '\\', 'u', '0', '0', hexd[r>>4], hexd[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

// parseJSON is parse_json() of a string: text that is no JSON stays a string,
// empty text is null.
func parseJSON(s string) Value {
	t := strings.TrimLeft(s, " \t\r\n")
	if t == "" {
		return nil
	}
	switch c := t[0]; {
	case c == '{' || c == '[' || c == '"' || c == '-' || c >= '0' && c <= '9':
	case strings.HasPrefix(t, "true") || strings.HasPrefix(t, "false") || strings.HasPrefix(t, "null"):
	default:
		return s
	}
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return s
	}
	if strings.Trim(s[dec.InputOffset():], " \t\r\n") != "" {
		return s
	}
	d, err := dynamicOf(v, 0)
	if err != nil {
		return s
	}
	return d
}

func jsonNumber(n json.Number) Value {
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		return i
	}
	f, _ := strconv.ParseFloat(string(n), 64)
	return f
}

// toDynamic is a typed value as a dynamic one.
func toDynamic(v Value) Value {
	if x, ok := v.(int32); ok {
		return int64(x)
	}
	return v
}

// kind names what a dynamic value holds, as gettype() does.
func (c Choices) kind(v Value) string {
	switch x := v.(type) {
	case nil:
		return "null"
	case bool:
		return "bool"
	case int64:
		if !c.JSONLong && int64(int32(x)) == x {
			return "int"
		}
		return "long"
	case float64:
		return "real"
	case string:
		return "string"
	case Datetime:
		return "datetime"
	case Timespan:
		return "timespan"
	case GUID:
		return "guid"
	case []any:
		return "array"
	}
	return "dictionary"
}

// sameKind reports whether two dynamic values are of one kind, so that
// equality between them says something; numbers are of one kind.
func sameKind(a, b Value) bool {
	switch a.(type) {
	case bool:
		_, ok := b.(bool)
		return ok
	case int64, float64:
		switch b.(type) {
		case int64, float64:
			return true
		}
		return false
	case string:
		_, ok := b.(string)
		return ok
	case Datetime:
		_, ok := b.(Datetime)
		return ok
	case Timespan:
		_, ok := b.(Timespan)
		return ok
	case GUID:
		_, ok := b.(GUID)
		return ok
	}
	return false
}

// sameDynamic is equality of dynamic values in sets and arrays.
func sameDynamic(a, b Value) bool {
	switch x := a.(type) {
	case []any:
		y, ok := b.([]any)
		return ok && len(x) == len(y) && bytes.Equal(appendJSON(nil, x), appendJSON(nil, y))
	case map[string]any:
		y, ok := b.(map[string]any)
		return ok && len(x) == len(y) && bytes.Equal(appendJSON(nil, x), appendJSON(nil, y))
	case int64:
		if y, ok := b.(float64); ok {
			return float64(x) == y
		}
	case float64:
		if y, ok := b.(int64); ok {
			return x == float64(y)
		}
	}
	switch b.(type) {
	case []any, map[string]any:
		return false
	}
	return a == b
}

// appendKey writes what tells a value from the others of its type, for
// grouping and joining.
func appendKey(b []byte, v Value) []byte {
	switch x := v.(type) {
	case nil:
		return append(b, 'n', 0)
	case string:
		b = append(b, 's')
		b = strconv.AppendInt(b, int64(len(x)), 10)
		return append(append(b, ':'), x...)
	case bool:
		if x {
			return append(b, 't', 0)
		}
		return append(b, 'f', 0)
	case int32:
		return append(strconv.AppendInt(append(b, 'i'), int64(x), 36), 0)
	case int64:
		return append(strconv.AppendInt(append(b, 'i'), x, 36), 0)
	case float64:
		if x == 0 {
			x = 0
		}
		return append(strconv.AppendUint(append(b, 'r'), math.Float64bits(x), 36), 0)
	case Datetime:
		return append(strconv.AppendInt(append(b, 'd'), int64(x), 36), 0)
	case Timespan:
		return append(strconv.AppendInt(append(b, 'p'), int64(x), 36), 0)
	case GUID:
		return append(append(b, 'g'), x[:]...)
	}
	b = append(b, 'j')
	j := appendJSON(nil, v)
	b = strconv.AppendInt(b, int64(len(j)), 10)
	return append(append(b, ':'), j...)
}

func whole(v Value) int64 {
	switch x := v.(type) {
	case int64:
		return x
	case int32:
		return int64(x)
	}
	return 0
}

func number(v Value) float64 {
	if f, ok := v.(float64); ok {
		return f
	}
	return float64(whole(v))
}

// compare orders two values of one orderable type, neither null.
func compare(a, b Value) int {
	switch x := a.(type) {
	case string:
		return strings.Compare(x, b.(string))
	case Datetime:
		return order(int64(x), int64(b.(Datetime)))
	case Timespan:
		return order(int64(x), int64(b.(Timespan)))
	case bool:
		y := b.(bool)
		switch {
		case x == y:
			return 0
		case y:
			return -1
		}
		return 1
	case GUID:
		y := b.(GUID)
		return bytes.Compare(x[:], y[:])
	}
	_, fa := a.(float64)
	_, fb := b.(float64)
	if fa || fb {
		x, y := number(a), number(b)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	return order(whole(a), whole(b))
}

func order(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
