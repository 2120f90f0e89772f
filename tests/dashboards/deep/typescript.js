// Writes a dashboard as TypeScript: one constant with its type for each part, so that the compiler says what Grafana's
// schema says about it. What the schema lacks although Grafana has it is in OURS, each with its reason.
'use strict';
const { panels, rows, title } = require('./dashboards');

const RAW = '@grafana/schema/dist/esm/raw';

// Panel type -> the schema's folder, the first part of its file's name, and the type of fieldConfig.defaults.custom.
const PANELS = {
  barchart: ['barchart', 'BarChart', 'FieldConfig'],
  bargauge: ['bargauge', 'BarGauge'],
  dashlist: ['dashboardlist', 'DashboardList'],
  gauge: ['gauge', 'Gauge'],
  heatmap: ['heatmap', 'Heatmap', 'FieldConfig'],
  histogram: ['histogram', 'Histogram', 'FieldConfig'],
  piechart: ['piechart', 'PieChart', 'FieldConfig'],
  stat: ['stat', 'Stat'],
  'state-timeline': ['statetimeline', 'StateTimeline', 'FieldConfig & StateTimelineOurs'],
  'status-history': ['statushistory', 'StatusHistory', 'FieldConfig'],
  table: ['table', 'Table', 'FieldConfig'],
  text: ['text', 'Text'],
  timeseries: ['timeseries', 'TimeSeries', 'FieldConfig'],
};

const OURS = `
// Enums become their values, since JSON has no enums; everything else stays as it is.
type Json<T> = T extends string ? \`\${T}\` : T extends number | boolean | null | undefined ? T
  : T extends (infer U)[] ? Json<U>[] : T extends object ? {[K in keyof T]: Json<T[K]>} : T;
// The panel draws gaps as the time series does, but its schema does not say so.
type StateTimelineOurs = {spanNulls?: boolean | number; insertNulls?: boolean | number};
// fieldConfig.links is unknown[] in the schema; this is what @grafana/data makes of it.
type Link = {title: string; url: string; targetBlank?: boolean; oneClick?: boolean};
type Defaults = Omit<Json<FieldConfig>, 'links' | 'custom'> & {links?: Link[]};
// The Prometheus query of the SDK has a function as a mark, and leaves out what every query has.
type Query = Json<Omit<Dataquery, '_implementsDataqueryVariant'>> & {refId: string};
// Prometheus's own part of an annotation.
type Annotation = Json<AnnotationQuery> & {expr: string; step?: string; titleFormat?: string; textFormat?: string;
  useValueForTime?: boolean};
type PanelFrame = Omit<Json<Panel>, 'fieldConfig' | 'options' | 'targets'>;
`;

function imports() {
  const dashboard = 'AnnotationQuery, Dashboard, FieldConfig, FieldConfigSource, Panel, RowPanel, VariableModel';
  const lines = [
    `import type {${dashboard}} from '${RAW}/dashboard/x/Dashboard_types.gen';`,
    "import type {Dataquery} from '@grafana/grafana-foundation-sdk/prometheus';",
  ];
  for (const [folder, name, custom] of Object.values(PANELS)) {
    const names = `Options as ${name}Options${custom ? `, FieldConfig as ${name}Config` : ''}`;
    lines.push(`import type {${names}} from '${RAW}/composable/${folder}/panelcfg/x/${name}PanelCfg_types.gen';`);
  }
  return lines.join('\n') + OURS;
}

// {text, parts}: parts[i] says what the constant p<i> stands for.
function write(dashboard) {
  const out = { lines: [imports()], parts: [] };
  const add = (where, type, value) => {
    out.lines.push(`const p${out.parts.length}: ${type} = ${JSON.stringify(value)};`);
    out.parts.push(where);
  };
  const { panels: _, annotations, templating, ...top } = dashboard;
  add('dashboard', 'Json<Dashboard>', top);
  for (const annotation of (annotations || {}).list || [])
    add(`annotation "${annotation.name}"`, 'Annotation', annotation);
  for (const variable of (templating || {}).list || [])
    add(`variable ${variable.name}`, 'Json<VariableModel>', variable);
  for (const row of rows(dashboard)) add(title(row), "Omit<Json<RowPanel>, 'panels'>", { ...row, panels: undefined });
  for (const panel of panels(dashboard)) addPanel(add, panel);
  return { text: out.lines.join('\n') + '\n', parts: out.parts };
}

function addPanel(add, panel) {
  const where = title(panel);
  const known = PANELS[panel.type];
  const { fieldConfig = { defaults: {}, overrides: [] }, options, targets, ...frame } = panel;
  add(where, 'PanelFrame', frame);
  if (!known) {
    add(
      `${where}, type`,
      Object.keys(PANELS)
        .map((type) => `'${type}'`)
        .join(' | '),
      panel.type,
    );
    return;
  }
  add(`${where}, options`, `Json<${known[1]}Options>`, { ...defaults(known), ...options });
  (targets || []).forEach((target) => add(`${where}, query ${target.refId}`, 'Query', target));
  addFields(add, where, known, fieldConfig);
}

function addFields(add, where, [, name, custom], { defaults: all, overrides, ...rest }) {
  const customType = custom ? `Json<${custom.replace('FieldConfig', `${name}Config`)}>` : '{}';
  const { custom: own, ...standard } = all || {};
  add(`${where}, fieldConfig`, 'Json<FieldConfigSource>', { defaults: all && {}, overrides, ...rest });
  add(`${where}, defaults`, 'Defaults', standard);
  add(`${where}, custom`, customType, own || {});
  for (const override of overrides || []) {
    const set = overridden(override);
    const which = `${where}, override ${JSON.stringify((override.matcher || {}).options)}`;
    add(which, 'Defaults', set.standard);
    add(which, `Partial<${customType}>`, set.custom);
  }
}

// The properties of an override as the objects that they change: custom.cellOptions becomes {cellOptions: ...}.
function overridden(override) {
  const set = { standard: {}, custom: {} };
  for (const { id, value } of [].concat(override.properties || [])) {
    if (id.startsWith('custom.')) set.custom[id.slice('custom.'.length)] = value;
    else set.standard[id] = value;
  }
  return set;
}

// What Grafana fills in where the dashboard says nothing.
function defaults([folder, name]) {
  return require(`${RAW}/composable/${folder}/panelcfg/x/${name}PanelCfg_types.gen`).defaultOptions || {};
}

module.exports = { write };
