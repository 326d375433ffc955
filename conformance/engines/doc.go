// Package engines holds the compiler to evaluators that others wrote. It is a
// module of its own, so that what they need is not needed by those who use the
// library.
package engines
