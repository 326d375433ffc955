package event

import (
	"iter"
	"maps"
	"strings"

	"github.com/rulewright/rulewright/internal/rawjson"
)

// keyNumbers numbers the keys that forms are told by, and the same in lower
// case; keys leads from the latter to the former.
var (
	keyNumbers = map[string]int{}
	keys       = map[string]*Key{}
	// keyTable has them by rawjson.HashKey; there are far fewer.
	keyTable     [keyTableSize]*Key
	lowerNumbers [maxKeys]int // by number of a key, that in lower case
	carrierKey   int          // events are carried under it
)

const (
	keyTableSize  = 1024
	keyTableShift = 64 - 10
)

// A Key is one that forms are told by, in any case. It is for package compiler,
// as Detector is.
type Key struct {
	usual  string // as forms mostly have it; it stands for that in lower case too
	number int    // of both
	others []otherCase
	lower  string
}

// otherCase is a key as a few forms have it.
type otherCase struct {
	key    string
	number int
}

// Keys returns all keys that forms are told by.
func Keys() iter.Seq[*Key] { return maps.Values(keys) }

// Lower returns the key in lower case, Usual as forms mostly have it. It is ASCII.
func (k *Key) Lower() string { return k.lower }
func (k *Key) Usual() string { return k.usual }

// KeyOf returns the key that an event's key is, or nil.
func KeyOf[Text string | []byte](key Text) *Key {
	hash, ascii := rawjson.HashKey(key)
	if !ascii {
		return nil // no other letter folds to one of ASCII
	}
	for i := hash >> keyTableShift; ; i = (i + 1) % keyTableSize {
		k := keyTable[i]
		if k == nil || len(k.lower) == len(key) && foldsTo(key, k.lower) {
			return k
		}
	}
}

func foldsTo[Text string | []byte](key Text, folded string) bool {
	for i := range len(key) {
		if lower(key[i]) != folded[i] {
			return false
		}
	}
	return true
}

func keyNumber(key string) int {
	if n, ok := keyNumbers[key]; ok {
		return n
	}
	n := len(keyNumbers)
	keyNumbers[key] = n
	lower := strings.ToLower(key)
	s := keys[lower]
	if s == nil {
		s = &Key{usual: key, number: n, lower: lower}
		keys[lower] = s
	} else {
		s.others = append(s.others, otherCase{key, n})
	}
	lowerNumbers[n%maxKeys] = s.number
	return n
}

func lowerKeyNumber(key string) int {
	keyNumber(key)
	return keys[strings.ToLower(key)].number
}

// The numbers of keys that forms are told by besides signatures.
var (
	keyTimeGenerated      = keyNumber("TimeGenerated")
	keySourceSystem       = keyNumber("SourceSystem")
	keyItsResourceID      = keyNumber("_ResourceId")
	keyItsItemID          = keyNumber("_ItemId")
	keyCategory           = keyNumber("category")
	keyProperties         = keyNumber("properties")
	keyOperationName      = keyNumber("operationName")
	keyResourceID         = keyNumber("resourceId")
	keyResultType         = keyNumber("ResultType")
	keyOperation          = keyNumber("Operation")
	keyOfficeWorkload     = keyNumber("OfficeWorkload")
	keyRecordType         = keyNumber("RecordType")
	keyWorkload           = keyNumber("Workload")
	keyODataType          = keyNumber("@odata.type")
	keySignInEventTypes   = keyNumber("signInEventTypes")
	keyServicePrincipalID = keyNumber("servicePrincipalId")
	keyUserPrincipalName  = keyNumber("userPrincipalName")
	keyUserID             = keyNumber("userId")
	keySystem             = keyNumber("System")
	keyEvent              = keyNumber("Event")
	keyWinlog             = keyNumber("winlog")
	keyWinlogChannel      = keyNumber("winlog.channel")
	keyChannel            = keyNumber("Channel")
	keyEventID            = keyNumber("EventID")
	keyEventUnderID       = keyNumber("event_id")
	keyType               = keyNumber("Type")
	keyDollarTable        = keyNumber("$table")
	keyCreationTime       = keyNumber("CreationTime")
)

func init() {
	carrierKey = lowerKeyNumber("AuditData")
	for i := range signatures {
		s := &signatures[i]
		for _, list := range []struct {
			keys []string
			at   func(i int) *keySet
		}{
			{s.has, func(i int) *keySet { return &s.sets[i].has }},
			{s.any, func(i int) *keySet { return &s.sets[i].any }},
			{s.not, func(i int) *keySet { return &s.sets[i].not }},
		} {
			for _, k := range list.keys {
				list.at(0).add(keyNumber(k))
				list.at(1).add(lowerKeyNumber(k))
			}
		}
		if s.key != "" {
			s.keyNumber = keyNumber(s.key)
		}
	}
	if len(keyNumbers) > maxKeys {
		panic("event: too many keys")
	}
	for _, k := range keys {
		h, _ := rawjson.HashKey(k.lower)
		i := h >> keyTableShift
		for keyTable[i] != nil {
			i = (i + 1) % keyTableSize
		}
		keyTable[i] = k
	}
}
