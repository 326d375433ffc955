package kusto

import (
	"strings"
	"testing"
	"time"
)

const docs = "https://learn.microsoft.com/en-us/kusto/query/"

// show writes a table: its columns, then a line for each row.
func show(t *Table) string {
	var b strings.Builder
	for i, c := range t.Columns {
		if i > 0 {
			b.WriteString("|")
		}
		b.WriteString(c.Name)
	}
	for _, r := range t.Rows {
		b.WriteString("\n")
		for i, v := range r {
			if i > 0 {
				b.WriteString("|")
			}
			switch v.(type) {
			case nil:
				b.WriteString("null")
			default:
				b.WriteString(Choices{}.text(v))
			}
		}
	}
	return b.String()
}

func testDatabase() *Database {
	return &Database{
		Now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
		Tables: map[string]*Table{
			"T": {
				Columns: []Column{{"s", TypeString}, {"i", TypeInt}, {"l", TypeLong}, {"r", TypeReal}, {"b", TypeBool}, {"at", TypeDatetime}, {"d", TypeDynamic}},
				Rows: [][]Value{
					{"one", int32(1), int64(1), 1.5, true, time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC), map[string]any{"a": int64(1), "list": []any{"x", "Y"}}},
					{nil, nil, nil, nil, nil, nil, nil},
				},
			},
		},
		Watchlists: map[string]*Table{
			"admins": {Columns: []Column{{"SearchKey", TypeString}, {"Note", TypeString}}, Rows: [][]Value{{"root@contoso.com", "n"}}},
			"empty":  {Columns: []Column{{"SearchKey", TypeString}}},
		},
	}
}

func run(t *testing.T, query string) string {
	t.Helper()
	q, err := Parse(query)
	if err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	table, err := q.Run(testDatabase())
	if err != nil {
		t.Fatalf("%v\n%s", err, query)
	}
	for i, r := range table.Rows {
		for j, v := range r {
			if !fits(table.Columns[j].Type, v) {
				if table.Columns[j].Type != TypeDynamic {
					t.Errorf("row %d: %T is no value of %s %s\n%s", i, v, table.Columns[j].Type, table.Columns[j].Name, query)
				}
			}
		}
	}
	return show(table)
}

type example struct {
	page, query, want string
}

func check(t *testing.T, examples []example) {
	t.Helper()
	for _, x := range examples {
		t.Run(x.page, func(t *testing.T) {
			if got := run(t, x.query); got != strings.TrimSpace(x.want) {
				t.Errorf("%s%s\n%s\ngot\n%s\nwant\n%s", docs, x.page, x.query, got, x.want)
			}
		})
	}
}

// scalar runs print of one expression.
func scalar(t *testing.T, x string) string {
	t.Helper()
	_, v, _ := strings.Cut(run(t, "print v = "+x), "\n")
	return v
}

func checkScalars(t *testing.T, page string, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got := scalar(t, pairs[i]); got != pairs[i+1] {
			t.Errorf("%s%s\n%s\ngot  %s\nwant %s", docs, page, pairs[i], got, pairs[i+1])
		}
	}
}

func TestScalars(t *testing.T) {
	checkScalars(t, "scalar-data-types/null-values",
		"5 == int(null)", "false", "int(null) == int(null)", "null", "int(null) != int(null)", "null", "int(null) != 5", "true", "int(null) > 3", "null",
		"int(null) + 10", "null", "bool(null) and false", "false", "bool(null) or true", "true", "bool(null) and true", "null", "not(bool(null))", "null",
		"int(null) in (1, 2)", "false", "int(null) !in (1, 2)", "true")
	checkScalars(t, "logical-operators", "iff(bool(null) and true, true, false)", "false")
	checkScalars(t, "numerical-operators", "1.0 / 2", "0.5", "1 / 2.0", "0.5", "1 / 2", "0", "real(1) / 2", "0.5",
		"14 % 12", "2", "-14 % 12", "10", "14 % -12", "2", "-14 % -12", "10")
	checkScalars(t, "scalar-data-types/timespan", "1d / 1s", "86400", "time(1d) / time(1s)", "86400", "24 * 60 * time(00:01:00) / time(1s)", "86400",
		"timespan(15 seconds)", "00:00:15", "timespan(2)", "2.00:00:00", "timespan(0.12:34:56.7)", "12:34:56.7000000", "1tick", "00:00:00.0000001", "1.5h", "01:30:00")
	checkScalars(t, "datetime-timespan-arithmetic", "1d / 5h", "4.8", "1.5 * 1h", "01:30:00", "datetime(1910-06-11) + 1d", "1910-06-12T00:00:00.0000000Z",
		"datetime(1970-01-01) + 1546897531 * 1sec", "2019-01-07T21:45:31.0000000Z", "(datetime(2019-01-07 21:45:31.0000000) - datetime(1970-01-01)) / 1s", "1546897531")
	checkScalars(t, "scalar-data-types/string", `'string with "double quotes"'`, `string with "double quotes"`, `'\\n.*(>|\'|=|\")[a-zA-Z0-9/+]{86}=='`, `\n.*(>|'|=|")[a-zA-Z0-9/+]{86}==`,
		`"Hello\u00A0World"`, "Hello\u00a0World", `@'C:\Folder\filename.txt'`, `C:\Folder\filename.txt`, `strlen("Hello"', '@"world!")`, "13", "strlen(\"Hello\" \n // Comment\n ', '@\"world!\")", "13",
		`"a?" h'sv'`, "a?sv", "```a\n\\b```", "a\n\\b", `@"say ""hi"""`, `say "hi"`)
	checkScalars(t, "datatypes-string-operators", `"aBc" == "aBc"`, "true", `"abc" != "ABC"`, "true", `"abc" =~ "ABC"`, "true", `"aBc" !~ "xyz"`, "true",
		`"FabriKam" contains "BRik"`, "true", `"Fabrikam" !contains "xyz"`, "true", `"FabriKam" contains_cs "Kam"`, "true", `"Fabrikam" !contains_cs "Kam"`, "true",
		`"Fabrikam" endswith "Kam"`, "true", `"Fabrikam" !endswith "brik"`, "true", `"Fabrikam" endswith_cs "kam"`, "true", `"North America" has "america"`, "true", `"North America" !has "amer"`, "true",
		`"North and South America" has_all("south", "north")`, "true", `"North America" has_any("south", "north")`, "true", `"North America" has_cs "America"`, "true", `"North America" !has_cs "amer"`, "true",
		`"North America" hasprefix "ame"`, "true", `"North America" !hasprefix "mer"`, "true", `"North America" hassuffix "ica"`, "true", `"North America" !hassuffix "americ"`, "true", `"North America" !hassuffix_cs "icA"`, "true",
		`"abc" in ("123", "345", "abc")`, "true", `"bca" !in ("123", "345", "abc")`, "true", `"Abc" in~ ("123", "345", "abc")`, "true", `"bCa" !in~ ("123", "345", "ABC")`, "true",
		`"Fabrikam" matches regex "b.*k"`, "true", `"Fabrikam" startswith "fab"`, "true", `"Fabrikam" !startswith "kam"`, "true", `"Fabrikam" startswith_cs "Fab"`, "true", `"Fabrikam" !startswith_cs "fab"`, "true",
		`"KustoExplorerQueryRun" has "Explorer"`, "false", `"KustoExplorerQueryRun" contains "Explorer"`, "true", `"Kusto: ad67d136-c1db" has "c1db"`, "true")
	checkScalars(t, "substring-function", `substring("123456", 1)`, "23456", `substring("123456", 2, 2)`, "34", `substring("ABCD", 0, 2)`, "AB", `substring("123456", -2, 2)`, "56")
	checkScalars(t, "split-function", `split("aa_bb", "_")`, `["aa","bb"]`, `split("aaa_bbb_ccc", "_", 1)`, `["bbb"]`, `split("", "_")`, `[""]`, `split("a__b", "_")`, `["a","","b"]`, `split("aabbcc", "bb")`, `["aa","cc"]`)
	checkScalars(t, "countof-function", `countof("aaa", "a")`, "3", `countof("aaaa", "aa")`, "3", `countof("ababa", "ab", "normal")`, "2", `countof("ababa", "aba")`, "2", `countof("ababa", "aba", "regex")`, "1", `countof("abcabc", "a.c", "regex")`, "2")
	checkScalars(t, "indexof-function", `indexof("abcdefg","cde")`, "2", `indexof("abcdefg","cde",1,4)`, "2", `indexof("abcdefg","cde",1,2)`, "-1", `indexof("abcdefg","cde",3,4)`, "-1", `indexof("abcdefg","cde",-5)`, "2",
		`indexof(1234567,5,1,4)`, "4", `indexof("abcdefg","cde",2,-1)`, "2", `indexof("abcdefgabcdefg", "cde", 1, 10, 2)`, "9", `indexof("abcdefgabcdefg", "cde", 1, -1, 3)`, "-1")
	checkScalars(t, "trim-function", `trim("--", "--https://bing.com--")`, "https://bing.com", `trim(@"[^\w]+", "-  Te st1// $")`, "Te st1", `trim(@"\s+", "    Hello, world!    ")`, "Hello, world!")
	checkScalars(t, "replace-regex-function", `replace_regex("Number is 1", @'is (\d+)', @'was: \1')`, "Number was: 1")
	checkScalars(t, "extract-function", `extract("User: ([^,]+)", 1, "User: James, Email: x")`, "James", `extract(@"Email: (\S+),", 1, "User: David, Age: 35")`, "", `extract(@"-(\d{2})-", 1, "21-07-2023", typeof(int))`, "7")
	checkScalars(t, "extract-all-function", `extract_all(@"(\d+)", "a set of numbers: 123, 567 and 789")`, `["123","567","789"]`,
		`extract_all(@"(?P<first>\w)(?P<middle>\w+)(?P<last>\w)", dynamic(['first',2,'last']), "82b8be2d-dfa7")`, `[["8","2b8be2","d"],["d","fa","7"]]`,
		`extract_all(@"(\w)(\w+)(\w)", dynamic([1,3]), "82b8be2d-dfa7")`, `[["8","d"],["d","7"]]`)
	checkScalars(t, "array-index-of-function", `array_index_of(dynamic(["this", "is", "an", "example", "an", "example"]), "an", 1, -1, 2)`, "4", `array_index_of(dynamic(["this", "is", "an", "example", "an", "example"]), "an", -3)`, "4",
		`array_index_of(dynamic(["this", "is", "an", "example", "an", "example"]), "is", -4)`, "-1", `array_index_of(dynamic(["this", "is", "an", "example", "an", "example"]), "example",1,2)`, "-1")
	checkScalars(t, "array-slice-function", "array_slice(dynamic([1,2,3]), 1, 2)", "[2,3]", "array_slice(dynamic([1,2,3,4,5]), 2, -1)", "[3,4,5]", "array_slice(dynamic([1,2,3,4,5]), -3, -2)", "[3,4]")
	checkScalars(t, "array-sort-asc-function", `array_sort_asc(dynamic([null,"blue","yellow","green",null]))`, `["blue","green","yellow",null,null]`, `array_sort_asc(dynamic([null,"blue","yellow","green",null]), false)`, `[null,null,"blue","green","yellow"]`,
		`strcat_array(array_sort_asc(split("John,Paul,Jane,Kao", ",")), ",")`, "Jane,John,Kao,Paul")
	checkScalars(t, "gettype-function", `gettype("a")`, "string", "gettype(111)", "long", "gettype(1==1)", "bool", "gettype(now())", "datetime", "gettype(1s)", "timespan", "gettype(parse_json('1'))", "int", `gettype(parse_json(' "abc" '))`, "string",
		`gettype(parse_json(' {"abc":1} '))`, "dictionary", `gettype(parse_json(' [1, 2, 3] '))`, "array", "gettype(123.45)", "real", "gettype(guid(12e8b78d-55b4-46ae-b068-26d7a0080254))", "guid", "gettype(parse_json(''))", "null")
	checkScalars(t, "parse-json-function", `parse_json(tostring(parse_json('{"a":123, "b":"{\\"c\\":456}"}').b)).c`, "456", `parse_json("{no json")`, "{no json", `gettype(parse_json("{no json"))`, "string")
	checkScalars(t, "isnull-function", `isnull("")`, "false", `isnull(parse_json(""))`, "true", `isnull(parse_json("[]"))`, "false", `isempty(parse_json(""))`, "true", `isempty(parse_json("{}"))`, "false", `isempty("")`, "true")
	checkScalars(t, "toguid-function", `toguid("0123456789ab-cdef-0123-456789abcdef")`, "01234567-89ab-cdef-0123-456789abcdef", `toguid("a string that is not a guid")`, "null",
		`toguid("01234567-89ab-cdef-0123-456789abcdef and more")`, "01234567-89ab-cdef-0123-456789abcdef", `toguid("0123456-789ab-cdef-0123-456789abcdef")`, "null", `toguid("")`, "null")
	checkScalars(t, "url-decode-function", `url_decode(@'https%3a%2f%2fwww.bing.com%2f')`, "https://www.bing.com/", `base64_decode_tostring("S3VzdG8=")`, "Kusto", `strlen("⒦⒰⒮⒯⒪")`, "5")
	checkScalars(t, "tobool-function", `tobool("true")`, "true", `tobool("false")`, "false", "tobool(1)", "true", "tobool(123)", "true", `tobool("x")`, "null")
	checkScalars(t, "toint-function", `toint("123") == 123`, "true", "toint(2.3)", "2", `toint("abc")`, "null", `tolong("123") == 123`, "true", `toreal("123.4") == 123.4`, "true")
	checkScalars(t, "totimespan-function", `totimespan("0.00:03:00")`, "00:03:00", "totimespan(4d)", "4.00:00:00", "timespan(25min)", "00:25:00")
	checkScalars(t, "todatetime-function", `todatetime("2015-12-31 23:59:59.9")`, "2015-12-31T23:59:59.9000000Z", `todatetime("x")`, "null", `todatetime("Sat, 8 Nov 14 15:05:02 GMT")`, "2014-11-08T15:05:02.0000000Z", `todatetime("2014-05-25T08:20:03.123456Z")`, "2014-05-25T08:20:03.1234560Z",
		`todatetime("2014-11-08T15:05:25 GMT")`, "2014-11-08T15:05:25.0000000Z", `todatetime("Saturday, 08-Nov-14 15:05 GMT")`, "2014-11-08T15:05:00.0000000Z")
	checkScalars(t, "bin-function", "bin(4.5, 1)", "4", "bin(time(16d), 7d)", "14.00:00:00", "bin(datetime(1970-05-11 13:45:07), 1d)", "1970-05-11T00:00:00.0000000Z", "bin(5, -1)", "null")
	checkScalars(t, "round-function", "round(2.98765, 3)", "2.988", "round(2.15, 1)", "2.2", "round(2.15)", "2", "round(-50.55, -2)", "-100", "round(21.5, -1)", "20")
	checkScalars(t, "coalesce-function", `coalesce(tolong("not a number"), tolong("42"), 33)`, "42", `coalesce("", "b")`, "b")
	checkScalars(t, "min-of-function", "min_of(10, 1, -3, 17)", "-3", "max_of(10, 1, -3, 17)", "17", "min_of(int(null), int(3))", "3")
	checkScalars(t, "datetime-part-function", `datetime_part("quarter", datetime(2017-10-30 01:02:03.7654321))`, "4", `datetime_part("week_of_year", datetime(2017-10-30 01:02:03.7654321))`, "44", `datetime_part("dayOfYear", datetime(2017-10-30 01:02:03.7654321))`, "303",
		`datetime_part("microsecond", datetime(2017-10-30 01:02:03.7654321))`, "765432", `datetime_part("nanosecond", datetime(2017-10-30 01:02:03.7654321))`, "765432100", `datetime_part("hour", datetime(2017-10-30 01:02:03.7654321))`, "1")
	checkScalars(t, "day-of-week-function", "dayofweek(datetime(1947-11-30 10:00:05))", "00:00:00", "dayofweek(datetime(1970-05-11))", "1.00:00:00", "toint(dayofweek(datetime(1970-05-12)) / 1d)", "2")
	checkScalars(t, "week-of-year-function", "week_of_year(datetime(2020-12-31))", "53", "week_of_year(datetime(2020-06-15))", "25", "week_of_year(datetime(1970-01-01))", "1", "week_of_year(datetime(2000-01-01))", "52")
	checkScalars(t, "startofday-function", "startofday(datetime(2017-01-01 10:10:17), -1)", "2016-12-31T00:00:00.0000000Z", "endofday(datetime(2017-01-01 10:10:17), 1)", "2017-01-02T23:59:59.9999999Z", "startofweek(datetime(2017-01-01 10:10:17), -1)", "2016-12-25T00:00:00.0000000Z",
		`hourofday(datetime(2015-12-14 18:54))`, "18", `monthofyear(datetime("2015-12-14"))`, "12", "getyear(datetime(2015-10-12))", "2015", "dayofmonth(datetime(2015-12-14))", "14")
	checkScalars(t, "datetime-utc-to-local-function", "datetime_utc_to_local(datetime(2022-07-11 22:18:48.4678620), 'US/Pacific')", "2022-07-11T15:18:48.4678620Z", "datetime_utc_to_local(datetime(2022-07-11 22:18:48.4678620), 'Australia/Canberra')", "2022-07-12T08:18:48.4678620Z",
		"datetime_local_to_utc(datetime(2020-02-02 20:02:20), 'Europe/Paris')", "2020-02-02T19:02:20.0000000Z")
	checkScalars(t, "datetime-add-function", "datetime_add('year',-5,make_datetime(2017,1,1))", "2012-01-01T00:00:00.0000000Z", "datetime_add('quarter',12,make_datetime(2017,1,1))", "2020-01-01T00:00:00.0000000Z",
		"datetime_add('month',-15,make_datetime(2017,1,1))", "2015-10-01T00:00:00.0000000Z", "datetime_add('week',100,make_datetime(2017,1,1))", "2018-12-02T00:00:00.0000000Z", "make_datetime(2017,10,01,12,11,0.1234567)", "2017-10-01T12:11:00.1234567Z")
	checkScalars(t, "datetime-diff-function", "datetime_diff('year',datetime(2017-01-01),datetime(2000-12-31))", "17", "datetime_diff('quarter',datetime(2017-07-01),datetime(2017-03-30))", "2", "datetime_diff('month',datetime(2017-01-01),datetime(2015-12-30))", "13",
		"datetime_diff('week',datetime(2017-10-29 00:00),datetime(2017-09-30 23:59))", "5", "datetime_diff('day',datetime(2017-10-29 00:00),datetime(2017-09-30 23:59))", "29", "datetime_diff('hour',datetime(2017-10-31 01:00),datetime(2017-10-30 23:59))", "2",
		"datetime_diff('minute',datetime(2017-10-30 23:05:01),datetime(2017-10-30 23:00:59))", "5", "datetime_diff('second',datetime(2017-10-30 23:00:10.100),datetime(2017-10-30 23:00:00.900))", "10",
		"datetime_diff('microsecond',datetime(2017-10-30 23:00:00.1009001),datetime(2017-10-30 23:00:00.1008009))", "100", "datetime_diff('nanosecond',datetime(2017-10-30 23:00:00.0000000),datetime(2017-10-30 23:00:00.0000007))", "-700")
	checkScalars(t, "format-datetime-function", "format_datetime(datetime(2017-01-29 09:00:05),'yy-MM-dd [HH:mm:ss]')", "17-01-29 [09:00:05]", "format_datetime(datetime(2017-01-29 09:00:05), 'yyyy-M-dd [H:mm:ss]')", "2017-1-29 [9:00:05]", "format_datetime(datetime(2017-01-29 09:00:05), 'yy-MM-dd [hh:mm:ss tt]')", "17-01-29 [09:00:05 AM]",
		"format_timespan(time(29.09:00:05.12345), 'dd.hh:mm:ss:FF')", "29.09:00:05:12", "format_timespan(time(29.09:00:05.12345), 'ddd.h:mm:ss [fffffff]')", "029.9:00:05 [1234500]")
	checkScalars(t, "unixtime-milliseconds-todatetime-function", "unixtime_milliseconds_todatetime(1546300800000)", "2019-01-01T00:00:00.0000000Z", "now()", "2026-11-22T12:00:00.0000000Z", "now(-2d)", "2026-11-20T12:00:00.0000000Z", "ago(1h)", "2026-11-22T11:00:00.0000000Z")
	checkScalars(t, "ipv4-is-in-range-function", "ipv4_is_in_range('192.168.1.1', '192.168.1.1')", "true", "ipv4_is_in_range('192.168.1.1', '192.168.1.255/24')", "true", "ipv4_is_in_range('x', '10.0.0.0/8')", "null", "ipv4_is_in_range('fe80::1', '10.0.0.0/8')", "null")
	checkScalars(t, "ipv4-is-in-any-range-function", "ipv4_is_in_any_range('192.168.1.6', '192.168.1.1/24', '10.0.0.1/8', '127.1.0.1/16')", "true", `ipv4_is_in_any_range("127.0.0.1", dynamic(["127.0.0.1", "192.168.1.1"]))`, "true", `ipv4_is_in_any_range("1.1.1.1", dynamic(["192.168.1.1/16"]))`, "false")
	checkScalars(t, "ipv6-is-in-range-function", "ipv6_is_in_range('a5e:f127:8a9d:146d:e102:b5d3:c755:abcd', 'a5e:f127:8a9d:146d:e102:b5d3:c755:0000/112')", "true", "ipv6_is_in_range('a5e:f127:8a9d:146d:e102:b5d3:c755:abcd', '0:0:0:0:0:ffff:c0a8:ac/60')", "false",
		"ipv6_is_in_any_range('a5e:f127:8a9d:146d:e102:b5d3:c756:abd1', dynamic(['a5e:f127:8a9d:146d:e102:b5d3:c755:f6cd/112', '0:0:0:0:0:ffff:c0a8:ac/60']))", "false")
	checkScalars(t, "parse-ipv4-function", "parse_ipv4('192.168.1.1')", "3232235777", "parse_ipv4('192.168.1.1/24')", "3232235776", "parse_ipv4('255.255.255.255/31')", "4294967294",
		"parse_ipv6('192.168.255.255/24')", "0000:0000:0000:0000:0000:ffff:c0a8:ff00", "ipv4_is_private('192.168.1.1/24')", "true", "ipv4_is_private('127.0.0.1')", "false", "ipv4_compare('192.168.1.1/30', '192.168.1.255/24')", "0",
		"has_any_ipv4('05:04:54 127.0.0.1 GET /favicon.ico 404', '127.0.0.1', '127.0.0.2')", "true")
	checkScalars(t, "hash-sha256-function", `hash_sha256("TEXAS")`, "9087f20f23f91b5a77e8406846117049029e6798ebbd0d38aea68da73a00ca37")
	checkScalars(t, "scalar-data-types/dynamic", `dynamic({"a":123, "b":"hello", "c":[1,2,3], "d":{}}).c[1]`, "2", `dynamic([100,101,102])[(-1)]`, "102", `dynamic([100,101,102])[-2]`, "101", `dynamic({"a b c":"2015-01-01"})["a b c"]`, "2015-01-01",
		`dynamic({'where':1}).['where']`, "1", `dynamic([1])[5]`, "null", `dynamic({"a":1}).b.c`, "null", `dynamic({"d": datetime(1970-05-11)}).d`, "1970-05-11T00:00:00.0000000Z")
	checkScalars(t, "bag-has-key-function", `bag_has_key(dynamic({'key1' : 123, 'key2': 'abc'}), 'key2')`, "true", `bag_has_key(dynamic({'key1' : 123, 'key3': 'abc'}), 'key2')`, "false", `bag_has_key(dynamic({'key1': 123, 'key2': {'prop1' : 'abc'}, 'key3': [100, 200]}), '$.key2.prop1')`, "true")
	checkScalars(t, "pack-array-function", `pack_array(1, "2", 2s)`, `[1,"2","00:00:02"]`, `bag_pack("Level", "Information", "ProcessID", 1234, "Data", bag_pack("url", "www.bing.com"))`, `{"Data":{"url":"www.bing.com"},"Level":"Information","ProcessID":1234}`,
		`set_union(dynamic([1,2,1,4]), dynamic([1,2]), dynamic([8]))`, "[1,2,4,8]", `array_concat(dynamic([1,2,4]), dynamic([1,2]))`, "[1,2,4,1,2]", `set_has_element(dynamic(["this", "is", "an", "example"]), "example")`, "true", `array_length(dynamic([1, 2, 3, "four"]))`, "4")
	checkScalars(t, "between-operator", "5 between (1 .. 5)", "true", "datetime(2007-07-29) between (datetime(2007-07-27) .. 3d)", "true", "6 !between (1 .. 5)", "true", "int(null) between (1 .. 5)", "null")
	checkScalars(t, "regex", `"a٣b" matches regex @"a\db"`, "true", `"é" matches regex @"^\w$"`, "true", `"a\u00a0b" matches regex @"a\sb"`, "true", `"K" matches regex "(?i)k"`, "true", `"a" matches regex @"[^\W\d]"`, "true", `"B" matches regex @"\u0042"`, "true")
	// Case: ASCII letters are equal to ASCII letters alone.
	checkScalars(t, "equals-operator", `"ÄÖ" =~ "äö"`, "true", "\"\u212a\" =~ \"k\"", "false", `"ſ" =~ "s"`, "false", `"straße" =~ "STRASSE"`, "false", `"i" =~ "İ"`, "false", `tolower("ÄB")`, "äb")
}
