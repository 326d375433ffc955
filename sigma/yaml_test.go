package sigma

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"title", "detection", "falsepositives", "TargetResources", "userPrincipalName", "id"}
	for _, c := range []struct{ name, want string }{
		{"tilte", "title"},
		{"detections", "detection"},
		{"false_positives", "falsepositives"},
		{"targetresource", "TargetResources"},
		{"UserPrincipalname", "userPrincipalName"},
		{"something", ""},
		{"", ""},
		{"ID", "id"},
	} {
		if got := Nearest(c.name, known); got != c.want {
			t.Errorf("Nearest(%q) = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestParseTimespan(t *testing.T) {
	for in, want := range map[string]int64{"1s": 1, "5m": 300, "2h": 7200, "1d": 86400, "1w": 604800, "1M": 2592000, "1y": 31536000} {
		if got, err := ParseTimespan(in); err != nil || got.Seconds != want || got.Text != in {
			t.Errorf("ParseTimespan(%q) = %+v, %v; want %d seconds", in, got, err, want)
		}
	}
	if got, err := ParseTimespan("%window%"); err != nil || got.Placeholder != "window" {
		t.Errorf("placeholder: %+v, %v", got, err)
	}
	for _, in := range []string{"", "m", "5", "5 m", "-5m", "0s", "5x", "1.5h", "99999999999999999999s", "300y", "%%"} {
		if got, err := ParseTimespan(in); err == nil {
			t.Errorf("ParseTimespan(%q) = %+v, want an error", in, got)
		}
	}
}

func TestParseFieldName(t *testing.T) {
	for in, want := range map[string][]FieldStep{
		"a":                       {{"a", -1}},
		"a.b-c":                   {{"a.b-c", -1}},
		"TargetResources[0].id.x": {{"TargetResources", 0}, {"id.x", -1}},
		"a[1][2]":                 {{"a", 1}, {"", 2}},
		".":                       nil,
	} {
		got, err := ParseFieldName(in)
		if err != nil || len(got.Steps) != len(want) {
			t.Errorf("ParseFieldName(%q) = %+v, %v", in, got.Steps, err)
			continue
		}
		for i := range want {
			if got.Steps[i] != want[i] {
				t.Errorf("ParseFieldName(%q) = %+v, want %+v", in, got.Steps, want)
			}
		}
	}
	for _, in := range []string{"", "a[", "a[x]", "a[-1]", "a]b", "a..b", ".a", "a.", "a[0]b", "a[0].", "[0]", "a[+1]"} {
		if got, err := ParseFieldName(in); err == nil {
			t.Errorf("ParseFieldName(%q) = %+v, want an error", in, got)
		}
	}
}
