// Do the dashboards say to a reader what they mean to? Grafana's data library runs their transformations, overrides,
// mappings and units over made-up answers; checks/ says what is wrong with what comes out.
//   node semantics.js [--show]      --show prints the names and values that each panel shows
'use strict';
const { read, panels, title } = require('./dashboards');
const { fields, shown, nameOf, text, transform } = require('./grafana');
const { factsOf, frames } = require('./answers');
const annotations = require('./checks/annotations');
const CHECKS = ['columns', 'series', 'values', 'links'].map((name) => require(`./checks/${name}`));

// {name: [finding]} of dashboards, [{name, json}].
async function check(dashboards) {
  const facts = factsOf([...new Set(dashboards.flatMap(({ json }) => expressions(json)))]);
  const site = new Map(read().map(({ json }) => [json.uid, json]));
  const findings = {};
  for (const { name, json } of dashboards) findings[name] = await ofDashboard(json, site, facts);
  return findings;
}

const annotationsOf = (dashboard) => (dashboard.annotations || {}).list || [];

function expressions(dashboard) {
  return [...panels(dashboard).flatMap((panel) => panel.targets || []), ...annotationsOf(dashboard)].map(
    ({ expr }) => expr || '',
  );
}

async function ofDashboard(dashboard, site, facts) {
  const found = [];
  for (const annotation of annotationsOf(dashboard)) {
    for (const finding of annotations.check(annotation, facts[annotation.expr]))
      found.push(`annotation ${annotation.name}: ${finding}`);
  }
  for (const panel of panels(dashboard)) {
    const broken = (panel.targets || []).filter((target) => facts[target.expr || ''].error);
    broken.forEach((target) => found.push(`${title(panel)}: query ${target.refId}: ${facts[target.expr || ''].error}`));
    if (panel.targets && !broken.length) found.push(...(await ofPanel({ dashboard, site, panel, facts })));
  }
  return found;
}

async function ofPanel(context) {
  const { panel } = context;
  const found = new Set();
  try {
    Object.assign(context, await drawing(context));
    for (const one of CHECKS) for await (const finding of one.check(context)) found.add(finding);
    await drawing(context, new Set(panel.targets.map(({ refId }) => refId)));
  } catch (error) {
    found.add(`${error.stack}`);
  }
  return [...found].map((finding) => `${title(panel)}: ${finding}`);
}

// The answers as they come, after the transformations, and as the panel draws them.
async function drawing({ panel, facts }, empty) {
  const raw = frames(panel, facts, empty);
  const transformed = await transform(panel.transformations, raw);
  return { raw, transformed, drawn: fields(panel, transformed) };
}

async function show(dashboard) {
  const facts = factsOf(expressions(dashboard));
  for (const panel of panels(dashboard).filter((one) => one.targets)) {
    const { raw, drawn } = await drawing({ panel, facts });
    console.log(`  ${title(panel)} (${panel.type})`);
    const seen = ['stat', 'bargauge', 'gauge'].includes(panel.type)
      ? shown(panel, raw).map((one) => `${one.title}: ${one.text} ${one.color}`)
      : drawn.flatMap((frame) =>
          frame.fields.map((field) => `${nameOf(field, frame, drawn)}: ${text(field, field.values[0])}`),
        );
    const words = drawn.flatMap((frame) =>
      frame.fields.flatMap(({ config: { mappings = [] } }) => mappings.map(wordsOf)),
    );
    [...new Set([...seen, ...words])].forEach((line) => console.log(`    ${line}`));
  }
}

function wordsOf({ options }) {
  return JSON.stringify(
    options.result ||
      Object.fromEntries(Object.entries(options).map(([key, { text: word, color }]) => [key, `${word} ${color}`])),
  );
}

async function main() {
  const dashboards = read();
  const findings = await check(dashboards);
  for (const { name, json } of dashboards) {
    const queries = panels(json).flatMap((panel) => panel.targets || []).length;
    console.log(`${name}: ${panels(json).length} panels, ${queries} queries, ${findings[name].length} findings`);
    findings[name].forEach((finding) => console.log(`  ${finding}`));
    if (process.argv.includes('--show')) await show(json);
  }
  process.exitCode = Object.values(findings).some((list) => list.length) ? 1 : 0;
}

module.exports = { check };
if (require.main === module) {
  main().catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
