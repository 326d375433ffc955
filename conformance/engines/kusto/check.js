'use strict';
// Checks queries with Microsoft's own parser and binder of KQL, Kusto.Language.
// Standard input: a JSON line {"tables": {name: "(Column:type, …)"}, "functions":
// {name: {"parameters": "(…)", "body": "{ … }"}}}, then a line {"id", "query"}
// each. Standard output: a line {"id", "errors": ["line:column: message"]} each.

const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const vm = require('node:vm');

// The package holds browser scripts that put their namespaces on the global
// object.
const folder = path.dirname(require.resolve('@kusto/language-service-next/package.json'));
for (const name of ['bridge.min.js', 'Kusto.Language.Bridge.min.js']) {
  vm.runInThisContext(fs.readFileSync(path.join(folder, name), 'utf8'), { filename: name });
}
const { Language } = globalThis.Kusto;
const { Symbols, Syntax } = Language;
const array = (list) => (list ? globalThis.Bridge.toArray(list) : []);

function globals(world) {
  const symbols = [];
  for (const [name, schema] of Object.entries(world.tables)) {
    symbols.push(Symbols.TableSymbol.From(schema).WithName(name));
  }
  for (const [name, f] of Object.entries(world.functions || {})) {
    symbols.push(new Symbols.FunctionSymbol.$ctor16(name, f.parameters, f.body, ''));
  }
  return Language.GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor('workspace', symbols));
}

// Kusto compares values of unlike types, with no result that anyone wants. A
// printer that knows its types emits no such comparison.
const groups = { int: 'number', long: 'number', real: 'number', decimal: 'number' };
const kinds = {};
for (const k of ['EqualExpression', 'NotEqualExpression', 'InExpression', 'NotInExpression']) kinds[Syntax.SyntaxKind[k]] = k;

function scalar(node) {
  const t = node && node.ResultType;
  return t && t.Kind === Symbols.SymbolKind.Primitive ? groups[t.Name] || t.Name : '';
}

function unlike(node, found) {
  const kind = kinds[node.Kind];
  if (kind) {
    const left = scalar(node.Left);
    const right = kind.startsWith('In') || kind.startsWith('NotIn')
      ? array(node.Right && node.Right.Expressions).map((e) => e.Element) : [node.Right];
    for (const r of right) {
      const t = scalar(r);
      if (left && t && left !== t && left !== 'unknown' && t !== 'unknown' && left !== 'dynamic' && t !== 'dynamic') {
        found.push([node.TextStart, `${left} is compared with ${t}`]);
      }
    }
  }
  for (let i = 0; i < node.ChildCount; i++) {
    const child = node.GetChild(i);
    if (child) unlike(child, found);
  }
}

function place(text, at) {
  const before = text.slice(0, at).split('\n');
  return `${before.length}:${before[before.length - 1].length + 1}`;
}

function check(query, world) {
  const code = Language.KustoCode.ParseAndAnalyze(query, world);
  const found = array(code.GetDiagnostics()).filter((d) => d.Severity === 'Error').map((d) => [d.Start, `${d.Message} [${d.Code}]`]);
  unlike(code.Syntax, found);
  return found.map(([at, message]) => `${place(query, at)}: ${message}`);
}

let world = null;
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line);
  if (!world) world = globals(message);
  else console.log(JSON.stringify({ id: message.id, errors: check(message.query, world) }));
});
