// The status page's script. It asks for the same page again every two seconds, and exchanges what
// differs in the page that stands there, so that scrolling, selections, focus and what the reader
// opened stay. It adds what one page alone cannot tell: how long ago, and how much a minute.

#include "exporter/status_page/assets.h"

namespace lvs::status {

std::string_view Script() {
  return R"js(
'use strict';
(() => {
const PAUSE = 2000, PATIENCE = 6000, WINDOW = 60000;
const counters = new Map();  // of the last minute: name -> [{at, count}]
const touched = new Set();   // services that the reader opened or closed
let ahead = 0;               // the exporter's clock before ours, in ms
let updated = 0;             // when the page was last known to be true, by our clock
let lost = null;             // since when it is not, and why
let timer = 0, asking = null, calm = true;

// ---- words ----
const clock = at => new Date(at).toTimeString().slice(0, 8);

function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 100) return seconds + ' s';
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return minutes + ' min';
  const hours = Math.round(minutes / 60);
  return hours < 48 ? hours + ' h' : Math.round(hours / 24) + ' days';
}

function writeTimes(root) {
  for (const time of root.querySelectorAll('time')) {
    if (!time.title) time.title = time.textContent;
    const passed = duration(Date.now() + ahead - Date.parse(time.dateTime));
    time.textContent = time.className === 'for' ? 'for ' + passed : passed + ' ago';
  }
}

// ---- what is new in the last minute ----
function grown(name, count, at) {
  let samples = counters.get(name) || [];
  if (samples.length && count < samples[samples.length - 1].count) samples = [];  // set to zero
  samples.push({at, count});
  while (samples.length > 2 && at - samples[1].at >= WINDOW) samples.shift();
  counters.set(name, samples);
  return {count: count - samples[0].count, seconds: (at - samples[0].at) / 1000};
}

function writeShare(row, news, all) {
  const cell = row.querySelector('.share');
  const share = all ? 100 * news.count / all : 0;
  cell.querySelector('.got').setAttribute('width', share + '%');
  cell.querySelector('.part').textContent = all ? Math.round(share) + ' %' : 'none new';
  cell.title = news.count + ' of ' + all + ' new connections in ' + Math.round(news.seconds) + ' s';
}

function writeRates(root, at) {
  for (const service of root.querySelectorAll('details[data-c]')) {
    const all = grown(service.id, Number(service.dataset.c), at);
    if (all.seconds > 0) {
      const rate = all.count / all.seconds;
      service.querySelector('.rate').textContent = rate.toFixed(rate < 10 ? 1 : 0) + ' conn/s';
    }
    const rows = [...service.querySelectorAll('tr[data-c]')];
    const news = rows.map(row => grown(service.id + ' ' + row.dataset.k, Number(row.dataset.c), at));
    const sum = news.reduce((total, one) => total + one.count, 0);
    if (all.seconds > 0) rows.forEach((row, i) => writeShare(row, news[i], sum));
  }
  for (const [name, samples] of counters) {
    if (at - samples[samples.length - 1].at > WINDOW) counters.delete(name);
  }
}

// ---- exchanging what differs ----
const keyOf = node => node.nodeType === 1 ? node.id || node.dataset.k : undefined;

function flash(node) {
  const place = node.nodeType === 1 ? node : node.parentElement;
  const mark = place && place.nodeName !== 'TIME' && place.closest('[data-f]');
  if (mark && !calm) mark.classList.add('flash');
}

function exchangeAttributes(from, to) {
  for (const {name} of [...from.attributes]) {
    if (!to.hasAttribute(name) && name !== 'open') from.removeAttribute(name);
  }
  for (const {name, value} of to.attributes) {
    if (name === 'open' && touched.has(from.id)) continue;
    if (from.getAttribute(name) !== value) from.setAttribute(name, value);
  }
}

// Blank text between things with a key would only be in the way of comparing them.
function dropBlanks(parent) {
  for (const node of [...parent.childNodes]) {
    if (node.nodeType === 3 && !node.data.trim()) node.remove();
  }
}

function exchangeChildren(from, to) {
  const wanted = new Set([...to.children].map(keyOf));
  if ([...wanted].some(Boolean)) [from, to].forEach(dropBlanks);
  const known = new Map();
  for (const child of [...from.children]) {
    const key = keyOf(child);
    if (key && !wanted.has(key)) child.remove();
    else if (key) known.set(key, child);
  }
  let at = from.firstChild;
  for (const next of [...to.childNodes]) {
    const key = keyOf(next);
    const same = key ? known.get(key) : at && !keyOf(at) ? at : null;
    if (!same || same.nodeName !== next.nodeName) {
      from.insertBefore(next, at);
      flash(next);
      continue;
    }
    known.delete(key);
    if (same === at) at = at.nextSibling;
    else from.insertBefore(same, at);
    exchange(same, next);
  }
  while (at) {
    const rest = at;
    at = at.nextSibling;
    rest.remove();
  }
}

function exchange(from, to) {
  if (from.isEqualNode(to)) return;
  if (from.nodeType !== 1) {
    from.data = to.data;
    flash(from);
    return;
  }
  exchangeAttributes(from, to);
  exchangeChildren(from, to);
}

// Not every browser holds still what is being read while something above it grows.
function holdingStill(change) {
  const read = [...document.querySelectorAll('main :is(h2, li, summary, [open] tr)')].find(
      element => element.getBoundingClientRect().bottom > 0);
  const before = read && scrollY > 0 ? read.getBoundingClientRect().top : undefined;
  change();
  if (before === undefined || !read.isConnected) return;
  const moved = read.getBoundingClientRect().top - before;
  if (moved) scrollBy({top: moved, behavior: 'instant'});
}

function show(text) {
  // The answer's style is never applied, and yet held against this page's policy: it gets our nonce.
  const nonce = document.querySelector('style').nonce;
  const page = new DOMParser().parseFromString(text.replace(/(<style nonce=)\w+/, '$1' + nonce), 'text/html');
  const main = page.querySelector('main');
  if (!main) throw new Error('another page answers');
  // After an upgrade of the exporter this script may not fit its page any more.
  if (page.querySelector('script').text !== document.querySelector('script').text) location.reload();
  writeTimes(main);
  writeRates(main, performance.now());
  holdingStill(() => exchange(document.querySelector('main'), main));
  document.title = page.title + ' \u00b7 ' + location.host;
  const icon = page.querySelector('link[rel=icon]').getAttribute('href');
  const shown = document.querySelector('link[rel=icon]');
  if (shown.getAttribute('href') !== icon) shown.setAttribute('href', icon);
}

// ---- asking ----
function say(kind, text) {
  const place = document.getElementById('connection');
  if (place.className !== kind) place.className = kind;
  if (place.textContent !== text) place.textContent = text;
}

function sayLost() {
  say('lost', 'Connection to the exporter lost since ' + clock(lost.since) + ' (' + lost.why +
      '). What stands here is from ' + clock(updated) + '.');
  writeTimes(document.querySelector('main'));
}

async function ask() {
  clearTimeout(timer);
  const before = asking;
  asking = null;  // so that it ends without a word
  if (before) before.abort();
  if (document.hidden) return say('paused', 'paused while this tab is hidden');
  const mine = asking = new AbortController();
  const patience = setTimeout(() => mine.abort(), PATIENCE);
  try {
    const answer = await fetch(location.pathname + location.search, {signal: mine.signal, cache: 'no-store'});
    if (!answer.ok) throw new Error('it answers ' + answer.status);
    const text = await answer.text();
    if (mine !== asking) return;
    ahead = Date.parse(answer.headers.get('Date')) - Date.now() || 0;
    show(text);
    calm = false;
    lost = null;
    updated = Date.now();
    say('live', 'live');
  } catch (error) {
    if (mine !== asking) return;
    const why = error.name === 'AbortError' ? 'no answer in time' : error.message;
    lost = {since: lost ? lost.since : Date.now(), why};
    sayLost();
  } finally {
    clearTimeout(patience);
    if (mine === asking) {
      asking = null;
      timer = setTimeout(ask, PAUSE);
    }
  }
}

// ---- the reader ----
function filterBy(text, remember) {
  calm = true;
  const address = text ? '?filter=' + encodeURIComponent(text) : location.pathname;
  history[remember](null, '', address);
  ask();
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.nodeName === 'DETAILS') {
    target.open = true;
    target.scrollIntoView();
  }
}

function toggleAll(button) {
  const services = [...document.querySelectorAll('details')];
  const open = services.some(service => !service.open);
  for (const service of services) {
    service.open = open;
    touched.add(service.id);
  }
  button.textContent = open ? 'Close all' : 'Open all';
}

function start() {
  const filter = document.getElementById('filter');
  const toggle = document.getElementById('toggle');
  document.documentElement.classList.add('with-script');
  updated = Date.now();
  writeTimes(document.querySelector('main'));
  writeRates(document.querySelector('main'), performance.now());
  let typing = 0;
  filter.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(() => filterBy(filter.value, 'replaceState'), 200);
  });
  filter.form.addEventListener('submit', event => {
    event.preventDefault();
    filterBy(filter.value, 'pushState');
  });
  toggle.addEventListener('click', () => toggleAll(toggle));
  document.addEventListener('click', event => {
    const summary = event.target.closest('summary');
    if (summary) touched.add(summary.parentElement.id);
    const link = event.target.closest('a[href^="?"]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    filter.value = new URLSearchParams(link.search).get('filter') || '';
    filterBy(filter.value, 'pushState');
  });
  addEventListener('popstate', () => {
    const text = new URLSearchParams(location.search).get('filter') || '';
    if (text === filter.value) return;
    filter.value = text;
    calm = true;
    ask();
  });
  addEventListener('hashchange', openTarget);
  document.addEventListener('visibilitychange', ask);
  openTarget();
  ask();
}

document.addEventListener('DOMContentLoaded', start);
})();
)js";
}

}  // namespace lvs::status
