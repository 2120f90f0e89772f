// Faults that semantics.js must find, with what it must say.
'use strict';
const {
  ANYWHERE, all, both, drop, exchange, inSetting, is, legend, linked, overridden, rename, replace, set, sorted,
  transformed, unit, word,
} = require('./language');

const UNIT = 'fieldConfig.defaults.unit';
const WORDS = 'fieldConfig.defaults.mappings.0.options';
const THRESHOLDS = 'fieldConfig.defaults.thresholds.steps';
const LINK = 'fieldConfig.defaults.links.0.url';
const FALLING = [null, 5, 4].map((value, i) => ({ value, color: ['green', 'orange', 'red'][i] }));
const BACK_AND_FORTH = [null, 4, 5].map((value, i) => ({ value, color: ['green', 'red', 'orange'][i] }));
const never = both(overridden('unit', 'dateTime'), overridden('mappings', '"0"'));

module.exports = [
  ['an unknown unit', unit('s'), set(UNIT, 'seconds'), /Grafana knows none/],
  ['seconds in milliseconds', unit('s'), set(UNIT, 'ms'), /wants seconds times 1000/],
  ['seconds without a unit', unit('s'), set(UNIT, 'short'), /seconds without a unit/],
  ['seconds in bytes', unit('s'), set(UNIT, 'bytes'), /is for bytes, the expression gives seconds/],
  ['bits in bytes', unit('bps'), set(UNIT, 'Bps'), /unit Bps wants/],
  ['a share of 1 in percent', unit('percentunit'), set(UNIT, 'percent'), /wants ratio times 100/],
  ['too many digits', unit('percentunit'), set('fieldConfig.defaults.decimals', 9), /0\.257 \(ratio\) reads/],
  ['a heatmap in milliseconds', is('heatmap'), set('options.yAxis.unit', 'ms'), /axis: unit ms/],
  ['an unknown transformation', transformed('organize'), set('transformations.0.id', 'organise'),
    /@grafana\/data has none/],
  ['a column misspelled', transformed('merge'),
    set('transformations.1.options.renameByName.remote_adress', 'Real server'), /names a column "remote_adress"/],
  ['a column called by its query', transformed('merge'), drop('transformations.1.options.renameByName.Value #A'),
    /a column is called "Value #A"/],
  ['two columns of one name', transformed('merge'), set('transformations.1.options.renameByName.Value #A', 'Cluster'),
    /two columns are called "Cluster"/],
  ['tables side by side', transformed('merge'), drop('transformations.0'), /tables, of which a reader sees the first/],
  ['a query about something else', transformed('merge'), set('targets.1.expr', 'max by (instance) (ipvs_up)'),
    /rows do not find each other/],
  ['a metric that nobody makes', is('stat'), set('targets.0.expr', 'ipvs_nothing'), /nobody makes 'ipvs_nothing'/],
  ['an override of no column', overridden('unit'), set('fieldConfig.overrides.0.matcher.options', 'None'),
    /matches none of/],
  ['an unknown matcher', overridden('unit'), set('fieldConfig.overrides.0.matcher.id', 'byname'), /no matcher byname/],
  ['sorted by no column', sorted, set('options.sortBy.0.displayName', 'None'), /sorted by "None"/],
  ['down in green', word(4), set(`${WORDS}.0.color`, 'green'), /"DOWN" is green/],
  ['two states exchanged', word(4), exchange(WORDS, '1', '2'), /1 stands for/],
  ['a state without a word', word(4), drop(`${WORDS}.4`), /4 stands for/],
  ['an unknown colour', is('stat'), set(`${THRESHOLDS}.1.color`, 'purpel'), /no colour purpel/],
  ['thresholds from 0', is('stat'), set(`${THRESHOLDS}.0.value`, 0), /thresholds begin at 0/],
  ['thresholds that fall', is('stat'), set(THRESHOLDS, FALLING), /thresholds do not rise/],
  ['thresholds back and forth', is('stat'), set(THRESHOLDS, BACK_AND_FORTH), /thresholds go back and forth/],
  ['a stat without a word for nothing', is('stat'), drop('fieldConfig.defaults.noValue'), /without data it reads/],
  ['nothing in red although it is normal', is('stat'),
    all(set('description', 'Normal: none.'), set(`${THRESHOLDS}.0.color`, 'red')), /is normal by the description/],
  ['transparent text', is('stat'), all(set('options.colorMode', 'value'), set(`${THRESHOLDS}.0.color`, 'transparent')),
    /transparent text cannot be read/],
  ['never as a date', never, inSetting('mappings', rename('value.0.options.0', '1'), '"0"'), /0 stands for "never"/],
  ['an unknown calculation', is('stat'), set('options.reduceOptions.calcs', ['lastnotnull']),
    /no calculation lastnotnull/],
  ['no field to calculate with', is('stat'), set('options.reduceOptions.fields', '/^None$/'), /to reduce/],
  ['a legend with an unknown label', legend('name'), set('targets.0.legendFormat', '{{server}}'),
    /the legend names server/],
  ['a legend that is always the same', legend('name'), set('targets.0.legendFormat', 'all'), /share one name/],
  ['a link to no dashboard', linked, replace(LINK, /^\/d\/[\w-]+/, '/d/lvs-nothing'), /no dashboard lvs-nothing/],
  ['a link with an unknown variable', linked, replace(LINK, '${job', '${jbo'), /no variable jbo/],
  ['a link for a variable that is not there', linked, replace(LINK, /var-\w+/, 'var-none'), /has no variable none/],
  ['a link with another label', linked, replace(LINK, /__field\.labels\.\w+/, '__field.labels.layer'), /nothing at/],
  ['a link with another column', overridden('links', 'var-backend'),
    inSetting('links', replace('value.0.url', /__data\.fields[^:}]*/, '__data.fields.Port'), 'var-backend'),
    /gets "8?443"/],
  ['an annotation in seconds', ANYWHERE, replace('annotations.list.0.expr', '1000 *', ''),
    /wants a timestamp times 1000/],
  ['an annotation with an unknown label', ANYWHERE, set('annotations.list.0.titleFormat', '{{server}}'),
    /the text names server/],
];
