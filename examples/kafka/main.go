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
	"log"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/rulewright/rulewright/compiler"
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
		err = publishLines(ctx, set, *topic, seeds)
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
	for _, p := range compiler.NewRouter(set).Partitions() {
		if p.By == "" {
			log.Printf("%d rules cannot be divided: one partition does all of their work", len(p.Rules))
		}
	}
	return set, nil
}

func publishLines(ctx context.Context, set *compiler.RuleSet, topic string, opts ...kgo.Opt) error {
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return err
	}
	defer client.Close()
	router := compiler.NewRouter(set)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	sending, fail := context.WithCancelCause(ctx) // what the broker did not take is lost, so nothing more is read
	defer fail(nil)
	for lines.Scan() && sending.Err() == nil {
		publish(sending, client, router, topic, []byte(lines.Text()), fail)
	}
	err = errors.Join(lines.Err(), client.Flush(sending))
	if cause := context.Cause(sending); cause != nil && ctx.Err() == nil {
		err = fmt.Errorf("publishing: %w", cause)
	}
	return err
}

// publish puts an event into the topic under each of its keys. Most events have
// none: no rule is true of them. One that cannot be read is told of and has none,
// one that some rule could not be evaluated over has those of the others; fail is
// called with what the broker did not take.
func publish(ctx context.Context, client *kgo.Client, router *compiler.Router, topic string, event []byte, fail func(error)) {
	keys, err := router.Keys(event)
	if err != nil {
		log.Print("an event is left out, or some of its rules are: ", err)
	}
	for _, key := range keys {
		client.Produce(ctx, &kgo.Record{Topic: topic, Key: []byte(key), Value: event}, func(_ *kgo.Record, err error) {
			if err != nil {
				fail(err)
			}
		})
	}
}
