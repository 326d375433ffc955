// Package ir is the meaning of a rule: a small closed tree in which no
// modifier, wildcard, quantifier, filter, placeholder or alias is left. It is
// the middle of the path
//
//	sigma.Document ─compiler.Lower─▶ ir.Rule ─▶ compiler.CEL, backends.KQL, backends.SQL
//
// Everything hard happens on the way in; what comes out of here is printed, not
// decided. This comment is the contract that every engine is held to.
//
// # Contract
//
// Every Match is total: true or false, never null, never an error. Not is plain
// Boolean complement in every engine.
//
// A Field yields scalars: its Path steps through objects by key and through
// lists by element (every element; nested lists flatten). A step's key is tried
// as a flat key first, dots and all; where there is none, the part before its
// first dot is a step and the rest a key again, flat first. Keys that differ in
// case: the exact one, else the first in byte order of those equal under
// folding; at each try the exact and folded key come before any cut. A Match is true if any scalar matches any value.
//
// Folding maps each code point by Unicode's simple lower-case mapping, except
// that no non-ASCII code point folds to an ASCII one (U+212A KELVIN SIGN and
// U+0130 stay). Cased compares code points.
//
// Text is a number only if all of it has the form
// -?[0-9]{1,15}(\.[0-9]{1,15})?. The text form of a number is its shortest
// decimal without exponent, that of a boolean true or false.
//
// What one scalar x of the field means to a value v:
//
//	op                  text x              number x              boolean x           object   absent, null, [], [null]
//	Equal String        fold(x) = fold(v)   by value if v is a    v is true/false,    false    false
//	                                        number text, else     any case, and the
//	                                        the text forms        same
//	Equal Number        x is a number text  by value              false               false    false
//	                    of the same value
//	Equal Bool          x is true/false,    false                 same                false    false
//	                    any case, the same
//	Contains StartsWith on text forms, folded unless Cased                            false    false
//	EndsWith Like
//	Regexp              unanchored search in the text form, never folded              false    false
//	InNetwork           x parses as an      false                 false               false    false
//	                    address inside v
//	Less … GreaterEqual numeric if x is a   by value              false               false    false
//	                    number text
//	Null                false               false                 false               false    true
//	Exists              true wherever the key is present, whatever it holds;                   absent: false
//	                                                                                           null, []: true
//
// The empty string is text: Equal "" is true on it and on nothing else, Null is
// false on it. Null is true iff the field yields no non-null scalar and no
// object. Lists of values mean "one of them". A FieldRef value stands for each
// non-null, non-empty scalar of the other field. Under Equal, two strings
// always compare as text, so "5" and "5.0" differ; 5 and "5.0" are equal.
// 1 and true are not. On a Field of type IP, InNetwork first strips a port and
// brackets; on every field it unmaps ::ffff:a.b.c.d and takes no zones.
//
// Any{Over, X} is true iff X is true of one element of the list that Over
// yields; a scalar or object is a list of one, absent or null the empty list.
// Paths in X start at the element; the empty Path is the element itself. Lists
// in the list flatten; a null in it is an element, an object of no keys is one
// too. A JSON step parses what its key holds, not the texts of a list there.
// Cased is about text: a Bool, and a String that a boolean meets, ignore it.
package ir
