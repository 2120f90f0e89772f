// What Prometheus might answer to a query, as the data frames that Grafana's data source makes of it.
// Every value tells which query it came from, see queryOf().
'use strict';
const {
  data: { FieldType, createDataFrame },
} = require('./grafana');
const { ask } = require('./python');

const TIMES = [1700000000000, 1700000015000];

// Two directors with two services, one of them by mark, and two real servers each, that both services share. Labels
// that are not here belong to one of these things; their values come from the exporter's golden page.
const SERVICES = [
  { name: 'shop', local_address: '192.0.2.10', local_port: '443', proto: 'TCP', address_family: 'ipv4' },
  { name: 'mark 7', local_mark: '0x00000007', address_family: 'ipv4' },
];
const BACKENDS = ['10.0.0.1', '10.0.0.2'].map((address) => ({
  remote_address: address,
  remote_port: '8443',
  address,
  port: '8443',
  probe: 'https',
  type: 'https',
  via: '',
}));
const WORLD = ['director1:9898', 'director2:9898'].flatMap((instance) =>
  SERVICES.flatMap((service) =>
    BACKENDS.map((backend) => ({ cluster: 'edge', job: 'ipvs', instance, ...service, ...backend })),
  ),
);
const THINGS = new Set(WORLD.flatMap((one) => Object.keys(one)));

// The facts of results.py about expressions, {expression: facts}.
function factsOf(expressions) {
  return Object.fromEntries(ask('results.py', expressions).map((facts, i) => [expressions[i], facts]));
}

// The label sets of a result: one for each thing that its labels can tell apart.
function labelSets(facts) {
  const labels = Object.entries(facts.labels || {});
  const sets = new Map();
  for (const one of WORLD) {
    const set = Object.fromEntries(labels.filter(([label]) => one[label]).map(([label]) => [label, one[label]]));
    sets.set(JSON.stringify(set), set);
  }
  const things = [...sets.values()];
  const rest = labels.filter(([label]) => !THINGS.has(label));
  const count = Math.max(
    things.length,
    ...(labels.some(([label]) => THINGS.has(label)) ? [] : rest.map(([, v]) => v.length)),
  );
  return Array.from({ length: count }, (_, i) =>
    Object.assign(
      {},
      things[i % things.length],
      ...rest.map(([label, values]) => ({ [label]: values[i % values.length] || label })),
    ),
  );
}

// The frames of one panel, in the order of its queries. A query in `empty` finds nothing.
function frames(panel, facts, empty = new Set()) {
  const targets = panel.targets || [];
  const tables = targets.filter((target) => target.format === 'table').length;
  return targets.flatMap((target, i) => {
    const none = empty.has(target.refId);
    if (none && target.format !== 'table') return [createDataFrame({ refId: target.refId, fields: [] })];
    const sets = none ? [] : labelSets(facts[target.expr]);
    const times = target.instant && !target.range ? TIMES.slice(-1) : TIMES;
    const name = tables > 1 ? `Value #${target.refId}` : 'Value';
    if (target.format === 'table') return [table(target, sets, times, i, name, facts[target.expr])];
    if (target.format === 'heatmap') return [heatmap(target, sets, times, i)];
    return sets.map((labels, row) => series(target, labels, times, i, row));
  });
}

const sample = (query, row) => (query + 1) * 1000 + row;

// The index of the query that a value came from; transformations may have moved it anywhere.
function queryOf(value) {
  return typeof value === 'number' && value >= 1000 && value < 1e6 ? Math.floor(value / 1000) - 1 : undefined;
}

function series(target, labels, times, query, row) {
  const legend =
    target.legendFormat && target.legendFormat !== '__auto'
      ? target.legendFormat.replace(/{{\s*(\w+)\s*}}/g, (_, label) => labels[label] || '')
      : undefined;
  return createDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: times, config: {} },
      {
        name: 'Value',
        type: FieldType.number,
        labels,
        values: times.map(() => sample(query, row)),
        config: { displayNameFromDS: legend },
      },
    ],
  });
}

function table(target, sets, times, query, valueName, facts) {
  const rows = sets.flatMap((labels, row) => times.map((time) => ({ time, labels, value: sample(query, row) })));
  const columns = sets.length ? [...(facts.named ? ['__name__'] : []), ...Object.keys(facts.labels || {})].sort() : [];
  return createDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, values: rows.map((row) => row.time), config: {} },
      ...columns.map((label) => ({
        name: label,
        type: FieldType.string,
        values: rows.map((row) => row.labels[label] || ''),
        config: { filterable: true },
      })),
      { name: valueName, type: FieldType.number, values: rows.map((row) => row.value), config: {} },
    ],
  });
}

function heatmap(target, sets, times, query) {
  return createDataFrame({
    refId: target.refId,
    meta: { type: 'heatmap-rows' },
    fields: [
      { name: 'Time', type: FieldType.time, values: times, config: {} },
      ...sets.map((labels, row) => ({
        name: labels.le,
        type: FieldType.number,
        labels,
        values: times.map(() => sample(query, row)),
        config: {},
      })),
    ],
  });
}

// The values that a label has here, none if it belongs to no thing.
function valuesOf(label) {
  return new Set(WORLD.map((one) => one[label]).filter((value) => value !== undefined));
}

module.exports = { factsOf, frames, queryOf, valuesOf };
