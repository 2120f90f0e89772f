// Links: the dashboard is there, takes the variables, and gets the value that it expects.
'use strict';
const { data, nameOf } = require('../grafana');
const { valuesOf } = require('../answers');

const REFERENCE = /\$(?:{(\w+)((?:\.\w+|\["[^"]*"\])*)(?::\w+)?}|(\w+))/g;
const BUILT_IN = new Set([
  '__url_time_range',
  '__all_variables',
  '__from',
  '__to',
  '__interval',
  '__interval_ms',
  '__range',
  '__range_s',
  '__range_ms',
  '__rate_interval',
]);
const OF_A_VALUE = new Set(['__data', '__field', '__value', '__series']);

// Links of the panel itself, then those of its fields.
function* check({ dashboard, site, panel, drawn }) {
  for (const link of panel.links || []) yield* ofLink(dashboard, site, link, undefined);
  for (const frame of drawn) {
    for (const field of frame.fields.filter(({ type }) => panel.type === 'table' || type !== data.FieldType.time)) {
      for (const link of field.config.links || []) yield* ofLink(dashboard, site, link, { field, frame, drawn });
    }
  }
}

function* ofLink(dashboard, site, { title, url }, place) {
  const own = variablesOf(dashboard);
  for (const [, braced, path, bare] of `${title} ${url}`.matchAll(REFERENCE)) {
    const name = braced || bare;
    if (OF_A_VALUE.has(name) && place) yield* resolved(name, path, place, title);
    else if (!BUILT_IN.has(name) && !own.has(name)) yield `link "${title}": no variable ${name}`;
  }
  const uid = (/^\/d\/([\w-]+)/.exec(url) || [])[1];
  if (!uid) yield `link "${title}" goes to no dashboard: ${url}`;
  else if (!site.has(uid)) yield `link "${title}": no dashboard ${uid}`;
  else yield* taken(variablesOf(site.get(uid)), title, uid, url, place);
}

function variablesOf(dashboard) {
  return new Map(((dashboard.templating || {}).list || []).map((variable) => [variable.name, variable]));
}

function* resolved(name, path, place, title) {
  if (valuesAt(name, path, place) === undefined) yield `link "${title}": nothing at ${name}${path}`;
}

// What ${__data.fields["Real server"]} and the like stand for in this field, undefined if there is no such thing.
function valuesAt(name, path, { field, frame, drawn }) {
  const [first, second] = [...path.matchAll(/\.(\w+)|\["([^"]*)"\]/g)].map(([, word, quoted]) => word || quoted);
  if (name === '__field' && first === 'labels') return (field.labels || {})[second] && [field.labels[second]];
  if (name === '__data' && first === 'fields') {
    const column = frame.fields.find((one, i) => [nameOf(one, frame, drawn), one.name, String(i)].includes(second));
    return column && [...column.values];
  }
  return [];
}

// Variables in the address, var-name=... and ${name:queryparam}, are those of the other dashboard.
function* taken(theirs, title, uid, url, place) {
  for (const [, name] of url.matchAll(/\${(\w+):queryparam}/g)) {
    if (!theirs.has(name)) yield `link "${title}": ${uid} has no variable ${name}`;
  }
  for (const [, name, value] of url.matchAll(/[?&]var-(\w+)=([^&]*)/g)) {
    if (!theirs.has(name)) yield `link "${title}": ${uid} has no variable ${name}`;
    else if (place) yield* handed(theirs.get(name), value, title, place);
  }
}

// The value handed over must be one that the variable can have, such as an address and not a port.
function* handed(variable, value, title, place) {
  const [, braced, path] = new RegExp(REFERENCE.source).exec(value) || [];
  const query = typeof variable.query === 'string' ? variable.query : (variable.query || {}).query || '';
  const expected = valuesOf((/(\w+)\)\s*$/.exec(query) || [])[1]);
  if (!OF_A_VALUE.has(braced) || !expected.size) return;
  const wrong = (valuesAt(braced, path, place) || []).find((one) => one && !expected.has(one));
  if (wrong !== undefined)
    yield `link "${title}": var-${variable.name} gets "${wrong}", it knows ${[...expected].join(', ')}`;
}

module.exports = { check };
