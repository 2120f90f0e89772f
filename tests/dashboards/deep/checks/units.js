// Does a number have the unit of what its expression measures?
'use strict';
const { UNITS, text } = require('../grafana');

// What units mean; a quantity may be drawn downwards, with a minus. One that is not here is not compared.
const MEANING = {
  s: ['seconds', 1],
  dtdurations: ['seconds', 1],
  dtdhms: ['seconds', 1],
  dthms: ['seconds', 1],
  clocks: ['seconds', 1],
  ms: ['seconds', 1e3],
  dtdurationms: ['seconds', 1e3],
  clockms: ['seconds', 1e3],
  µs: ['seconds', 1e6],
  ns: ['seconds', 1e9],
  m: ['seconds', 1 / 60],
  h: ['seconds', 1 / 3600],
  d: ['seconds', 1 / 86400],
  dateTimeAsIso: ['timestamp', 1e3],
  dateTimeAsIsoNoDateIfToday: ['timestamp', 1e3],
  dateTimeFromNow: ['timestamp', 1e3],
  dateTimeAsSystem: ['timestamp', 1e3],
  dateTimeAsLocal: ['timestamp', 1e3],
  bytes: ['bytes', 1],
  decbytes: ['bytes', 1],
  bits: ['bytes', 8],
  decbits: ['bytes', 8],
  Bps: ['bytes/s', 1],
  binBps: ['bytes/s', 1],
  bps: ['bytes/s', 8],
  binbps: ['bytes/s', 8],
  percentunit: ['ratio', 1],
  percent: ['ratio', 100],
  pps: ['packets/s', 1],
  cps: ['connections/s', 1],
  ops: ['count/s', 1],
  reqps: ['count/s', 1],
  rps: ['count/s', 1],
  wps: ['count/s', 1],
};
const PLAIN = new Set([undefined, '', 'none', 'short', 'locale', 'sishort']);

// Kinds that are misread without their unit; a ratio may also be "3.2 times the mean".
const NEEDS_UNIT = new Set(['seconds', 'timestamp', 'bytes', 'bytes/s', 'packets/s']);

// A value of each kind in its base unit, and what a reader must see of it, in any unit that fits.
const SAMPLES = {
  seconds: [172800, /^2(\.0{1,3})? d(ays)?\b|^48:/],
  timestamp: [1700000000, /2023| ago$/],
  bytes: [1.5e6, /^\d+(\.\d{1,3})? M/],
  'bytes/s': [1.5e6, /^\d+(\.\d{1,3})? M/],
  ratio: [0.257, /^2(6|5\.7|5\.70{1,2})%$/],
  'packets/s': [12345, /^12(\.\d{1,3})? ?k/i],
  'connections/s': [12345, /^12(\.\d{1,3})? ?k/i],
};

function* unit(field, quantity) {
  const { unit: id, mappings } = field.config;
  if (id && !UNITS.has(id) && !/^(suffix|prefix|time|si|count|currency|bool):/.test(id))
    yield `unit ${id}: Grafana knows none`;
  if (!quantity || (PLAIN.has(id) && (mappings || []).length)) return;
  const kind = quantity.kind + (quantity.per_second ? '/s' : '');
  if (PLAIN.has(id)) {
    if (NEEDS_UNIT.has(kind)) yield `${kind}${times(quantity.factor)} without a unit`;
    return;
  }
  if (!MEANING[id]) return;
  const [meant, factor] = MEANING[id];
  if (!fits(meant, kind)) yield `unit ${id} is for ${meant}, the expression gives ${kind}`;
  else if (Math.abs(factor / Math.abs(quantity.factor) - 1) > 1e-6)
    yield `unit ${id} wants ${meant}${times(factor)}, the expression gives them${times(quantity.factor)}`;
  else if (SAMPLES[kind]) yield* sample(field, kind, Math.abs(quantity.factor));
}

// Shares are also means of 0 and 1, operations may be any thing a second, and datagrams are packets.
function fits(meant, kind) {
  return (
    meant === kind ||
    (meant === 'ratio' && kind === 'count') ||
    (meant === 'count/s' && kind.endsWith('/s')) ||
    (meant === 'packets/s' && kind === 'count/s')
  );
}

function* sample(field, kind, factor) {
  const [value, expected] = SAMPLES[kind];
  const seen = text(field, value * factor);
  if (!(field.config.mappings || []).length && !expected.test(seen)) yield `${value} (${kind}) reads "${seen}"`;
}

const times = (factor) => (factor === 1 ? '' : ` times ${+factor.toPrecision(6)}`);

module.exports = { unit };
