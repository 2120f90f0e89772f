// Puts each fault of faults/ into a shipped dashboard and expects its check to say more than before, or --show what.
'use strict';
const { read, panels } = require('./dashboards');
const { ask } = require('./python');

const CHECKS = {
  types: require('./types').check,
  semantics: require('./semantics').check,
  lint: (dashboards) => ask('lint_findings.py', Object.fromEntries(dashboards.map(({ name, json }) => [name, json]))),
};

// {name, json, from, says} of a fault: a copy of the first dashboard that it can be put into; undefined if there is
// none. The other panels would only take time, except for the linter, which looks at dashboards as a whole.
function mutant([name, chosen, change, says = /./], dashboards, isAlone) {
  for (const { name: from, json } of dashboards) {
    const copy = structuredClone(json);
    const broken = chosen ? panels(copy).find(chosen) : copy;
    if (!broken) continue;
    change(broken);
    if (chosen && isAlone) copy.panels = [broken];
    return { name, json: copy, from, says };
  }
  return undefined;
}

// The faults that had no place, and those that nobody found.
async function complaints(check, dashboards) {
  const faults = require(`./faults/${check}`);
  const mutants = faults.map((fault) => mutant(fault, dashboards, check !== 'lint'));
  const there = mutants.filter(Boolean);
  const before = await CHECKS[check](dashboards);
  const after = await CHECKS[check](there);
  const more = ({ name, from, says }) =>
    after[name].filter((finding) => says.test(finding) && !before[from].includes(finding));
  const missing = faults.filter((_, i) => !mutants[i]).map(([name]) => `no dashboard to put this into: ${name}`);
  const missed = there.filter((one) => !more(one).length).map(({ name, from }) => `not noticed: ${name} (${from})`);
  if (process.argv.includes('--show')) there.forEach((one) => console.log(`  ${one.name}: ${more(one)[0]}`));
  console.log(`${check}: ${there.length - missed.length} of ${faults.length} faults noticed`);
  return [...missing, ...missed];
}

async function main() {
  const dashboards = read();
  for (const check of Object.keys(CHECKS)) {
    for (const complaint of await complaints(check, dashboards)) {
      console.log(`  ${complaint}`);
      process.exitCode = 1;
    }
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
