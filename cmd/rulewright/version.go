package main

import (
	"fmt"
	"runtime/debug"
)

func runVersion(c *cli, args []string) int {
	f := c.flags("", "Print the version.")
	if _, code, ok := c.parse(f, args); !ok {
		return code
	}
	fmt.Fprintln(c.out, "rulewright "+version())
	return exitOK
}

// version is the module's version, or the commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel " + s.Value[:min(12, len(s.Value))]
		}
	}
	return "devel"
}
