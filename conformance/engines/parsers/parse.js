// Reads {"dialect": ["query", …], …} and prints {"dialect": ["error" or "", …], …}.
import { readFileSync } from 'node:fs'
import { SparkSQL, TrinoSQL } from 'dt-sql-parser'
import nodeSQL from 'node-sql-parser'

console.error = () => {} // the grammars print every error they meet

const grammar = (parser) => (query) => parser.validate(query).map((e) => e.message).join('; ')
const node = (database) => {
  const parser = new nodeSQL.Parser()
  return (query) => {
    try {
      parser.astify(query, { database })
      return ''
    } catch (e) {
      return e.message
    }
  }
}

const parsers = { trino: grammar(new TrinoSQL()), spark: grammar(new SparkSQL()), snowflake: node('Snowflake'), bigquery: node('BigQuery') }
const answers = {}
for (const [dialect, queries] of Object.entries(JSON.parse(readFileSync(0, 'utf8')))) {
  if (parsers[dialect]) answers[dialect] = queries.map(parsers[dialect])
}
process.stdout.write(JSON.stringify(answers))
