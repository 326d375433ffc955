// Command rulewright is for the authors and users of detection rules: it checks
// rules, compiles them, matches them against exported logs and tests them.
//
//	rulewright match --profile tenant.yaml exports/
//
// `rulewright help` lists the commands. Exit codes: 0 done, 1 the answer is no
// (errors in rules, a failed fixture, a hit that --fail-on asks for), 2 what was
// asked could not be done (wrong usage, an unreadable file).
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/rulewright/rulewright/sigma"
)

// Exit codes.
const (
	exitOK    = 0
	exitNo    = 1
	exitError = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// command is one of rulewright's commands.
type command struct {
	name    string
	summary string // one line
	run     func(c *cli, args []string) int
}

func commands() []command {
	return []command{
		{"match", "match rules against exported or streamed events", runMatch},
		{"explain", "say why a rule does or does not match events", runExplain},
		{"check", "find mistakes in rules and in Rulewright's other files", runCheck},
		{"test", "run fixtures: rules against events with a known verdict", runTest},
		{"compile", "print rules as CEL predicates, KQL or SQL queries", runCompile},
		{"export", "write rules as Microsoft Sentinel and Defender XDR deploy them", runExport},
		{"rules", "list rules", runRules},
		{"coverage", "show which items of the guides have rules", runCoverage},
		{"params", "print a tenant profile to fill in", runParams},
		{"new", "write a new rule with its fixture file", runNew},
		{"list", "list modifiers, pipelines, tables, SQL dialects …", runList},
		{"schema", "print the JSON Schema of a format", runSchema},
		{"version", "print the version", runVersion},
	}
}

// run is the whole command as a function.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	out := bufio.NewWriter(stdout)
	c := &cli{ctx: ctx, stdin: stdin, out: out, err: stderr,
		color: isTerminal(stdout) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb", progress: isTerminal(stderr)}
	code := c.dispatch(args)
	if err := out.Flush(); err != nil && code == exitOK {
		fmt.Fprintf(stderr, "rulewright: %v\n", err)
		return exitError
	}
	if ctx.Err() != nil {
		fmt.Fprintln(stderr, "rulewright: interrupted")
		return exitError
	}
	return code
}

// cli is one invocation.
type cli struct {
	ctx      context.Context
	stdin    io.Reader
	out      *bufio.Writer
	err      io.Writer
	color    bool // of out
	progress bool // err is a terminal
	name     string
}

func (c *cli) dispatch(args []string) int {
	if len(args) == 0 {
		c.usage(c.err)
		return exitError
	}
	name := args[0]
	switch name {
	case "help", "--help", "-h", "-help":
		if len(args) > 1 && name == "help" {
			return c.dispatch([]string{args[1], "--help"})
		}
		c.usage(c.out)
		return exitOK
	case "--version":
		name = "version"
	}
	var names []string
	for _, cmd := range commands() {
		if cmd.name == name {
			c.name = name
			return cmd.run(c, args[1:])
		}
		names = append(names, cmd.name)
	}
	fmt.Fprintf(c.err, "rulewright: there is no command %q%s\nRun `rulewright help` for the list.\n", name, didYouMean(name, names))
	return exitError
}

func (c *cli) usage(w io.Writer) {
	fmt.Fprint(w, `Rulewright matches and compiles detection rules: Sigma, and its own YAML.

Usage: rulewright COMMAND [flags] [arguments]

`)
	for _, cmd := range commands() {
		fmt.Fprintf(w, "  %-9s %s\n", cmd.name, cmd.summary)
	}
	fmt.Fprint(w, `
Where rules are asked for and none are given, the built-in pack is meant.

Start here:
  rulewright match exports/                      match a folder of exported logs against the pack
  rulewright params --out tenant.yaml            what to fill in so that all rules run
  rulewright match --profile tenant.yaml exports/
  rulewright check my-rules/                     check rules of your own

`+"`rulewright COMMAND --help` says more. Exit codes: 0 done, 1 the answer is no, 2 not possible.\n")
}

// flags returns the flag set of a command. usage is what stands behind the
// command's name; about says what the command does and gives examples.
func (c *cli) flags(usage, about string) *flag.FlagSet {
	f := flag.NewFlagSet(c.name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {
		fmt.Fprintf(c.out, "Usage: rulewright %s %s\n\n%s\n", c.name, usage, strings.TrimSpace(about))
		first := true
		f.VisitAll(func(fl *flag.Flag) {
			if first {
				fmt.Fprint(c.out, "\nFlags:\n")
				first = false
			}
			arg, text := flag.UnquoteUsage(fl)
			name := "--" + fl.Name
			if arg != "" {
				name += " " + arg
			}
			fmt.Fprintf(c.out, "  %-22s %s", name, text)
			if fl.DefValue != "" && fl.DefValue != "false" && fl.DefValue != "0" && fl.DefValue != "0s" && fl.DefValue != "[]" {
				fmt.Fprintf(c.out, " (default %s)", fl.DefValue)
			}
			fmt.Fprintln(c.out)
		})
	}
	return f
}

// parse reads flags wherever they stand and returns the other arguments. Unless
// ok, the command ends with the code.
func (c *cli) parse(f *flag.FlagSet, args []string) (rest []string, code int, ok bool) {
	var after []string
	if i := slices.Index(args, "--"); i >= 0 {
		args, after = args[:i], args[i+1:]
	}
	for {
		if err := f.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, exitOK, false
			}
			if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
				var known []string
				f.VisitAll(func(fl *flag.Flag) { known = append(known, "--"+fl.Name) })
				return nil, c.misuse("there is no flag --%s%s", name, didYouMean("--"+name, known)), false
			}
			return nil, c.misuse("%v", err), false
		}
		args = f.Args()
		if len(args) == 0 {
			return append(rest, after...), exitOK, true
		}
		rest, args = append(rest, args[0]), args[1:]
	}
}

// misuse reports wrong usage.
func (c *cli) misuse(format string, args ...any) int {
	fmt.Fprintf(c.err, "rulewright %s: %s\nRun `rulewright %s --help` for its usage.\n", c.name, fmt.Sprintf(format, args...), c.name)
	return exitError
}

// fail reports what could not be done.
func (c *cli) fail(err error) int {
	var ds sigma.Diagnostics
	if errors.As(err, &ds) {
		ds.Render(c.err)
		return exitError
	}
	fmt.Fprintf(c.err, "rulewright %s: %v\n", c.name, err)
	return exitError
}

// told puts hints into the messages, where a finding is one line.
func told(ds sigma.Diagnostics) sigma.Diagnostics {
	out := slices.Clone(ds)
	for i, d := range out {
		if d.Hint != "" {
			out[i].Message += "; " + d.Hint
		}
	}
	return out
}

// didYouMean is the end of a message about a name that is none of known.
func didYouMean(name string, known []string) string {
	if hint := sigma.NearestHint(name, known, ""); hint != "" {
		return "; " + hint
	}
	return ""
}

// oneOf checks a flag that takes one of a few words.
func oneOf(flag, value string, words ...string) error {
	if slices.Contains(words, value) {
		return nil
	}
	words = slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == "" }) // the flag may be left out
	return fmt.Errorf("--%s takes %s, not %q%s", flag, strings.Join(words, ", "), value, didYouMean(value, words))
}

// list is a flag that may be given several times or hold several words
// separated by commas.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(s string) error {
	for _, w := range strings.Split(s, ",") {
		if w = strings.TrimSpace(w); w != "" {
			*l = append(*l, w)
		}
	}
	return nil
}

// paths is a flag that may be given several times, whose value may hold commas.
type paths []string

func (p *paths) String() string     { return strings.Join(*p, " ") }
func (p *paths) Set(s string) error { *p = append(*p, s); return nil }

// levels in rising order.
var levels = sigma.Levels()

// levelRank is -1 for a rule that states no level.
func levelRank(level string) int { return slices.Index(levels, strings.ToLower(level)) }

// plural writes a number with thousands separated and its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "y") {
		return number(n) + " " + strings.TrimSuffix(noun, "y") + "ies"
	}
	return number(n) + " " + noun + "s"
}

func number(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
