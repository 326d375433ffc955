// Command kafka runs Sigma rules, correlations among them, over the events of a
// Kafka topic in as many processes as the topic has partitions. It shows how
// the parts go together; docs/streams.md tells why.
//
//	kafka -rules rules.yaml -brokers localhost:9092 publish < events.ndjson
//	kafka -rules rules.yaml -brokers localhost:9092 -state /var/lib/detect detect
//
// publish is part of what collects events: it puts each event that a rule is
// true of into the topic, once under each of its keys. detect is run as often
// as there are machines: the group gives each its partitions, and each
// partition has a stream of its own.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/rulewright/rulewright/compiler"
	"github.com/rulewright/rulewright/compiler/event"
	"github.com/rulewright/rulewright/sigma"
)

func main() {
	rules := flag.String("rules", "rules.yaml", "file with rules")
	brokers := flag.String("brokers", "localhost:9092", "brokers, with commas")
	topic := flag.String("topic", "events-by-key", "topic of events by their keys")
	state := flag.String("state", "state", "folder for checkpoints and hits, which all processes share")
	flag.Parse()
	set, err := load(*rules)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	seeds := kgo.SeedBrokers(strings.Split(*brokers, ",")...)
	switch flag.Arg(0) {
	case "publish":
		err = publishLines(ctx, set, *topic, os.Stdin, seeds)
	case "detect":
		d := &detector{set: set, store: folder(*state), topic: *topic, every: 10 * time.Second}
		err = d.run(ctx, seeds)
	default:
		err = errors.New("say publish or detect")
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}

func load(file string) (*compiler.RuleSet, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	docs, problems := sigma.Parse(file, text)
	set, found := compiler.NewRuleSet(docs, compiler.RuleSetOptions{})
	if problems = append(problems, found...); problems.HasErrors() {
		return nil, problems
	}
	for _, p := range compiler.NewRouter(set).Divisions() {
		if p.By == "" {
			log.Printf("%d rules cannot be divided: one partition does all of their work", len(p.Rules))
		}
	}
	return set, nil
}

// publishLines publishes the events of a text, one a line.
func publishLines(ctx context.Context, set *compiler.RuleSet, topic string, in io.Reader, opts ...kgo.Opt) error {
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return err
	}
	defer client.Close()
	router := compiler.NewRouter(set)
	sending, fail := context.WithCancelCause(ctx) // what the broker did not take is lost, so nothing more is read
	defer fail(nil)
	err = eachLine(in, func(line []byte) bool {
		publish(sending, client, router, topic, line, fail)
		return sending.Err() == nil
	})
	err = errors.Join(err, client.Flush(sending))
	if cause := context.Cause(sending); cause != nil && ctx.Err() == nil {
		err = fmt.Errorf("publishing: %w", cause)
	}
	return err
}

// eachLine calls f with each line until f returns false. A line that is longer
// than an event may be is told of and left out.
func eachLine(r io.Reader, f func(line []byte) bool) error {
	in := bufio.NewReaderSize(r, 1<<16)
	for n := 1; ; n++ {
		var line []byte
		size := 0
		for more := true; more; {
			part, prefix, err := in.ReadLine()
			if errors.Is(err, io.EOF) {
				if size == 0 {
					return nil
				}
				break // the last line has no end
			} else if err != nil {
				return err
			}
			if size += len(part); size <= event.MaxRecordBytes {
				line = append(line, part...)
			}
			more = prefix
		}
		if size > event.MaxRecordBytes {
			log.Printf("line %d has %d bytes, more than an event may have: it is left out", n, size)
		} else if !f(line) {
			return nil
		}
	}
}

// publish puts an event into the topic under each of its keys. Most events have
// none: no rule is true of them. One that cannot be read, or that is larger than
// the broker takes, is told of and left out; one that some rule could not be
// evaluated over has the keys of the others. fail is called with what else the
// broker did not take.
func publish(ctx context.Context, client *kgo.Client, router *compiler.Router, topic string, ev []byte, fail func(error)) {
	keys, err := router.Keys(ev)
	if err != nil {
		log.Print("an event is left out, or some of its rules are: ", err)
	}
	for _, key := range keys {
		client.Produce(ctx, &kgo.Record{Topic: topic, Key: []byte(key), Value: ev}, func(_ *kgo.Record, err error) {
			if errors.Is(err, kerr.MessageTooLarge) {
				log.Printf("an event of %d bytes is left out: %v", len(ev), err)
			} else if err != nil {
				fail(err)
			}
		})
	}
}
