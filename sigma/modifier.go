package sigma

// The modifiers of Sigma 2.1.0, appendix "modifiers".
const (
	ModAll          = "all"
	ModStartsWith   = "startswith"
	ModEndsWith     = "endswith"
	ModContains     = "contains"
	ModExists       = "exists"
	ModCased        = "cased"
	ModNeq          = "neq"
	ModWindash      = "windash"
	ModRe           = "re"
	ModReI          = "i"
	ModReM          = "m"
	ModReS          = "s"
	ModBase64       = "base64"
	ModBase64Offset = "base64offset"
	ModUTF16LE      = "utf16le"
	ModUTF16BE      = "utf16be"
	ModUTF16        = "utf16"
	ModWide         = "wide"
	ModLT           = "lt"
	ModLTE          = "lte"
	ModGT           = "gt"
	ModGTE          = "gte"
	ModMinute       = "minute"
	ModHour         = "hour"
	ModDay          = "day"
	ModWeek         = "week"
	ModMonth        = "month"
	ModYear         = "year"
	ModCIDR         = "cidr"
	ModExpand       = "expand"
	ModFieldRef     = "fieldref"
)

// The modifiers of the native form. A native time part may name a zone:
// `TimeGenerated|hour=Europe/Berlin`.
const (
	ModWeekday = "weekday" // 1 (Monday) to 7
	ModSince   = "since"   // `end|since=start|gt: 180d`: the time between two fields; `@time` is the event's own
	ModOutside = "outside" // a time outside the hours `Mon-Fri 08:00-18:00 Europe/Berlin`
	ModWithin  = "within"  // a time within such hours
	ModDate    = "date"    // a time on a date such as 2026-05-14 or ????-12-25; takes a zone
)
