package conformance

import (
	"flag"
	"os"
	"runtime/debug"
	"testing"
)

// TestMain lets the collector run a quarter as often: the tests make much
// garbage from a small heap, and more than a third of their time went to it.
// What measures keeps Go's own setting.
func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("speed").Value.String() == "0" && flag.Lookup("test.bench").Value.String() == "" {
		debug.SetGCPercent(400)
	}
	os.Exit(m.Run())
}
