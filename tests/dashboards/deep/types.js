// Do the dashboards have the types that Grafana's schema gives them? tsc --strict says.
'use strict';
const path = require('path');
const ts = require('typescript');
const { read, panels } = require('./dashboards');
const { write } = require('./typescript');

const OPTIONS = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  exactOptionalPropertyTypes: false,
  types: [],
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
};

// {name: [finding]} of dashboards, [{name, json}]; all in one run of the compiler.
function check(dashboards) {
  const written = new Map();
  for (const { name, json } of dashboards)
    written.set(path.join(process.env.DEEP_FOLDER, `${name}.ts`), { name, ...write(json) });
  const findings = Object.fromEntries(dashboards.map(({ name }) => [name, []]));
  const program = ts.createProgram([...written.keys()], OPTIONS, host(written));
  for (const diagnostic of ts.getPreEmitDiagnostics(program)) {
    const source = diagnostic.file && written.get(path.resolve(diagnostic.file.fileName));
    if (!source) throw new Error(`the compiler, not a dashboard: ${message(diagnostic)}`);
    findings[source.name].push(`${place(diagnostic, source)}: ${message(diagnostic)}`);
  }
  return findings;
}

// The real file system with our files in it, which exist in memory only.
function host(written) {
  const real = ts.createCompilerHost(OPTIONS);
  return {
    ...real,
    fileExists: (file) => written.has(path.resolve(file)) || real.fileExists(file),
    readFile: (file) => (written.get(path.resolve(file)) || {}).text || real.readFile(file),
    getSourceFile: (file, ...rest) => {
      const ours = written.get(path.resolve(file));
      return ours ? ts.createSourceFile(file, ours.text, OPTIONS.target, true) : real.getSourceFile(file, ...rest);
    },
  };
}

function place(diagnostic, source) {
  const line = source.text.slice(source.text.lastIndexOf('\n', diagnostic.start) + 1);
  const constant = /^const p(\d+)/.exec(line);
  if (!constant) throw new Error(`the imports, not a dashboard: ${message(diagnostic)}`);
  return source.parts[constant[1]];
}

// The last sentence of a chain is the most exact one; types are long, so it is cut.
function message(diagnostic) {
  const sentences = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n').split('\n');
  const text = sentences[sentences.length - 1].trim();
  return text.length > 240 ? `${text.slice(0, 240)}...` : text;
}

function main() {
  const dashboards = read();
  const findings = check(dashboards);
  for (const { name, json } of dashboards) {
    console.log(`${name}: ${panels(json).length} panels, ${findings[name].length} findings`);
    findings[name].forEach((finding) => console.log(`  ${finding}`));
  }
  process.exitCode = Object.values(findings).some((list) => list.length) ? 1 : 0;
}

module.exports = { check };
if (require.main === module) main();
