package kusto

import "testing"

func TestOperators(t *testing.T) {
	const join1 = `let X = datatable(Key:string, Value1:long) ['a',1, 'b',2, 'b',3, 'c',4];
let Y = datatable(Key:string, Value2:long) ['b',10, 'c',20, 'c',30, 'd',40];
`
	check(t, []example{
		{"mv-expand-operator", `datatable (a: int, b: dynamic) [1, dynamic([10, 20]), 2, dynamic(['a', 'b'])] | mv-expand b`, "a|b\n1|10\n1|20\n2|a\n2|b"},
		{"mv-expand-operator", `datatable (a: int, b: dynamic) [1, dynamic({"prop1": "a1", "prop2": "b1"})] | mv-expand b`, "a|b\n1|{\"prop1\":\"a1\"}\n1|{\"prop2\":\"b1\"}"},
		{"mv-expand-operator", `datatable (a: int, b: dynamic) [1, dynamic({"prop1": "a1", "prop2": "b1"})] | mv-expand kind=array b | extend key = b[0], val=b[1]`,
			"a|b|key|val\n1|[\"prop1\",\"a1\"]|prop1|a1\n1|[\"prop2\",\"b1\"]|prop2|b1"},
		{"mv-expand-operator", `datatable (a: int, b: dynamic, c: dynamic)[1, dynamic({"prop1": "a", "prop2": "b"}), dynamic([5, 4, 3])] | mv-expand b, c`,
			"a|b|c\n1|{\"prop1\":\"a\"}|5\n1|{\"prop2\":\"b\"}|4\n1|null|3"},
		{"mv-expand-operator", `datatable (a: string, b: dynamic, c: dynamic)["Constant", dynamic([1, 2, 3, 4]), dynamic([6, 7, 8, 9])] | mv-expand b, c to typeof(int) | getschema | project ColumnName, ColumnOrdinal, ColumnType`,
			"ColumnName|ColumnOrdinal|ColumnType\na|0|string\nb|1|dynamic\nc|2|int"},
		{"mv-expand-operator", `range x from 1 to 4 step 1 | summarize x = make_list(x) | mv-expand with_itemindex=Index x`, "x|Index\n1|0\n2|1\n3|2\n4|3"},
		// A null gives one null, an empty array nothing; elements of another type are null.
		{"mv-expand-operator", `datatable (a: int, b: dynamic) [1, dynamic(null), 2, dynamic([]), 3, dynamic([null]), 4, dynamic("s"), 5, dynamic([1, "x"])] | mv-expand b to typeof(long)`, "a|b\n1|null\n3|null\n4|null\n5|1\n5|null"},
		{"mv-apply-operator", `let data = datatable (index: int, Arr: dynamic) [0, dynamic([7]), 1, dynamic([6, 11, 7])]; data | mv-apply Arr2=Arr to typeof(long) on (take 100)`,
			"index|Arr|Arr2\n0|[7]|7\n1|[6,11,7]|6\n1|[6,11,7]|11\n1|[6,11,7]|7"},
		{"mv-apply-operator", `datatable (index: int, Arr: dynamic) [0, dynamic([1, 5, 3]), 1, dynamic([10, 2, 5, 7])] | mv-apply topElem=Arr to typeof(long) on (top 1 by topElem)`,
			"index|Arr|topElem\n0|[1,5,3]|5\n1|[10,2,5,7]|10"},
		{"mv-apply-operator", `datatable (index: int, Arr: dynamic) [0, dynamic([5, 1, 3]), 1, dynamic([4, 10, 8, 7])] | mv-apply Arr2=Arr to typeof(long) on (top 2 by Arr2 | summarize Top2=make_list(Arr2))`,
			"index|Arr|Top2\n0|[5,1,3]|[5,3]\n1|[4,10,8,7]|[10,8]"},
		{"mv-apply-operator", `datatable (Val:int, Arr1:dynamic, Arr2:dynamic) [3, dynamic(['C1', 'C2', 'C3', 'C4']), dynamic([6, 40, 20, 8])]
| mv-apply NewArr1=Arr1, NewArr2=Arr2 to typeof(long) on (top 2 by NewArr2 | summarize NewArr1=make_list(NewArr1), NewArr2=make_list(NewArr2))`,
			"Val|Arr1|Arr2|NewArr1|NewArr2\n3|[\"C1\",\"C2\",\"C3\",\"C4\"]|[6,40,20,8]|[\"C2\",\"C3\"]|[40,20]"},
		{"mv-apply-operator", `datatable (row: int, Arr: dynamic) [0, dynamic([5, 1, 3]), 1, dynamic([4, 10, 8, 7])] | mv-apply with_itemindex=index value=Arr to typeof(long) on (where index >= 2)`,
			"row|Arr|value|index\n0|[5,1,3]|3|2\n1|[4,10,8,7]|8|2\n1|[4,10,8,7]|7|3"},
		{"mv-apply-operator", `datatable (Val: int, Arr1: dynamic, Arr2: dynamic) [1, dynamic(['A1', 'A2']), dynamic(['B1', 'B2', 'B3']), 5, dynamic(['C1', 'C2']), dynamic(['D1'])]
| mv-apply T1=Arr1, T2=Arr2 on (extend Out = strcat(T1, "_", T2) | summarize Out= make_list(Out))`,
			"Val|Arr1|Arr2|Out\n1|[\"A1\",\"A2\"]|[\"B1\",\"B2\",\"B3\"]|[\"A1_B1\",\"A2_B2\",\"_B3\"]\n5|[\"C1\",\"C2\"]|[\"D1\"]|[\"C1_D1\",\"C2_\"]"},
		{"mv-apply-operator", `datatable(Source: string, Target: string, Count: long) ['555-1234', '555-1212', 46, '555-2424', '', int(null)]
| extend Pack = pack_all()
| mv-apply removeProperties = Pack on (mv-expand kind = array Pack | where Pack[1] !startswith "555" | summarize propsToRemove = make_set(Pack[0]))
| extend values = bag_remove_keys(Pack, propsToRemove) | project values`,
			"values\n{\"Source\":\"555-1234\",\"Target\":\"555-1212\"}\n{\"Source\":\"555-2424\"}"},
		// Nested, with the outer columns in sight; a record whose subquery gives no row is gone.
		{"mv-apply-operator", `datatable (id: int, a: dynamic) [1, dynamic([{"k":"x","v":["p","q"]},{"k":"y","v":[]}]), 2, dynamic([{"k":"z","v":["r"]}])]
| mv-apply e = a on (mv-apply v = e.v on (where tostring(v) == "q" and id == 1 | summarize hit = count()) | summarize hits = sum(hit))
| project id, hits`, "id|hits\n1|1\n2|0"},
		{"mv-apply-operator", `datatable (id: int, a: dynamic) [1, dynamic(["x"]), 2, dynamic(["y"])] | mv-apply e = a on (where e == "y") | project id`, "id\n2"},
		{"summarize-operator", `datatable(x:long)[] | summarize any_x=take_any(x), avg(x), max(x), min(x), percentile(x, 55), sum(x), sumif(x, x > 0)`,
			"any_x|avg_x|max_x|min_x|percentile_x_55|sum_x|sumif_x\nnull|NaN|null|null|null|0|0"},
		{"summarize-operator", `datatable(x:long)[] | summarize  count(), countif(x > 0)`, "count_|countif_\n0|0"},
		{"summarize-operator", `datatable(x:long)[] | summarize  make_set(x), make_list(x)`, "set_x|list_x\n[]|[]"},
		{"summarize-operator", `datatable(x:long)[] | summarize count() by x`, "x|count_"},
		{"summarize-operator", `range x from 1 to 4 step 1 | extend y = iff(x == 1, real(null), real(5)) | summarize sum(y), avg(y)`, "sum_y|avg_y\n15|5"},
		{"summarize-operator", `range x from 1 to 2 step 1 | extend y = iff(x == 1, real(null), real(5)) | summarize make_set(y), make_set(y)`, "set_y|set_y1\n[5.0]|[5.0]"},
		{"arg-max-aggregation-function", `datatable(Fruit: string, Color: string, Version: int) ["Apple", "Red", 1, "Apple", "Green", int(null), "Banana", "Yellow", int(null), "Banana", "Green", int(null), "Pear", "Brown", 1, "Pear", "Green", 2]
| summarize arg_max(Version, *) by Fruit`, "Fruit|Version|Color\nApple|1|Red\nBanana|null|Yellow\nPear|2|Green"},
		{"make-list-if-aggregation-function", `datatable(name:string, day_of_birth:long) ["John", 9, "Paul", 18, "George", 25, "Ringo", 7] | summarize make_list_if(name, strlen(name) > 4), sumif(day_of_birth, strlen(name) > 4), countif(strlen(name) > 4)`,
			"list_name|sumif_day_of_birth|countif_\n[\"George\",\"Ringo\"]|32|2"},
		{"make-set-aggregation-function", `datatable (Val: int, Arr1: dynamic) [1, dynamic(['A1', 'A2', 'A3']), 5, dynamic(['A2', 'C1']), 7, dynamic(['C2', 'A3']), 5, dynamic(['C2', 'A1'])] | summarize Val_set=make_set(Val), Arr1_set=make_set(Arr1)`,
			"Val_set|Arr1_set\n[1,5,7]|[\"A1\",\"A2\",\"A3\",\"C1\",\"C2\"]"},
		{"make-bag-aggregation-function", `datatable(prop:string, value:string) ["prop01", "val_a", "prop02", "val_b"] | extend p = bag_pack(prop, value) | summarize dict=make_bag(p)`, "dict\n{\"prop01\":\"val_a\",\"prop02\":\"val_b\"}"},
		{"count-distinct-aggregation-function", `datatable(g:int, v:string) [1,"a", 1,"b", 1,"a", 2,"c"] | summarize n = count_distinct(v), m = count_distinctif(v, v != "a") by g`, "g|n|m\n1|2|1\n2|1|1"},
		{"join-innerunique", join1 + `X | join Y on Key`, "Key|Value1|Key1|Value2\nb|2|b|10\nc|4|c|20\nc|4|c|30"},
		{"join-inner", join1 + `X | join kind=inner Y on Key`, "Key|Value1|Key1|Value2\nb|2|b|10\nb|3|b|10\nc|4|c|20\nc|4|c|30"},
		{"join-leftouter", join1 + `X | join kind=leftouter Y on Key`, "Key|Value1|Key1|Value2\na|1||null\nb|2|b|10\nb|3|b|10\nc|4|c|20\nc|4|c|30"},
		{"join-rightouter", join1 + `X | join kind=rightouter (Y) on $left.Key == $right.Key`, "Key|Value1|Key1|Value2\nb|2|b|10\nb|3|b|10\nc|4|c|20\nc|4|c|30\n|null|d|40"},
		{"join-fullouter", join1 + `X | join kind=fullouter Y on Key | count`, "Count\n6"},
		{"join-leftanti", join1 + `X | join kind=leftanti Y on Key`, "Key|Value1\na|1"},
		{"join-leftsemi", join1 + `X | join kind=leftsemi Y on Key`, "Key|Value1\nb|2\nb|3\nc|4"},
		{"join-rightanti", join1 + `X | join kind=rightanti Y on Key`, "Key|Value2\nd|40"},
		{"join-rightsemi", join1 + `X | join kind=rightsemi Y on Key`, "Key|Value2\nb|10\nc|20\nc|30"},
		{"lookup-operator", `let FactTable=datatable(Row:string,Personal:string,Family:string) ["1", "Rowan", "Murphy", "2", "Ellis", "Turner", "5", "Quinn", "Campbell"];
let DimTable=datatable(Personal:string,Family:string,Alias:string) ["Rowan", "Murphy", "rowanm", "Ellis", "Turner", "ellist"];
FactTable | lookup kind=leftouter DimTable on Personal, Family`, "Row|Personal|Family|Alias\n1|Rowan|Murphy|rowanm\n2|Ellis|Turner|ellist\n5|Quinn|Campbell|"},
		{"union-operator", `let View_1 = view () { print x=1 }; let View_2 = view () { print x=toint(2) }; union withsource=TableName View_1, View_2`, "TableName|x_long|x_int\nView_1|1|null\nView_2|null|2"},
		{"union-operator", `let View_1 = view () { print x=1 }; let View_2 = view () { print x=toint(2) }; let View_3 = view () { print x_long=3 }; union withsource=TableName View_1, View_2, View_3`,
			"TableName|x_long1|x_int|x_long\nView_1|1|null|null\nView_2|null|2|null\nView_3|null|null|3"},
		{"union-operator", `print a=1, b=2 | union kind=inner (print b=3, c=4)`, "b\n2\n3"},
		{"sort-operator", `datatable(r:real) [1.0, real(null), real(nan), -1.0] | sort by r asc`, "r\nnull\nNaN\n-1\n1"},
		{"sort-operator", `datatable(r:real) [1.0, real(null), real(nan), -1.0] | sort by r`, "r\n1\n-1\nNaN\nnull"},
		{"sort-operator", `datatable(r:real) [1.0, real(null), real(nan), -1.0] | order by r asc nulls last`, "r\n-1\n1\nNaN\nnull"},
		{"row-number-function", `datatable (Airport:string, Airline:string, Departures:long) ["TLV", "LH", 1, "TLV", "LY", 100, "SEA", "LH", 1, "SEA", "BA", 2, "SEA", "LY", 0]
| sort by Airport asc, Departures desc | extend Rank=row_number(1, prev(Airport) != Airport)`, "Airport|Airline|Departures|Rank\nSEA|BA|2|1\nSEA|LH|1|2\nSEA|LY|0|3\nTLV|LY|100|1\nTLV|LH|1|2"},
		{"row-cumsum-function", `datatable (a:long) [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] | where a%2==0 | serialize cs=row_cumsum(a)`, "a|cs\n2|2\n4|6\n6|12\n8|20\n10|30"},
		{"row-cumsum-function", `datatable (name:string, month:int, salary:long) ["Alice", 1, 1000, "Bob", 1, 1000, "Alice", 2, 2000, "Bob", 2, 1950] | order by name asc, month asc | extend total=row_cumsum(salary, name != prev(name))`,
			"name|month|salary|total\nAlice|1|1000|1000\nAlice|2|2000|3000\nBob|1|1000|1000\nBob|2|1950|2950"},
		{"row-rank-min-function", `datatable(Category:string, Item:string, Value:int) ["A", "item1", 10, "A","item2", 10, "A", "item3", 5, "A", "item4", 20, "B", "item2", 5, "B", "item1", 7]
| sort by Category asc, Value asc | extend rank = row_rank_min(Value, Category != prev(Category)) | project Category, Value, rank`, "Category|Value|rank\nA|5|1\nA|10|2\nA|10|2\nA|20|4\nB|5|1\nB|7|2"},
		{"row-rank-dense-function", `datatable (Airport:string, Departures:long) ["SEA", 3, "SEA", 100, "SEA", 2, "SEA", 3, "AMS", 1, "AMS", 1] | sort by Airport desc, Departures asc | extend Rank=row_rank_dense(Departures, prev(Airport) != Airport)`,
			"Airport|Departures|Rank\nSEA|2|1\nSEA|3|2\nSEA|3|2\nSEA|100|3\nAMS|1|1\nAMS|1|1"},
		{"row-window-session-function", `datatable (ID:string, Timestamp:datetime) ["1", datetime(2024-04-11 10:00:00), "2", datetime(2024-04-11 10:18:00), "1", datetime(2024-04-11 11:00:00), "2", datetime(2024-04-11 13:30:00), "2", datetime(2024-04-11 10:16:00)]
| sort by ID asc, Timestamp asc | extend S = row_window_session(Timestamp, 1h, 5m, ID != prev(ID)) | project ID, t = format_datetime(S, 'HH:mm')`, "ID|t\n1|10:00\n1|11:00\n2|10:16\n2|10:16\n2|13:30"},
		{"scan-operator", `range x from 1 to 5 step 1 | scan declare (cumulative_x:long=0) with (step s1: true => cumulative_x = x + s1.cumulative_x;)`, "x|cumulative_x\n1|1\n2|3\n3|6\n4|10\n5|15"},
		{"scan-operator", `range x from 1 to 5 step 1 | extend y = 2 * x | scan declare (cumulative_x:long=0, cumulative_y:long=0) with (step s1: true => cumulative_x = iff(s1.cumulative_x >= 10, x, x + s1.cumulative_x), cumulative_y = iff(s1.cumulative_y >= 10, y, y + s1.cumulative_y);)`,
			"x|y|cumulative_x|cumulative_y\n1|2|1|2\n2|4|3|6\n3|6|6|12\n4|8|10|8\n5|10|5|18"},
		{"scan-operator", `let Events = datatable (Ts: timespan, Event: string) [0m, "A", 1m, "A", 2m, "B", 3m, "D", 32m, "B", 36m, "C", 38m, "D", 41m, "E", 75m, "A"];
Events | sort by Ts asc | scan with_match_id=session_id declare (sessionStart: timespan) with (
    step inSession: true => sessionStart = iff(isnull(inSession.sessionStart), Ts, inSession.sessionStart);
    step endSession output=none: Ts - inSession.sessionStart > 30m;
) | project Event, sessionStart, session_id`, "Event|sessionStart|session_id\nA|00:00:00|0\nA|00:00:00|0\nB|00:00:00|0\nD|00:00:00|0\nB|00:32:00|1\nC|00:32:00|1\nD|00:32:00|1\nE|00:32:00|1\nA|01:15:00|2"},
		{"scan-operator", `let Events = datatable (Ts: timespan, Event: string) [0m, "A", 1m, "Start", 2m, "B", 3m, "D", 4m, "Stop", 6m, "C", 8m, "Start", 11m, "E", 12m, "Stop"];
Events | sort by Ts asc | scan with_match_id=m_id with (
    step s1: Event == "Start";
    step s2: Event != "Start" and Event != "Stop" and Ts - s1.Ts <= 5m;
    step s3: Event == "Stop" and Ts - s1.Ts <= 5m;
)`, "Ts|Event|m_id\n00:01:00|Start|0\n00:02:00|B|0\n00:03:00|D|0\n00:04:00|Stop|0\n00:08:00|Start|1\n00:11:00|E|1\n00:12:00|Stop|1"},
		{"scan-operator", `let LogsEvents = datatable(Timestamp:datetime, userID:int, EventType:string) [datetime(2024-05-28 08:15:23), 1, "login", datetime(2024-05-28 08:30:15), 2, "login", datetime(2024-05-28 12:30:45), 1, "logout", datetime(2024-05-28 11:45:32), 2, "logout"];
LogsEvents | sort by userID, Timestamp | partition hint.strategy=native by userID (sort by Timestamp asc | scan declare (start: datetime, end: datetime, sessionDuration: timespan) with (
        step s1 output=none: EventType == "login" => start = Timestamp;
        step s2 output=all: EventType == "logout" => start = s1.start, end = Timestamp, sessionDuration = Timestamp - s1.start;
    )) | project userID, sessionDuration | sort by userID asc`, "userID|sessionDuration\n1|04:15:22\n2|03:15:17"},
		{"let-statement", `let foo1 = (_start:long, _end:long, _step:long) { range x from _start to _end step _step}; let foo2 = (_step:long) { foo1(1, 100, _step)}; foo2(2) | count`, "Count\n50"},
		{"let-statement", `let ['some number'] = 20; range y from 0 to ['some number'] step 5`, "y\n0\n5\n10\n15\n20"},
		{"let-statement", `let MultiplyByN = (val:long, n:long) { val * n }; range x from 1 to 2 step 1 | extend result = MultiplyByN(x, 5)`, "x|result\n1|5\n2|10"},
		{"let-statement", `let TrimOnes = (s:string) { trim("1", s) }; range x from 10 to 12 step 1 | extend result = TrimOnes(tostring(x))`, "x|result\n10|0\n11|\n12|2"},
		{"let-statement", `let CountRecordsInTable=(T: (*)) { T | count }; range x from 1 to 3 step 1 | invoke CountRecordsInTable()`, "Count\n3"},
		{"let-statement", `let f = (a: long) { let b = a * 2; b + 1 }; range x from 1 to 2 step 1 | project y = f(x)`, "y\n3\n5"},
		{"toscalar-function", `let Start = toscalar(print x=1); let End = toscalar(range x from 1 to 9 step 1 | count); let Step = toscalar(2); range z from Start to End step Step | extend start=Start, end=End, step=Step | take 2`, "z|start|end|step\n1|1|9|2\n3|1|9|2"},
		{"null-values", `datatable(ival:int, sval:string)[5, "a", int(null), "b"] | where ival != 5`, "ival|sval\nnull|b"},
		{"print-operator", `print 0 + 1 + 2 + 3 + 4 + 5, x = "Wow!"`, "print_0|x\n15|Wow!"},
		{"project-reorder-operator", `print b = 'b', a2='a2', a3='a3', a1='a1' | project-reorder a* asc`, "a1|a2|a3|b\na1|a2|a3|b"},
		{"project-rename-operator", `print a='alpha', b='bravo', c='charlie' | project-rename new_a=a, new_b=b, new_c=c`, "new_a|new_b|new_c\nalpha|bravo|charlie"},
		{"datatable-operator", `datatable(Date:datetime, Event:string, MoreData:dynamic) [datetime(1910-06-11), "Born", dynamic({"key1":"value1"}), datetime(1930-01-01), "Enters Ecole Navale", dynamic({"key2":"value4"}),] | where strlen(Event) > 4 | extend key2 = MoreData.key2 | project Event, key2`,
			"Event|key2\nEnters Ecole Navale|value4"},
		{"range-operator", `range Steps from 1 to 8 step 3`, "Steps\n1\n4\n7"},
		{"column-ifexists-function", `print State = "x" | project column_ifexists("Capital", State)`, "State\nx"},
		{"as-operator", `range x from 1 to 2 step 1 | as T1 | union (T1 | extend x = x + 10) | summarize sum(x)`, "sum_x\n26"},
		{"in-operator", `datatable(s:string)["ROOT@contoso.com", "x"] | where s in~ (_GetWatchlist('admins') | project SearchKey)`, "s\nROOT@contoso.com"},
		{"in-operator", `let w = _GetWatchlist('empty') | project SearchKey; datatable(s:string)["x"] | where s !in~ (w) and toscalar(w | count) == 0`, "s\nx"},
		{"in-operator", `let l = dynamic(["A", "b"]); datatable(s:string)["a", "B", "c"] | where s in~ (l)`, "s\na\nB"},
		{"bin-function", `datatable(t:datetime, n:long)[datetime(2007-04-08 03:00), 1, datetime(2007-04-08 04:00), 2] | summarize sum(n) by bin(t, 1d)`, "t|sum_n\n2007-04-08T00:00:00.0000000Z|3"},
		{"partition-operator", `datatable(k:string, n:long)["a",1,"b",5,"a",3] | partition hint.strategy=native by k (top 1 by n)`, "k|n\na|3\nb|5"},
	})
}

// The shapes of correlation queries, on a small example each.
func TestCorrelationShapes(t *testing.T) {
	const events = `let E = datatable(TimeGenerated:datetime, R:string, G:string, V:string) [
 datetime(2026-01-01 00:00), "r1", "a", "x", datetime(2026-01-01 00:01), "r2", "a", "y", datetime(2026-01-01 00:02), "r3", "a", "x",
 datetime(2026-01-01 00:00), "r1", "b", "x", datetime(2026-01-01 00:09), "r3", "b", "z"];
`
	check(t, []example{
		{"prev-function", events + `E | sort by G asc, TimeGenerated asc | extend g0 = prev(G, 2), t0 = prev(TimeGenerated, 2) | where g0 == G and TimeGenerated - t0 <= 5m
| summarize FirstSeen = min(t0), LastSeen = max(TimeGenerated) by G`, "G|FirstSeen|LastSeen\na|2026-01-01T00:00:00.0000000Z|2026-01-01T00:02:00.0000000Z"},
		{"join-time-window", events + `let span = 5m;
let M = E | project Time = TimeGenerated, G = tolower(G), V = tolower(V) | serialize Id = row_number();
M | project Id, G, End = Time
| extend B = range(bin(End - span, span), bin(End, span), span) | mv-expand B to typeof(datetime)
| join kind=inner (M | project G, V, T = Time, B = bin(Time, span)) on G, B
| where T between (End - span .. End)
| summarize N = count_distinct(V) by Id, G, End | where N >= 2 | project G, N, m = datetime_part("minute", End) | sort by m asc`, "G|N|m\na|2|1\na|2|2"},
		{"scan-operator", events + `E | sort by G asc, TimeGenerated asc
| scan declare (l1: datetime, l3: datetime) with (
    step s: true =>
      l1 = case(R == "r1", TimeGenerated, G == s.G, s.l1, datetime(null)),
      l3 = case(R == "r3", TimeGenerated, G == s.G, s.l3, datetime(null));)
| where TimeGenerated - l1 <= 5m and TimeGenerated - l3 <= 5m | project G, R`, "G|R\na|r3"},
	})
}

func TestRefusals(t *testing.T) {
	for _, x := range []struct{ query, want string }{
		{`T | where s == 5`, "1:13: cannot compare values of types string and long; add explicit casts"},
		{`T | where nosuch == "x"`, "1:11: no column or variable is named 'nosuch'"},
		{`T | where S == "x"`, "1:11: no column or variable is named 'S'; there is 's' (names are case-sensitive)"},
		{`NoTable | count`, "1:1: no table is named 'NoTable'"},
		{`T | where i =~ "x"`, "1:13: '=~' needs a string, not int"},
		{`T | where i in~ ("5")`, "1:13: 'in~' needs a string, not int"},
		{`T | where i in ("5")`, "1:17: 'in' tests values of type int: a value of type string cannot stand in its list"},
		{`T | where s < "a"`, "1:13: cannot compare values of types string and string with '<'; add explicit casts (strcmp() compares strings)"},
		{`T | where d == d`, "1:13: cannot compare values of types dynamic and dynamic; add explicit casts"},
		{`T | where s`, "1:11: where needs a bool, not string"},
		{`T | where "foo" or "bar"`, "1:11: 'or' needs a bool, not string"},
		{`T | where d.a + 1 > 2`, "1:15: '+' is not defined between dynamic and long; add explicit casts"},
		{`T | where s.a == "x"`, "1:12: a key of a value of type string; only dynamic values have keys"},
		{`T | summarize count() by d`, "1:26: a key of summarize or distinct cannot be dynamic; add an explicit cast such as tostring()"},
		{`T | sort by d asc`, "1:13: a sort key cannot be dynamic; add an explicit cast"},
		{`T | summarize dcount(s)`, "1:15: not in the subset: dcount(), an estimate; count_distinct() counts exactly"},
		{`T | summarize s`, "1:15: the column 's' stands outside an aggregation"},
		{`T | extend x = prev(s)`, "1:16: prev() needs a serialized input: sort it, or add serialize"},
		{`T | scan with (step a: true;)`, "1:5: scan needs a serialized input: sort it, or add serialize"},
		{`T | evaluate bag_unpack(d)`, "1:5: not in the subset: the operator evaluate"},
		{`T | frobnicate`, "1:5: unknown operator 'frobnicate'"},
		{`T | where frob(s)`, "1:11: unknown function 'frob', or one that is not in the subset"},
		{`T | where tolower(d) == "x"`, "1:19: argument 1 of tolower() is a string, not of type dynamic; add an explicit cast"},
		{`T | where s matches regex "(?=x)"`, "1:27: not in the subset: the regular expression \"(?=x)\": error parsing regexp: invalid or unsupported Perl syntax: `(?=`"},
		{`T | where s matches regex "[a&&b]"`, "1:27: not in the subset: the regular expression \"[a&&b]\": && in a class"},
		{"T | where s == \"a\nb\"", "1:18: a string literal may not hold a line break; write \\n"},
		{`T | project type of`, "1:18: unexpected 'of'"},
		{`T | where and == 1`, "1:11: 'and' is a word of the language; as a name write ['and']"},
		{`T | extend a = 1, a = 2`, "1:19: the column 'a' is given twice"},
		{`T | mv-expand s`, "1:15: a value to expand is dynamic, not string"},
		{`T | mv-apply x = d.list on (extend s = tostring(x))`, "1:5: not in the subset: a subquery of mv-apply that gives a new column 's' where the record has one of that name"},
		{`T | join T on d`, "1:15: a key of join cannot be dynamic; add an explicit cast"},
		{`let f = (x: long) { toscalar(T | where l == x | project l) }; T | extend y = f(l)`, "1:45: can't use 'x' as it is defined outside its row-context scope"},
		{`let x = x + 1; print x`, "1:9: no column or variable is named 'x'"},
		{`T | where iff(b, 1, "x") == 1`, "1:11: the values of iff() must be of one type, not long and string"},
		{`print d = dynamic({"a":5}).a == "5"`, "1:30: not in the subset: a dynamic int compared with a string: the conversion is not documented, add an explicit cast"},
		{``, "1:1: the query has no tabular expression"},
		{`T | where (s == "x"`, "1:20: expected ')', found end of query"},
		{`print "é" matches regex @"\bx"`, `1:11: not in the subset: \b in a regular expression on text that is not ASCII`},
		{`_GetWatchlist('nope') | count`, "1:1: no watchlist has the alias 'nope'"},
	} {
		q, err := Parse(x.query)
		if err == nil {
			_, err = q.Run(testDatabase())
		}
		if err == nil {
			t.Errorf("%s\nis accepted; want %s", x.query, x.want)
		} else if err.Error() != x.want {
			t.Errorf("%s\ngot  %s\nwant %s", x.query, err, x.want)
		}
	}
}

func TestStored(t *testing.T) {
	for query, want := range map[string]string{
		`T | where s == "" | project i, l, r, b, at, d`:                                      "i|l|r|b|at|d\nnull|null|null|null|null|null",
		`T | where not(coalesce(i > 5, false)) | count`:                                      "Count\n2",
		`T | where not(i > 5) | count`:                                                       "Count\n1",
		`T | mv-apply x = d.list on (summarize n = countif(tostring(x) =~ "y")) | project n`: "n\n1\n0",
		`T | where d has "y" | project tostring(d.list)`:                                     "d_list\n[\"x\",\"Y\"]",
		`T | project pack_all(true) | take 1`:                                                "Column1\n{\"at\":\"2026-11-22T11:00:00.0000000Z\",\"b\":true,\"d\":{\"a\":1,\"list\":[\"x\",\"Y\"]},\"i\":1,\"l\":1,\"r\":1.5,\"s\":\"one\"}",
	} {
		if got := run(t, query); got != want {
			t.Errorf("%s\ngot\n%s\nwant\n%s", query, got, want)
		}
	}
}

func TestChoices(t *testing.T) {
	db := testDatabase()
	q, err := Parse(`datatable(a:dynamic)[dynamic([])] | mv-apply x = a on (summarize n = count()) | project n, g = gettype(dynamic(1)), r = tostring(2.0), e = int(null) == int(null)`)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		c    Choices
		want string
	}{
		{Choices{}, "n|g|r|e"},
		{Choices{ApplyToEmpty: true}, "n|g|r|e\n0|int|2|null"},
		{Choices{ApplyToEmpty: true, JSONLong: true, RealPoint: true, NullEqualsNullFalse: true}, "n|g|r|e\n0|long|2.0|false"},
	} {
		db.Choices = x.c
		got, err := q.Run(db)
		if err != nil || show(got) != x.want {
			t.Errorf("%+v: %v %s, want %s", x.c, err, show(got), x.want)
		}
	}
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{
		`T | where s =~ "x" and not(i > 5) | project s, d.list[0]`,
		`let f = (x: long) { x + 1 }; range y from 1 to 3 step 1 | extend z = f(y) | summarize sum(z) by bin(y, 2)`,
		`T | mv-apply e = d.list on (where tostring(e) contains "x" | summarize n = count()) | where n > 0`,
		`T | sort by l asc | scan declare (c: long = 0) with (step s1: true => c = s1.c + 1;) | extend p = prev(c)`,
		`T | join kind=leftouter (T | project s, x = l) on s | union T | summarize make_set(s), arg_max(l, *) by b`,
		"print ```a``` , h'x', @\"\\\", 1d/2h, dynamic({\"a\":[1,2.5,null]}), datetime(2025-01-01), '\\u00e9'",
		`T | summarize (a, b) = arg_max(at, s), percentile(r, 50), take_any(*), make_bag(d), avgif(l, b), minif(s, i > 0) by x = bin(at, 1h), tolower(s)`,
		`T | extend q = iff(b, 1, i), w = case(i > 1, r, l), c = coalesce(s, "x"), m = max_of(i, l), z = datetime_add("month", 3, at), y = datetime_diff("week", at, now()), u = -i, v = at - ago(1d), k = 2 * 1d`,
		`T | sort by at | serialize n = row_number(), next(l, 1, 5), row_cumsum(r), row_rank_dense(s), row_window_session(at, 1h, 5m, s != prev(s)) | mv-expand with_itemindex=j d.list to typeof(string)`,
		`T | where s matches regex @"^[\w&&\d](?i)x{2,3}$" | partition by s (top 1 by l)`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<12 {
			return
		}
		q, err := Parse(text)
		if err != nil {
			return
		}
		q.Columns(testDatabase())
		table, err := q.Run(testDatabase())
		if err != nil {
			return
		}
		for _, r := range table.Rows {
			if len(r) != len(table.Columns) {
				t.Fatalf("a row of %d values under %d columns", len(r), len(table.Columns))
			}
			for i, v := range r {
				if c := table.Columns[i]; !fits(c.Type, v) && c.Type != TypeDynamic {
					t.Fatalf("a %T in the column %s of type %s", v, c.Name, c.Type)
				}
			}
		}
	})
}

func BenchmarkSmallQuery(b *testing.B) {
	db := testDatabase()
	for b.Loop() {
		q, err := Parse(`T | where s =~ "one" or s contains "x" | mv-apply e = d.list on (summarize n = countif(tostring(e) =~ "y")) | where n > 0 and not(coalesce(i > 5, false)) | project s, i, at`)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := q.Run(db); err != nil {
			b.Fatal(err)
		}
	}
}
