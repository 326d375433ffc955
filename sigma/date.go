package sigma

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Date is what a date with wildcards stands for: all days whose year, month and
// day of the month are among these, ascending. A nil list is any.
type Date struct{ Years, Months, Days []int }

// ParseDate reads a date of the form year-month-day, such as 2026-05-14. A
// question mark stands for any digit: ????-12-25 is that day of every year,
// 2026-05-?? all of May. A day that no year has is an error.
func ParseDate(text string) (Date, error) {
	if len(text) != len("2006-01-02") || text[4] != '-' || text[7] != '-' {
		return Date{}, fmt.Errorf("%q is no date such as 2026-05-14", text)
	}
	var d Date
	for _, part := range []struct {
		pattern  string
		from, to int
		into     *[]int
	}{{text[:4], 1, 9999, &d.Years}, {text[5:7], 1, 12, &d.Months}, {text[8:], 1, 31, &d.Days}} {
		if strings.Trim(part.pattern, "?0123456789") != "" {
			return Date{}, fmt.Errorf("%q is no date such as 2026-05-14", text)
		}
		if strings.Trim(part.pattern, "?") == "" {
			continue
		}
		*part.into = []int{}
		for n := part.from; n <= part.to; n++ {
			if digitsFit(part.pattern, n) {
				*part.into = append(*part.into, n)
			}
		}
		if len(*part.into) > maxDateYears {
			return Date{}, fmt.Errorf("%q stands for too many years; write all or none of the first two digits of the year", text)
		}
	}
	if !d.occurs() {
		return Date{}, fmt.Errorf("there is no day %s", text)
	}
	return d, nil
}

// maxDateYears bounds the years that a date lists: those of a century.
const maxDateYears = 100

func digitsFit(pattern string, n int) bool {
	digits := fmt.Sprintf("%0*d", len(pattern), n)
	for i := range len(pattern) {
		if pattern[i] != '?' && pattern[i] != digits[i] {
			return false
		}
	}
	return true
}

// occurs reports whether there is such a day.
func (d Date) occurs() bool {
	orAny := func(list []int, all ...int) []int {
		if list == nil {
			return all
		}
		return list
	}
	const leap, common = 2024, 2023
	months := orAny(d.Months, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
	if len(months) == 0 || d.Days != nil && len(d.Days) == 0 || d.Years != nil && len(d.Years) == 0 {
		return false
	}
	return slices.ContainsFunc(orAny(d.Years, leap, common), func(y int) bool {
		return slices.ContainsFunc(months, func(m int) bool {
			last := time.Date(y, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC).Day()
			return d.Days == nil || d.Days[0] <= last
		})
	})
}
