// What a reader sees of the values: words, colours, units, and something else than "No data".
'use strict';
const { THEME, data, shown, text, nameOf } = require('../grafana');
const { queryOf } = require('../answers');
const colors = require('./colors');
const units = require('./units');

const CALM = new Set(['none', 'green', 'grey']);

function* check({ panel, facts, drawn }) {
  const told = new Set(); // the series of a query mostly share their faults
  for (const frame of drawn) {
    for (const field of frame.fields) {
      const name = nameOf(field, frame, drawn);
      const target = (panel.targets || [])[
        queryOf(field.values.find((value) => value !== null && value !== undefined))
      ];
      const known = target ? facts[target.expr] : {};
      for (const finding of ofField(panel, field, name, known)) {
        if (!told.has(finding)) yield `"${name}": ${finding}`;
        told.add(finding);
      }
    }
  }
  if (panel.type === 'stat') yield* withoutData(panel);
  if (panel.type === 'heatmap') yield* axes(panel, facts);
}

function* ofField(panel, field, name, known) {
  const { mappings = [], thresholds, color } = field.config;
  if (field.type === data.FieldType.time) return;
  for (const mapping of mappings) yield* ofMapping(field, mapping);
  yield* visible(panel, field);
  if (field.type !== data.FieldType.number) return;
  if (panel.type !== 'heatmap') yield* units.unit(field, known.quantity);
  if (thresholds) yield* colors.thresholds(thresholds);
  if (color && color.mode === 'fixed') yield* colors.word(name, color.fixedColor);
  if (color && color.mode === 'thresholds' && colors.WORDS[name] && !mappings.length)
    yield* colors.word(name, field.display(1).color);
  if (known.zero && /^dateTime/.test(field.config.unit) && text(field, 0) !== (mappings[0] || {}).options?.[0]?.text) {
    yield `0 stands for "never" and reads "${text(field, 0)}"`;
  }
  if (Object.keys(known.states || {}).length && (mappings.length || panel.type === 'state-timeline'))
    yield* states(field, known.states);
}

// Words and numbers that are drawn in a colour must not be drawn in none.
function* visible(panel, { config: { mappings = [], thresholds = { steps: [] }, custom = {} } }) {
  const onBackground =
    panel.type === 'stat'
      ? (panel.options || {}).colorMode !== 'value'
      : (custom.cellOptions || {}).type !== 'color-text';
  const used = [
    ...mappings.flatMap(({ type, options }) => (type === 'value' ? Object.values(options) : [options.result])),
    ...(mappings.length ? [] : thresholds.steps),
  ];
  if (!onBackground && used.some(({ color }) => color && colors.family(color) === 'none'))
    yield 'transparent text cannot be read';
}

// A value mapping must give its own text in a colour of the theme.
function* ofMapping(field, { type, options }) {
  const results = type === 'value' ? Object.entries(options) : [[undefined, options.result]];
  for (const [value, result] of results) {
    if (result.color) yield* colors.word(result.text, result.color);
    if (value === undefined || result.text === undefined) continue;
    const seen = text(field, field.type === data.FieldType.number ? Number(value) : value);
    if (seen !== result.text) yield `${value} reads "${seen}", its mapping says "${result.text}"`;
  }
}

// Each number that stands for a state reads as that state, in its colour.
function* states(field, meant) {
  for (const [number, state] of Object.entries(meant)) {
    const seen = field.display(Number(number));
    if (seen.text.toLowerCase() !== state) yield `${number} stands for ${state} and reads "${seen.text}"`;
    yield* colors.word(state, seen.color);
  }
}

// A stat without data shows noValue in the colour of 0; a description that calls this normal promises a calm one.
function* withoutData(panel) {
  const isNormal = /Normal: [^.]*\bnone\b/.test(panel.description);
  for (const { text: seen, color } of shown(panel, [])) {
    if (!seen || seen === 'No data') yield 'without data it reads "No data"; noValue says more';
    if (isNormal && !CALM.has(colors.family(color)))
      yield `"${seen}" is normal by the description and ${colors.family(color)}`;
  }
}

// A heatmap has its units in its options, not in its fields.
function* axes(panel, facts) {
  const { yAxis = {}, cellValues = {} } = panel.options;
  for (const target of panel.targets || []) {
    const { bucket, quantity } = facts[target.expr];
    const kind = bucket && { kind: bucket, per_second: false, factor: 1 };
    for (const [what, unit, measured] of [
      ['axis', yAxis.unit, kind],
      ['cells', cellValues.unit, quantity],
    ]) {
      const display = data.getDisplayProcessor({
        field: { type: data.FieldType.number, config: { unit } },
        theme: THEME,
      });
      const field = { config: { unit }, display };
      for (const finding of units.unit(field, measured)) yield `${what}: ${finding}`;
    }
  }
}

module.exports = { check };
