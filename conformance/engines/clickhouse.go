package engines

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/rulewright/rulewright/backends"
)

// ClickHouse starts ClickHouse as a library in Node, which npm install in the folder
// clickhouse brings along.
func ClickHouse() (*Engine, error) {
	if _, err := os.Stat(filepath.Join("clickhouse", "node_modules", "chdb")); err != nil {
		return nil, errors.New("ClickHouse is not installed: run npm install in clickhouse")
	}
	cmd := exec.Command("node", "serve.js")
	cmd.Dir, cmd.Stderr = "clickhouse", os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return newEngine(backends.ClickHouse, sql.OpenDB(&chServer{cmd: cmd, in: in, out: bufio.NewReader(out)}), func(int) string { return "?" })
}

// chServer is the process; it is its only connection too, since its tables are.
type chServer struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func (s *chServer) Connect(context.Context) (driver.Conn, error) { return s, nil }
func (s *chServer) Driver() driver.Driver                        { return nil }
func (s *chServer) Begin() (driver.Tx, error)                    { return chNothing{}, nil }
func (s *chServer) Prepare(query string) (driver.Stmt, error)    { return nil, errors.ErrUnsupported }

func (s *chServer) Close() error {
	s.in.Close()
	return s.cmd.Wait()
}

// chNothing is a transaction: of one connection, statements are as good.
type chNothing struct{}

func (chNothing) Commit() error   { return nil }
func (chNothing) Rollback() error { return nil }

func (s *chServer) ExecContext(_ context.Context, statement string, args []driver.NamedValue) (driver.Result, error) {
	if table, ok := strings.CutPrefix(statement, "DELETE FROM "); ok { // temporary tables know no DELETE
		statement = "TRUNCATE TABLE " + table
	}
	_, err := s.run(statement, args)
	return driver.RowsAffected(0), err
}

func (s *chServer) QueryContext(_ context.Context, statement string, args []driver.NamedValue) (driver.Rows, error) {
	return s.run(statement, args)
}

// run puts the arguments in and a statement to the process.
func (s *chServer) run(statement string, args []driver.NamedValue) (*chRows, error) {
	parts := []string{statement}
	if len(args) > 0 {
		parts = strings.Split(statement, "?")
	}
	var b strings.Builder
	for i, part := range parts {
		b.WriteString(part)
		if i < len(args) {
			b.WriteString(chLiteral(args[i].Value))
		}
	}
	var line bytes.Buffer
	if err := json.NewEncoder(&line).Encode(b.String()); err != nil {
		return nil, err
	}
	if _, err := s.in.Write(line.Bytes()); err != nil {
		return nil, err
	}
	text, err := s.out.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("ClickHouse ended: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	rows := &chRows{}
	if err := d.Decode(rows); err != nil {
		return nil, fmt.Errorf("%w: %.200s", err, text)
	}
	if rows.Error != "" {
		return nil, errors.New(rows.Error)
	}
	return rows, nil
}

func chLiteral(v driver.Value) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		return "'" + v.UTC().Format("2006-01-02 15:04:05.000000") + "'"
	}
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(fmt.Sprint(v)) + "'"
}

type chRows struct {
	Names, Types []string
	Rows         [][]any
	Error        string
}

func (r *chRows) Columns() []string { return r.Names }
func (r *chRows) Close() error      { return nil }

func (r *chRows) Next(into []driver.Value) error {
	if len(r.Rows) == 0 {
		return io.EOF
	}
	for i, v := range r.Rows[0] {
		number, isNumber := v.(json.Number)
		text, isText := v.(string)
		switch {
		case isText && strings.Contains(r.Types[i], "DateTime64"):
			at, err := time.Parse("2006-01-02 15:04:05.999999", text)
			if err != nil {
				return err
			}
			v = at
		case isNumber:
			var err error
			if v, err = number.Int64(); err != nil {
				if v, err = number.Float64(); err != nil {
					return err
				}
			}
		}
		into[i] = v
	}
	r.Rows = r.Rows[1:]
	return nil
}
