// The words of which faults are made. A fault is a row: its name, the panel that it is put into, what is done to that,
// and perhaps what must be said of it. Panel: a function that says whether one will do; ANYWHERE is the dashboard.
'use strict';

const ANYWHERE = undefined;

// Edits: functions of the object that they change. A path is 'a.b.0.c'.
const at = (object, path) => path.reduce((inner, key) => inner[key], object);
const split = (path) => [path.split('.').slice(0, -1), path.split('.').pop()];

function edit(path, change) {
  const [above, last] = split(path);
  return (object) => change(at(object, above), last);
}

const set = (path, value) => edit(path, (above, last) => Object.assign(above, { [last]: value }));
const replace = (path, from, to) =>
  edit(path, (above, last) => Object.assign(above, { [last]: above[last].replace(from, to) }));
const drop = (path) => edit(path, (above, last) => (Array.isArray(above) ? above.splice(last, 1) : delete above[last]));
const rename = (path, to) =>
  edit(path, (above, last) => {
    above[to] = above[last];
    delete above[last];
  });
const exchange = (path, one, other) =>
  edit(`${path}.${one}`, (above) => {
    [above[one], above[other]] = [above[other], above[one]];
  });
const all =
  (...edits) =>
  (object) =>
    edits.forEach((one) => one(object));

// Panels.
const defaults = (panel) => (panel.fieldConfig || {}).defaults || {};
const overrides = (panel) => (panel.fieldConfig || {}).overrides || [];
const steps = (panel) => (panel.transformations || []).map(({ id }) => id);

const is = (type) => (panel) => panel.type === type;
const both = (one, other) => (panel) => one(panel) && other(panel);
const unit = (id) => (panel) => panel.type === 'timeseries' && defaults(panel).unit === id;
const transformed = (id) => (panel) => steps(panel)[0] === id;
const linked = (panel) => /^\/d\//.test(((defaults(panel).links || [])[0] || {}).url) && panel.type === 'timeseries';
const sorted = (panel) => panel.type === 'table' && (panel.options.sortBy || []).length > 0;
const legend = (label) => (panel) =>
  panel.type === 'timeseries' && (panel.targets[0].legendFormat || '').includes(`{{${label}}}`);
const word = (number) => (panel) =>
  panel.type === 'state-timeline' && number in (((defaults(panel).mappings || [])[0] || {}).options || {});

// Settings of overrides: the first with this id, and with this in its value.
const setting = (panel, id, part) =>
  overrides(panel)
    .flatMap(({ properties }) => properties)
    .find((one) => one.id === id && JSON.stringify(one.value).includes(part));
const overridden =
  (id, part = '') =>
  (panel) =>
    setting(panel, id, part) !== undefined;
const inSetting =
  (id, change, part = '') =>
  (panel) =>
    change(setting(panel, id, part));

module.exports = {
  ANYWHERE,
  all,
  both,
  drop,
  exchange,
  inSetting,
  is,
  legend,
  linked,
  overridden,
  rename,
  replace,
  set,
  sorted,
  transformed,
  unit,
  word,
};
