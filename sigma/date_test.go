package sigma

import (
	"fmt"
	"testing"
)

func TestParseDate(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"2026-05-14", "[2026] [5] [14]"},
		{"????-12-25", "[] [12] [25]"},
		{"2026-05-??", "[2026] [5] []"},
		{"2026-??-01", "[2026] [] [1]"},
		{"????-??-??", "[] [] []"},
		{"202?-1?-2?", "[2020 2021 2022 2023 2024 2025 2026 2027 2028 2029] [10 11 12] [20 21 22 23 24 25 26 27 28 29]"},
		{"????-??-3?", "[] [] [30 31]"},
		{"????-02-29", "[] [2] [29]"},
		{"2024-02-29", "[2024] [2] [29]"},
		{"0001-01-01", "[1] [1] [1]"},
		{"2023-02-29", "there is no day 2023-02-29"},
		{"????-02-30", "there is no day ????-02-30"},
		{"2026-04-31", "there is no day 2026-04-31"},
		{"2026-13-01", "there is no day 2026-13-01"},
		{"2026-00-01", "there is no day 2026-00-01"},
		{"2026-01-00", "there is no day 2026-01-00"},
		{"0000-01-01", "there is no day 0000-01-01"},
		{"2???-01-01", `"2???-01-01" stands for too many years; write all or none of the first two digits of the year`},
		{"2026-5-14", `"2026-5-14" is no date such as 2026-05-14`},
		{"14.05.2026", `"14.05.2026" is no date such as 2026-05-14`},
		{"2026-05-1*", `"2026-05-1*" is no date such as 2026-05-14`},
		{"2026-05-+4", `"2026-05-+4" is no date such as 2026-05-14`},
		{"٢٠٢٦-05-14", `"٢٠٢٦-05-14" is no date such as 2026-05-14`},
		{"", `"" is no date such as 2026-05-14`},
	} {
		d, err := ParseDate(c.text)
		got := fmt.Sprint(d.Years, d.Months, d.Days)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.text, got, c.want)
		}
	}
}
