// Transformations and what names their columns: overrides, sorting, other transformations.
'use strict';
const { OPERATORS, data, nameOf, transform } = require('../grafana');

// The columns that the options of a transformation name. One that is not here names none that we look at.
const chosen = (record) => Object.keys(record || {});
const NAMED = {
  filterFieldsByName: ({ include = {}, exclude = {} }) => [...(include.names || []), ...(exclude.names || [])],
  groupBy: ({ fields }) => chosen(fields),
  groupingToMatrix: ({ columnField, rowField, valueField }) => [columnField, rowField, valueField],
  joinByField: ({ byField }) => [byField],
  organize: ({ excludeByName, includeByName, indexByName, renameByName }) =>
    [excludeByName, includeByName, indexByName, renameByName].flatMap(chosen),
  sortBy: ({ sort }) => sort.map(({ field }) => field),
};

async function* check(context) {
  const { panel, raw, transformed, drawn } = context;
  yield* stages(panel, raw);
  if (!drawn.length || !drawn.some((frame) => frame.length)) yield 'nothing is left to show';
  yield* matchers(panel, transformed);
  if (panel.type === 'table') yield* headers(panel, raw, drawn);
}

// Runs the transformations one by one; each must find what it names in what the last one left.
async function* stages(panel, raw) {
  let frames = raw;
  for (const transformation of panel.transformations || []) {
    const { id, options } = transformation;
    if (!OPERATORS.has(id)) {
      yield `transformation ${id}: @grafana/data has none`;
      continue;
    }
    const there = names(frames);
    for (const name of new Set((NAMED[id] || (() => []))(options).filter((one) => !there.has(one)))) {
      yield `transformation ${id} names a column "${name}", there are: ${[...there].join(', ')}`;
    }
    frames = await transform([transformation], frames);
  }
}

// Fields by the name that is shown and by the one that the data source gave.
function names(frames) {
  return new Set(
    frames.flatMap((frame) => frame.fields.flatMap((field) => [nameOf(field, frame, frames), field.name])),
  );
}

// Overrides find fields by the names that they have before any override gives them another.
function* matchers({ fieldConfig = {} }, frames) {
  for (const { matcher, properties } of fieldConfig.overrides || []) {
    if (!data.fieldMatchers.getIfExists(matcher.id)) {
      yield `override: no matcher ${matcher.id}`;
      continue;
    }
    const matches = data.getFieldMatcher(matcher);
    const found = frames.some((frame) => frame.fields.some((field) => matches(field, frame, frames)));
    const what = `override of ${properties.map(({ id }) => id).join(', ')}: ${matcher.id}`;
    if (!found) yield `${what} ${JSON.stringify(matcher.options)} matches none of ${[...names(frames)].join(', ')}`;
  }
}

function* headers(panel, raw, drawn) {
  if (drawn.length > 1) yield `${drawn.length} tables, of which a reader sees the first`;
  const most = Math.max(...raw.map((frame) => frame.length));
  if (drawn[0].length > most)
    yield `${drawn[0].length} rows, the longest answer has ${most}: rows do not find each other`;
  const visible = drawn[0].fields.filter(
    ({ config: { custom = {} } }) => !custom.hidden && !(custom.hideFrom || {}).viz,
  );
  const seen = visible.map((field) => nameOf(field, drawn[0], drawn));
  for (const name of seen.filter((one) => /^(Value( #\w+)?|Time( \d+)?)$|[a-z]_[a-z]|\\|^__/.test(one)))
    yield `a column is called "${name}"`;
  for (const name of new Set(seen.filter((one, i) => seen.indexOf(one) !== i)))
    yield `two columns are called "${name}"`;
  for (const { displayName } of (panel.options || {}).sortBy || []) {
    if (!seen.includes(displayName)) yield `sorted by "${displayName}", which is no column`;
  }
}

module.exports = { check };
