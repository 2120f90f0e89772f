// Reads the dashboards and finds their panels.
'use strict';
const fs = require('fs');
const path = require('path');

const FOLDER = process.env.DASHBOARDS || path.join(__dirname, '../../../dashboards');

// [{name, json}] of the shipped dashboards, by name.
function read() {
  const files = fs
    .readdirSync(FOLDER)
    .filter((file) => /^lvs-.*\.json$/.test(file))
    .sort();
  if (!files.length) throw new Error(`no dashboards in ${FOLDER}`);
  return files.map((file) => ({
    name: path.basename(file, '.json'),
    json: JSON.parse(fs.readFileSync(path.join(FOLDER, file), 'utf8')),
  }));
}

// Every panel with those inside collapsed rows; rows themselves only on demand.
function panels(dashboard) {
  return everyPanel(dashboard).filter((panel) => panel.type !== 'row');
}

function rows(dashboard) {
  return everyPanel(dashboard).filter((panel) => panel.type === 'row');
}

function everyPanel(dashboard) {
  return (dashboard.panels || []).flatMap((panel) => [panel, ...(panel.panels || [])]);
}

function title(panel) {
  return `panel ${panel.id} "${panel.title || ''}"`;
}

module.exports = { read, panels, rows, title };
