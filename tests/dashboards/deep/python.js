// Asks a script of this folder: JSON in, JSON out. What it says on standard error goes where ours goes.
'use strict';
const { spawnSync } = require('child_process');
const path = require('path');

function ask(script, question) {
  const run = spawnSync('python3', [path.join(__dirname, script)], {
    input: JSON.stringify(question),
    maxBuffer: 1 << 28,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (run.error || run.status) throw new Error(`${script}: ${run.error || `ended with ${run.status}`}`);
  return JSON.parse(run.stdout);
}

module.exports = { ask };
