// Faults that types do not show: tests/dashboards/lint.py finds them, in every test run and without npm.
'use strict';
const { drop, is, set, transformed, unit } = require('./language');

module.exports = [
  ['a unit that is not in the list', unit('s'), set('fieldConfig.defaults.unit', 'seconds')],
  ['a transformation that is not in the list', transformed('merge'), set('transformations.0.id', 'merged')],
  ['a data source without uid', is('stat'), drop('datasource.uid')],
];
