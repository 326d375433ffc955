package compiler

import (
	"encoding/binary"
)

// Most logs of Microsoft have a UUID for each event's id. In a log it takes 16
// bytes, and packedUUID says so; other ids, and UUIDs written otherwise than in
// lower case with four dashes, stand as they are.

const uuidBytes = 16

// packUUID returns the digits of a UUID, two in each byte.
func packUUID(id string) (low, high uint64, ok bool) {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return 0, 0, false
	}
	a, wrongA := digitsOf(fourOf(id, 0) | fourOf(id, 4)<<32)
	b, wrongB := digitsOf(fourOf(id, 9) | fourOf(id, 14)<<32)
	c, wrongC := digitsOf(fourOf(id, 19) | fourOf(id, 24)<<32)
	d, wrongD := digitsOf(fourOf(id, 28) | fourOf(id, 32)<<32)
	wrong := (a|b|c|d)&(0xf0*eachByte) | (wrongA|wrongB|wrongC|wrongD)&(0x10*eachByte)
	return a | b<<4, c | d<<4, wrong == 0
}

func fourOf(s string, at int) uint64 {
	_ = s[at+3]
	return uint64(s[at]) | uint64(s[at+1])<<8 | uint64(s[at+2])<<16 | uint64(s[at+3])<<24
}

const eachByte = 0x0101010101010101

// digitsOf returns what eight hexadecimal digits in lower case stand for, each in
// its byte. If they are no such digits, one of digits is above 15 or one byte of
// wrong has the bit 0x10.
func digitsOf(text uint64) (digits, wrong uint64) {
	letters := text >> 6 & eachByte
	digits = (text - letters*('a'-'0'-10)) ^ '0'*eachByte
	// From 10 on, and only then, it must be a letter.
	return digits, (digits + 6*eachByte) ^ text>>2
}

// digitText writes eight digits.
func digitText(digits uint64) (text uint64) {
	letters := (digits + 6*eachByte) >> 4 & eachByte
	return digits + '0'*eachByte + letters*('a'-'0'-10)
}

// putUUID writes what packUUID returned.
func putUUID(b []byte, low, high uint64) {
	_ = b[uuidBytes-1]
	binary.LittleEndian.PutUint64(b, low)
	binary.LittleEndian.PutUint64(b[8:], high)
}

// uuidText returns the text of what putUUID wrote.
func uuidText(b []byte) string {
	var text [32]byte
	for i := range 2 {
		two := binary.LittleEndian.Uint64(b[8*i:])
		binary.LittleEndian.PutUint64(text[16*i:], digitText(two&(0x0f*eachByte)))
		binary.LittleEndian.PutUint64(text[16*i+8:], digitText(two>>4&(0x0f*eachByte)))
	}
	t := string(text[:])
	return t[:8] + "-" + t[8:12] + "-" + t[12:16] + "-" + t[16:20] + "-" + t[20:]
}
