package event

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// Compression may be wrapped around compression, as a download of an archived
// export is, but not without end.
const maxCompressions = 3

// decompress undoes gzip and zstd, which it tells by their first bytes, and
// keeps watch over how much comes out.
func (r *Reader) decompress(in io.Reader) (io.Reader, error) {
	packed := &counted{r: in}
	in = packed
	for layer := 0; ; layer++ {
		b := bufio.NewReaderSize(in, windowStep)
		head, _ := b.Peek(4)
		magic := string(head)
		gz := strings.HasPrefix(magic, "\x1f\x8b")
		zst := magic == "\x28\xb5\x2f\xfd" || len(magic) == 4 && magic[0]&0xf0 == 0x50 && magic[1:] == "\x2a\x4d\x18"
		switch {
		case !gz && !zst:
			if strings.HasPrefix(magic, "PK\x03\x04") {
				return nil, errors.New("a ZIP archive (or XLSX file): unpack it, or save the sheet as CSV, and give the files inside")
			}
			return &limited{r: b, left: r.opts.MaxBytes, unlimited: r.opts.MaxBytes <= 0}, nil
		case layer == maxCompressions:
			return nil, fmt.Errorf("compressed more than %d times over", maxCompressions)
		}
		var out io.Reader
		if gz {
			z, err := gzip.NewReader(b)
			if err != nil {
				return nil, fmt.Errorf("cannot be decompressed: %w", err)
			}
			out = z
		} else {
			z, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(128<<20))
			if err != nil {
				return nil, fmt.Errorf("cannot be decompressed: %w", err)
			}
			r.close = append(r.close, z.Close)
			out = z
		}
		in = &unpacked{r: out, packed: packed}
	}
}

type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// unpacked refuses input that grows beyond all measure when it is unpacked.
type unpacked struct {
	r      io.Reader
	packed *counted
	n      int64
}

func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	u.n += int64(n)
	if u.n > ratioFrom && u.n/MaxRatio > u.packed.n {
		return n, fmt.Errorf("unpacks to more than %d times its size; refused", MaxRatio)
	}
	if err != nil && err != io.EOF {
		err = fmt.Errorf("cannot be decompressed: %w", err)
	}
	return n, err
}

// limited refuses more than the caller allows.
type limited struct {
	r         io.Reader
	left      int64
	unlimited bool
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.unlimited {
		return n, err
	}
	if l.left -= int64(n); l.left < 0 {
		return 0, errors.New("the input is larger than the limit set for it")
	}
	return n, err
}
