// Series and what is calculated from them: legends and reducers.
'use strict';
const { data, nameOf } = require('../grafana');

function* check({ panel, facts, drawn }) {
  const { reduceOptions = {}, legend = {}, footer = {} } = panel.options || {};
  for (const id of [...(reduceOptions.calcs || []), ...(legend.calcs || []), ...(footer.reducer || [])]) {
    if (!data.fieldReducers.getIfExists(id)) yield `no calculation ${id}`;
  }
  if (reduceOptions.fields) yield* reduced(reduceOptions.fields, drawn);
  for (const target of panel.targets || []) yield* ofLegend(target, Object.keys(facts[target.expr].labels || {}));
  if (panel.type !== 'table') yield* distinct(drawn);
}

function* reduced(pattern, drawn) {
  const matches = data.getFieldMatcher({ id: 'byRegexp', options: pattern });
  if (!drawn.some((frame) => frame.fields.some((field) => matches(field, frame, drawn))))
    yield `no field ${pattern} to reduce`;
}

function* ofLegend({ refId, legendFormat = '' }, labels) {
  for (const [, label] of legendFormat.matchAll(/{{\s*(\w+)\s*}}/g)) {
    if (!labels.includes(label))
      yield `query ${refId}: the legend names ${label}, the result has ${labels.join(', ') || 'no labels'}`;
  }
}

// Two series must not share a name, or nobody can tell which is which.
function* distinct(drawn) {
  const seen = new Map();
  for (const frame of drawn) {
    for (const field of frame.fields.filter(({ type }) => type === data.FieldType.number)) {
      const name = nameOf(field, frame, drawn);
      const other = seen.get(name);
      if (other) {
        yield `series with different ${different(other, field.labels || {})} share one name`;
        return;
      }
      seen.set(name, field.labels || {});
    }
  }
}

function different(one, other) {
  const found = [...new Set([...Object.keys(one), ...Object.keys(other)])].filter(
    (label) => one[label] !== other[label],
  );
  return found.join(', ') || 'queries';
}

module.exports = { check };
