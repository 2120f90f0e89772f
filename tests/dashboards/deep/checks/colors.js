// What colours say: red is broken now, orange is redundancy lost, blue is intended, grey is unknown.
'use strict';
const { colorOf } = require('../grafana');

// Words that mean the same wherever a reader meets them: states, verdicts and severities.
const WORDS = {
  down: ['red'],
  sorry: ['red'],
  spof: ['orange'],
  backup: ['orange', 'yellow'],
  degraded: ['yellow', 'orange'],
  ok: ['green'],
  up: ['green'],
  drain: ['blue'],
  maintenance: ['purple'],
  unknown: ['grey'],
  failed: ['red'],
  silent: ['red'],
  critical: ['red'],
  warning: ['orange'],
  info: ['blue'],
};
const HUES = [
  [18, 'red'],
  [44, 'orange'],
  [68, 'yellow'],
  [165, 'green'],
  [255, 'blue'],
  [320, 'purple'],
  [360, 'red'],
];
const SERIOUSNESS = { none: 0, green: 0, blue: 0, purple: 0, grey: 0, yellow: 1, orange: 2, red: 3 };

// The family of a colour by name or code; undefined if the theme does not know it.
function family(name) {
  const color = colorOf(name);
  if (!color) return undefined;
  const [red, green, blue, alpha = 1] = channels(color);
  if (!alpha) return 'none';
  const most = Math.max(red, green, blue),
    least = Math.min(red, green, blue);
  if (most - least < 24) return 'grey';
  const sector =
    most === red
      ? (green - blue) / (most - least)
      : most === green
        ? 2 + (blue - red) / (most - least)
        : 4 + (red - green) / (most - least);
  const hue = (sector * 60 + 360) % 360;
  return HUES.find(([end]) => hue <= end)[1];
}

function channels(color) {
  if (!color.startsWith('#')) return color.match(/[\d.]+/g).map(Number);
  const digits = color.length < 7 ? [...color.slice(1)].map((digit) => digit + digit) : color.slice(1).match(/../g);
  return digits.slice(0, 3).map((pair) => parseInt(pair, 16));
}

// A word in a colour.
function* word(text, color) {
  const meant = WORDS[String(text).toLowerCase()];
  const seen = family(color);
  if (!seen) yield `"${text}": no colour ${color}`;
  else if (meant && !meant.includes(seen))
    yield `"${text}" is ${seen} (${color}), a reader expects ${meant.join(' or ')}`;
}

// Thresholds rise, and become more serious in one direction.
function* thresholds({ steps }) {
  const values = steps.map((step) => step.value);
  if (values[0] !== null && values[0] !== -Infinity)
    yield `thresholds begin at ${values[0]}, what is less has no colour`;
  if (values.slice(2).some((value, i) => value <= values[i + 1])) yield `thresholds do not rise: ${values.join(', ')}`;
  const families = steps.map((step) => family(step.color));
  const unknown = steps.find((_, i) => !families[i]);
  if (unknown) {
    yield `thresholds: no colour ${unknown.color}`;
    return;
  }
  const ranks = families.map((name) => SERIOUSNESS[name]);
  const rises = ranks.every((rank, i) => !i || rank >= ranks[i - 1]);
  const falls = ranks.every((rank, i) => !i || rank <= ranks[i - 1]);
  if (!rises && !falls) yield `thresholds go back and forth: ${families.join(', ')}`;
}

module.exports = { family, word, thresholds, WORDS };
