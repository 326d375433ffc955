package event

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// csvSource reads CSV rows as RFC 4180 has them, and as spreadsheets and
// PowerShell write them: other separators, a leading sep= or #TYPE line, quotes
// inside bare cells.
type csvSource struct {
	*Reader
	sep     byte
	columns []string
	toEvent func(row csvRow) (any, Source, error)
}

// csvRow is a row with the names of its columns. Cells may be empty.
type csvRow struct {
	columns []string
	cells   []string
}

const separators = ",;\t|"

func (s *csvSource) header() error {
	for {
		if err := s.findSeparator(); err != nil {
			return err
		}
		cells, err := s.row()
		if err == io.EOF {
			return errors.New("neither JSON nor CSV with a header")
		}
		if err != nil {
			return err
		}
		first := strings.ToLower(cells[0])
		if len(cells) == 1 && strings.HasPrefix(first, "sep=") || strings.HasPrefix(first, "#type ") || len(cells) <= 2 && strings.HasPrefix(first, "sep=") {
			continue
		}
		if len(cells) == 1 {
			return fmt.Errorf("neither JSON nor CSV with a header: the first line is %q", clip(cells[0]))
		}
		s.columns = cells
		break
	}
	for i, c := range s.columns {
		c = strings.TrimSpace(c)
		// Log Analytics says the zone of a time column in its name.
		if cut, ok := strings.CutSuffix(c, " [UTC]"); ok {
			c = cut
		}
		s.columns[i] = c
	}
	var err error
	s.toEvent, err = csvForm(s.columns, s.opts.File)
	return err
}

func clip(s string) string {
	if len(s) > 60 {
		return strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}

// findSeparator takes the one that the header line has most of outside quotes.
func (s *csvSource) findSeparator() error {
	var counts [256]int
	quoted := false
	for i := 0; ; i++ {
		c, ok := s.w.at(i)
		if !ok || c == '\n' && !quoted {
			if !ok && s.w.err != io.EOF {
				return s.w.err
			}
			break
		}
		if i > MaxRecordBytes {
			return errors.New("neither JSON nor CSV: the first line does not end")
		}
		if c == '"' {
			quoted = !quoted
		}
		if c == 0 {
			return errors.New("neither JSON nor CSV: binary data")
		}
		if !quoted {
			counts[c]++
		}
	}
	s.sep = ','
	for _, c := range []byte(separators) {
		if counts[c] > counts[s.sep] {
			s.sep = c
		}
	}
	return nil
}

func (s *csvSource) next() (Record, error) {
	for {
		line := s.w.line
		cells, err := s.row()
		if err != nil {
			return Record{}, err
		}
		if len(cells) == 1 && strings.TrimSpace(cells[0]) == "" {
			continue // an empty line
		}
		for len(cells) > len(s.columns) && cells[len(cells)-1] == "" {
			cells = cells[:len(cells)-1]
		}
		if len(cells) != len(s.columns) {
			return Record{}, s.unreadable(line, "a row of %d cells under a header of %d", len(cells), len(s.columns))
		}
		ev, hint, err := s.toEvent(csvRow{s.columns, cells})
		if err != nil {
			return Record{}, &RecordError{File: s.opts.File, Line: line, Err: err}
		}
		rec := s.record(ev, line, hint)
		if rec.ID == "" && hint.Table != "" {
			rec.ID = rowID(cells)
		}
		return rec, nil
	}
}

// rowID stands for the id that the portal's audit download leaves out, so that
// downloads whose days overlap count once. It has the time to the tick, who,
// what and which values: two rows that agree in all of it are one event.
func rowID(cells []string) string {
	sum := sha256.New()
	for _, c := range cells {
		fmt.Fprintf(sum, "%d:%s", len(c), c)
	}
	return "row-" + hex.EncodeToString(sum.Sum(nil)[:16])
}

// row reads one row. A quote that is not closed would swallow the rest of the
// file: such a row is given up and reading goes on in the line behind its first.
func (s *csvSource) row() ([]string, error) {
	line := s.w.line
	if _, ok := s.w.at(0); !ok {
		return nil, s.w.err
	}
	var cells []string
	var cell []byte
	i, quoted, wasQuoted := 0, false, false
	start := true // of a cell
	done := false
	for !done {
		c, ok := s.w.at(i)
		switch {
		case !ok && s.w.err != io.EOF:
			return nil, s.w.err
		case !ok && quoted, i > MaxRecordBytes:
			s.w.skipLine()
			if i > MaxRecordBytes {
				return nil, s.unreadable(line, "the row is larger than the limit of %d MiB; a quote may be missing", MaxRecordBytes>>20)
			}
			return nil, s.unreadable(line, "a quote is opened and never closed")
		case !ok:
			done = true
		case quoted && c == '"':
			if next, ok := s.w.at(i + 1); ok && next == '"' {
				cell = append(cell, '"')
				i++
			} else {
				quoted, wasQuoted = false, true
			}
		case quoted:
			cell = append(cell, c)
		case c == '"' && start:
			quoted = true
		case c == s.sep:
			cells, cell, wasQuoted = append(cells, string(cell)), cell[:0], false
			if len(cells) > MaxColumns {
				s.w.skip(i)
				s.w.skipLine()
				return nil, s.unreadable(line, "more than the limit of %d columns", MaxColumns)
			}
		case c == '\n':
			if !wasQuoted {
				cell = bytes.TrimSuffix(cell, []byte("\r"))
			}
			done = true
		case wasQuoted && c == '\r':
		default:
			cell = append(cell, c)
		}
		start = c == s.sep && !quoted && ok
		i++
	}
	cells = append(cells, string(cell))
	n := min(i, s.w.end-s.w.pos)
	err := validUTF8(s.w.bytes(n))
	s.w.skip(n)
	if err != nil {
		return nil, &RecordError{File: s.opts.File, Line: line, Err: err}
	}
	return cells, nil
}
