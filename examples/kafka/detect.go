package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/rulewright/rulewright/compiler"
)

// detector is one process: it has a stream for each partition that the group
// gives it.
type detector struct {
	set     *compiler.RuleSet
	store   folder
	topic   string
	every   time.Duration // between checkpoints
	mu      sync.Mutex    // the client calls back on goroutines of its own
	streams map[int32]*partition
	// crash, for the test, leaves without a last checkpoint.
	crash func() bool
}

// partition is the stream of a partition, and what is not in a checkpoint yet.
type partition struct {
	stream *compiler.Stream
	next   int64 // offset behind the last event that was pushed
	saved  int64 // what next was at the last checkpoint
	hits   []*compiler.Hit
}

var options = compiler.StreamOptions{Lateness: 0}

func (d *detector) run(ctx context.Context, opts ...kgo.Opt) error {
	d.streams = map[int32]*partition{}
	client, err := kgo.NewClient(append(opts,
		kgo.ConsumerGroup("rulewright"), kgo.ConsumeTopics(d.topic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		// The position is that of the checkpoint, not one that the group keeps:
		// state and position must be of the same moment.
		kgo.AdjustFetchOffsetsFn(d.positions),
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, gone map[string][]int32) { d.leave(gone[d.topic], true) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, gone map[string][]int32) { d.leave(gone[d.topic], false) }),
	)...)
	if err != nil {
		return err
	}
	defer client.CloseAllowingRebalance()
	saved := time.Now()
	for {
		// Not for longer than a checkpoint may wait: behind the last events that
		// come for a while there is one, too.
		wait, done := context.WithTimeout(ctx, d.every)
		fetches := client.PollFetches(wait)
		done()
		if err := ctx.Err(); err != nil {
			return err
		}
		if d.crash != nil && d.crash() {
			d.mu.Lock()
			clear(d.streams)
			d.mu.Unlock()
			return nil
		}
		var failed error
		d.mu.Lock()
		fetches.EachError(func(_ string, _ int32, err error) {
			if !errors.Is(err, context.DeadlineExceeded) { // nothing came
				failed = errors.Join(failed, err)
			}
		})
		fetches.EachRecord(func(r *kgo.Record) {
			p := d.streams[r.Partition]
			if p == nil || r.Offset < p.next {
				return
			}
			hits, err := p.stream.PushKey(string(r.Key), r.Value)
			if err != nil { // of this event; the stream goes on
				log.Printf("partition %d, offset %d: %v", r.Partition, r.Offset, err)
			}
			p.hits, p.next = append(p.hits, hits...), r.Offset+1
		})
		if time.Since(saved) >= d.every {
			for n := range d.streams {
				failed = errors.Join(failed, d.checkpoint(n))
			}
			saved = time.Now()
		}
		d.mu.Unlock()
		client.AllowRebalance()
		if failed != nil {
			return failed
		}
	}
}

// positions restores the streams of new partitions and says where to go on.
func (d *detector) positions(_ context.Context, given map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for n := range given[d.topic] {
		if d.streams[n] != nil {
			continue
		}
		p, err := d.store.restore(n, d.set)
		if err != nil {
			return nil, fmt.Errorf("partition %d: %w", n, err)
		}
		d.streams[n] = p
		given[d.topic][n] = kgo.NewOffset().At(p.next)
	}
	return given, nil
}

// leave gives partitions back.
func (d *detector) leave(partitions []int32, save bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, n := range partitions {
		if save && d.streams[n] != nil {
			if err := d.checkpoint(n); err != nil {
				log.Printf("partition %d: %v; who takes it goes on from the checkpoint before", n, err)
			}
		}
		delete(d.streams, n)
	}
}

func (d *detector) checkpoint(n int32) error {
	p := d.streams[n]
	if p.next == p.saved {
		return nil // no event since
	}
	if err := d.store.save(n, p); err != nil {
		return err
	}
	p.hits, p.saved = nil, p.next
	return nil
}

// folder keeps checkpoints: for each partition a file with the position and the
// snapshot behind it, and files with hits, named by the position that they are
// from. A hit counts when the state's position has reached that of its file.
// Whoever has a database puts the three into one transaction instead.
type folder string

func (f folder) state(n int32) string { return filepath.Join(string(f), fmt.Sprintf("%d.state", n)) }

func (f folder) hits(n int32, position int64) string {
	return filepath.Join(string(f), fmt.Sprintf("%d-%020d.hits", n, position))
}

func (f folder) save(n int32, p *partition) error {
	if err := os.MkdirAll(string(f), 0o755); err != nil {
		return err
	}
	if len(p.hits) > 0 {
		var b bytes.Buffer
		for _, h := range p.hits {
			line, err := json.Marshal(map[string]any{"id": h.ID(), "rule": h.Rule.Title, "time": h.Time(), "group": h.Group, "value": h.Value})
			if err != nil {
				return err
			}
			b.Write(append(line, '\n'))
		}
		// On the disk before the state that says so.
		err := f.write(f.hits(n, p.next), func(w io.Writer) error { _, err := w.Write(b.Bytes()); return err })
		if err != nil {
			return err
		}
	}
	return f.write(f.state(n), func(w io.Writer) error {
		if _, err := fmt.Fprintf(w, "%020d\n", p.next); err != nil {
			return err
		}
		return p.stream.Snapshot(w)
	})
}

// write makes a file that is whole or not there.
func (f folder) write(name string, content func(io.Writer) error) error {
	file, err := os.CreateTemp(string(f), "new-*")
	if err != nil {
		return err
	}
	err = content(file)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	if err = os.Rename(file.Name(), name); err != nil {
		return err
	}
	// The names, too, are to be on the disk in the order in which they were given.
	dir, err := os.Open(string(f))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// position reads how far a checkpoint is.
func (f folder) position(r io.Reader) (next int64, err error) {
	var head [21]byte
	if _, err = io.ReadFull(r, head[:]); err == nil {
		_, err = fmt.Sscanf(string(head[:]), "%d", &next)
	}
	return next, err
}

func (f folder) restore(n int32, set *compiler.RuleSet) (*partition, error) {
	file, err := os.Open(f.state(n))
	if errors.Is(err, fs.ErrNotExist) {
		return &partition{stream: compiler.NewStream(set, options)}, f.undo(n, 0)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	p := &partition{}
	if p.next, err = f.position(file); err != nil {
		return nil, err
	}
	p.saved = p.next
	var carried compiler.Carried
	if p.stream, carried, err = compiler.RestoreStream(set, options, file); err != nil {
		return nil, err
	}
	for _, x := range carried.Dropped {
		log.Printf("partition %d: rule %s changed or is gone, %d groups and %d waiting hits forgotten", n, x.Title, x.Groups, x.Hits)
	}
	return p, f.undo(n, p.next)
}

// undo removes hits of a checkpoint that was not finished: they come again.
func (f folder) undo(n int32, position int64) error {
	files, err := filepath.Glob(filepath.Join(string(f), fmt.Sprintf("%d-*.hits", n)))
	for _, name := range files {
		if name > f.hits(n, position) {
			err = errors.Join(err, os.Remove(name))
		}
	}
	return err
}
