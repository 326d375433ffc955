// Runs ClickHouse for the tests: a JSON string, a statement, a line in; a line
// out: {"names": […], "types": […], "rows": [[…], …]} or {"error": "…"}.
const readline = require('node:readline')
const { Session } = require('chdb')

const session = new Session()
session.query('SET max_query_size = 100000000, max_ast_elements = 10000000, max_expanded_ast_elements = 10000000, max_parser_depth = 10000, max_threads = 1')

function answer(statement) {
  try {
    const lines = session.query(statement, 'JSONCompactEachRowWithNamesAndTypes').split('\n').filter((line) => line !== '')
    return `{"names": ${lines[0] ?? '[]'}, "types": ${lines[1] ?? '[]'}, "rows": [${lines.slice(2).join(',')}]}`
  } catch (e) {
    return JSON.stringify({ error: String(e.message ?? e) })
  }
}

const statements = readline.createInterface({ input: process.stdin })
statements.on('line', (line) => process.stdout.write(answer(JSON.parse(line)) + '\n'))
statements.on('close', () => session.close())
