// Grafana's own data library without its server: transformations and field configuration as a panel applies them.
// Three of its libraries can no longer be loaded with require() by Node 18, which Debian 12 has; package.json overrides
// them with the last version that can.
'use strict';
// The library asks the browser for its language and, in transformations, for the window.
Object.defineProperty(globalThis, 'navigator', {
  value: { language: 'en-US', languages: ['en-US'] },
  configurable: true,
});
const data = require('@grafana/data');
globalThis.window = globalThis;
const { lastValueFrom } = require('rxjs');

const THEME = data.createTheme({ colors: { mode: 'dark' } });
const STANDARD = [
  'unit',
  'min',
  'max',
  'decimals',
  'displayName',
  'color',
  'thresholds',
  'mappings',
  'links',
  'noValue',
  'filterable',
  'description',
];
const UNITS = new Set(data.getValueFormats().flatMap((group) => group.submenu.map((unit) => unit.value)));

// Operators by id; some are exported under two names. Grafana registers a few more, which are not in this library.
const OPERATORS = new Map(Object.values(data.standardTransformers).map((one) => [one.id, one]));
data.standardTransformersRegistry.setInit(() =>
  [...OPERATORS.values()].map((one) => ({ id: one.id, name: one.name, transformation: () => Promise.resolve(one) })),
);

function transform(transformations, frames) {
  return lastValueFrom(data.transformDataFrame(transformations || [], frames));
}

// The frames as the panel draws them: with names, units, colours and overrides.
function fields(panel, frames) {
  return data.applyFieldOverrides({
    data: frames,
    fieldConfig: panel.fieldConfig || { defaults: {}, overrides: [] },
    replaceVariables: (text) => text,
    theme: THEME,
    timeZone: 'utc',
    fieldConfigRegistry: registry(panel),
  });
}

// Standard properties and those of the panel's own that overrides change.
function registry(panel) {
  const properties = ((panel.fieldConfig || {}).overrides || []).flatMap((override) =>
    override.properties.map(({ id }) => id),
  );
  const custom = [...new Set(properties)].filter((id) => id.startsWith('custom.'));
  const entry = (id, more) => ({
    id,
    path: id,
    name: id,
    override: () => null,
    editor: () => null,
    process: (value) => value,
    shouldApply: () => true,
    getItemsCount: () => 0,
    ...more,
  });
  return new data.FieldConfigOptionsRegistry(() => [
    ...STANDARD.map((id) => entry(id)),
    ...custom.map((id) => entry(id, { path: id.slice('custom.'.length), isCustom: true })),
  ]);
}

// What a stat, gauge or bar gauge would show, one {title, text, color} for each value.
function shown(panel, frames) {
  const found = data.getFieldDisplayValues({
    fieldConfig: panel.fieldConfig,
    reduceOptions: panel.options.reduceOptions,
    data: fields(panel, frames),
    theme: THEME,
    replaceVariables: (text) => text,
    timeZone: 'utc',
  });
  return found.map(({ display }) => ({
    title: display.title,
    text: data.formattedValueToString(display),
    color: display.color,
  }));
}

function nameOf(field, frame, frames) {
  return data.getFieldDisplayName(field, frame, frames);
}

function text(field, value) {
  return data.formattedValueToString(field.display(value));
}

// A colour as the dark theme draws it, undefined for a name that it does not know.
function colorOf(name) {
  const color = THEME.visualization.getColorByName(name);
  return /^(#|rgb)/.test(color) ? color : undefined;
}

module.exports = { THEME, UNITS, OPERATORS, data, transform, fields, shown, nameOf, text, colorOf };
