package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/rulewright/rulewright/compiler"
)

func events(n int) [][]byte {
	rnd := rand.New(rand.NewPCG(1, 1))
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	out := make([][]byte, n)
	for i := range out {
		at = at.Add(time.Duration(1+rnd.IntN(5)) * time.Second)
		ev := map[string]any{"Type": "SigninLogs", "Id": fmt.Sprint("event-", i), "TimeGenerated": at.Format(time.RFC3339),
			"ResultType": []string{"0", "50126"}[rnd.IntN(2)], "UserPrincipalName": fmt.Sprintf("user%d@contoso.com", rnd.IntN(300)),
			"IPAddress": fmt.Sprintf("203.0.113.%d", rnd.IntN(60)), "UserAgent": []string{"Mozilla/5.0", "python-requests/2.31.0"}[rnd.IntN(50)/49]}
		out[i], _ = json.Marshal(ev)
	}
	return out
}

// broker is one that is there for a test, with a topic.
func broker(t *testing.T, topic string, partitions int32) kgo.Opt {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, topic))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return kgo.SeedBrokers(cluster.ListenAddrs()...)
}

// Processes come and go, one without a word. What they found together is what
// one stream finds in all events, each hit once.
func TestDetect(t *testing.T) {
	const topic, partitions = "events-by-key", 6
	seeds := broker(t, topic, partitions)
	set, err := load("rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	one := compiler.NewStream(set, options)
	all := events(3000)
	for _, ev := range all {
		hits, err := one.Push(ev)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range hits {
			want[h.ID()]++
		}
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	store := folder(t.TempDir())
	var processes sync.WaitGroup
	start := func(d *detector) context.CancelFunc {
		ctx, stop := context.WithCancel(ctx)
		d.set, d.store, d.topic = set, store, topic
		processes.Go(func() {
			if err := d.run(ctx, seeds); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		})
		return stop
	}
	var crash atomic.Bool
	first := start(&detector{every: 50 * time.Millisecond, crash: crash.Load})
	defer first()

	client, err := kgo.NewClient(seeds)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	router := compiler.NewRouter(set)
	sent := 0
	for i, ev := range all {
		keys, err := router.Keys(ev)
		if err != nil {
			t.Fatal(err)
		}
		sent += len(keys)
		publish(ctx, client, router, topic, ev, func(err error) { t.Error(err) })
		switch i {
		case 1000:
			if err := client.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			defer start(&detector{every: 50 * time.Millisecond})()
		case 2000:
			if err := client.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			time.Sleep(200 * time.Millisecond)
			crash.Store(true) // between two checkpoints
		}
	}
	if err := client.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	for done := 0; done < sent; time.Sleep(50 * time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatalf("%d of %d messages done", done, sent)
		}
		done = 0
		for n := range int32(partitions) {
			if file, err := os.Open(store.state(n)); err == nil {
				next, err := store.position(file)
				file.Close()
				if err != nil {
					t.Fatal(err)
				}
				done += int(next)
			}
		}
	}
	cancel()
	processes.Wait()

	got, used := map[string]int{}, map[string]bool{}
	files, _ := filepath.Glob(filepath.Join(string(store), "*.hits"))
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		n, _, _ := strings.Cut(filepath.Base(name), "-")
		used[n] = true
		for line := range bytes.Lines(text) {
			var h struct{ ID string }
			if err := json.Unmarshal(line, &h); err != nil {
				t.Fatal(err)
			}
			got[h.ID]++
		}
	}
	t.Logf("%d events, %d messages, %d hits in partitions %v", len(all), sent, len(got), slices.Sorted(maps.Keys(used)))
	if !maps.Equal(got, want) || len(want) < 50 || len(used) < 3 {
		t.Errorf("%d hits, want %d", len(got), len(want))
	}
}

// An event that the broker does not take, and a line that is no event, do not end
// the publisher.
func TestPublishLines(t *testing.T) {
	const topic = "events-by-key"
	seeds := broker(t, topic, 3)
	set, err := load("rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	line := func(id, more string) {
		fmt.Fprintf(&lines, `{"Type":"SigninLogs","TimeGenerated":"2026-03-01T00:00:00Z","Id":"%s",%s"ResultType":"50126","UserPrincipalName":"u","IPAddress":"1.2.3.4","UserAgent":"python-requests/2.31.0"}`+"\n", id, more)
	}
	for id, bad := range map[string]string{"a": `"x":"` + strings.Repeat("x", 1_200_000) + `",`, "b": `"x":"` + strings.Repeat("x", 17<<20) + `",`, "c": `"x":,`} {
		line("bad", bad)
		line(id, "")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := publishLines(ctx, set, topic, &lines, seeds); err != nil {
		t.Fatal(err)
	}
	client, err := kgo.NewClient(seeds, kgo.ConsumeTopics(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	got := map[string]bool{}
	for len(got) < 3 {
		fetched := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			t.Fatal(err, got)
		}
		fetched.EachRecord(func(r *kgo.Record) {
			var ev struct{ Id string }
			if err := json.Unmarshal(r.Value, &ev); err != nil || len(r.Value) > 1000 {
				t.Errorf("%d bytes, %v", len(r.Value), err)
			}
			got[ev.Id] = true
		})
	}
	if !got["a"] || !got["b"] || !got["c"] {
		t.Error(got)
	}
}
