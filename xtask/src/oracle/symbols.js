// Every name of the language, from the tables of its own parser (npm package @kusto/language-service-next, development
// only): a line {"kind", "name", "hidden"} for each function, aggregate, plugin and operator.
// Usage: node symbols.js FOLDER_OF_THE_PACKAGE
const fs = require('fs'), path = require('path'), vm = require('vm');
for (const file of ['bridge.min.js', 'Kusto.Language.Bridge.min.js'])
  vm.runInThisContext(fs.readFileSync(path.join(process.argv[2], file), 'utf8'), { filename: file });
const { Aggregates, Functions, PlugIns, Syntax } = globalThis.Kusto.Language;
const list = (of) => (of.Count === undefined ? Array.from(of) : Array.from({ length: of.Count }, (_, at) => of.getItem(at)));
const tell = (kind, name, hidden) => process.stdout.write(JSON.stringify({ kind, name, hidden }) + '\n');
for (const [kind, table] of [['function', Functions], ['aggregate', Aggregates], ['plugin', PlugIns]])
  for (const symbol of list(table.All)) tell(kind, symbol.Name, Boolean(symbol.IsHidden));
const { SyntaxFacts, SyntaxKind } = Syntax;
const spelt = { Filter: 'where', Sort: 'sort', ReduceBy: 'reduce', PartitionBy: '__partitionby', ExecuteAndCache: '__executeAndCache' };
for (const kind of Object.keys(SyntaxKind).filter((name) => name.endsWith('Operator') && name !== 'BadQueryOperator')) {
  const word = kind.slice(0, -'Operator'.length);
  const keyword = SyntaxKind[word + 'Keyword'];
  const name = spelt[word] ?? (keyword === undefined ? word.toLowerCase() : SyntaxFacts.GetText(keyword));
  tell('operator', name, name.startsWith('__'));
}
