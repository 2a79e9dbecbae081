/** JSON Schema (2020-12) of a declaration, for editors: completion and checking while the file is written. */
import type { Setting, SettingGroup, SettingNode } from './setting.ts';

/** The schema as plain data. */
export function settingsJsonSchema(group: SettingGroup, title = 'Tocsin settings'): Record<string, unknown> {
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title, ...schemaOf(group) };
}

function schemaOf(node: SettingNode): Record<string, unknown> {
  if (node.node === 'setting') return settingSchema(node);
  if (node.node === 'named') {
    return { description: node.about, type: 'object', maxProperties: node.maxEntries, additionalProperties: schemaOf(node.each) };
  }
  const fields = Object.entries(node.fields);
  const required = fields.filter(([, field]) => isRequired(field)).map(([name]) => name);
  const former = fields.flatMap(([, field]) =>
    field.node === 'setting' ? (field.doc.was ?? []).map((was) => [was, { ...settingSchema(field), deprecated: true }] as const) : [],
  );
  return {
    description: node.about,
    type: 'object',
    additionalProperties: false,
    ...(required.length === 0 ? {} : { required }),
    properties: Object.fromEntries([...fields.map(([name, field]) => [name, schemaOf(field)] as const), ...former]),
  };
}

function settingSchema(setting: Setting): Record<string, unknown> {
  const { about, example, deprecated } = setting.doc;
  return {
    description: about,
    ...setting.schema,
    ...(setting.default === undefined ? {} : { default: setting.default }),
    ...(example === undefined ? {} : { examples: [example] }),
    ...(deprecated === undefined ? {} : { deprecated: true }),
    ...(setting.hidden ? { writeOnly: true } : {}),
  };
}

/** A group is required when something in it is: leaving it out leaves that out. */
function isRequired(node: SettingNode): boolean {
  if (node.node === 'named') return false;
  if (node.node === 'group') return Object.values(node.fields).some(isRequired);
  return node.default === undefined && !node.optional && (node.doc.was ?? []).length === 0;
}
