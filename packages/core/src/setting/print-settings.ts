/** Settings in force, in the form the user would write them, with secrets redacted. */
import type { SettingGroup, SettingNode, SettingsOf } from './setting.ts';

/** Plain data for JSON or YAML; settings that are not given and have no default are left out. */
export function printSettings<G extends SettingGroup>(group: G, value: SettingsOf<G>): Record<string, unknown> {
  return print(group, value) as Record<string, unknown>;
}

function print(node: SettingNode, value: unknown): unknown {
  if (node.node === 'setting') return node.print(value);
  const entries = Object.entries(value as Record<string, unknown>).filter(([, each]) => each !== undefined);
  return Object.fromEntries(entries.map(([name, each]) => [name, print(node.node === 'named' ? node.each : fieldOf(node, name), each)]));
}

function fieldOf(group: SettingGroup, name: string): SettingNode {
  const field = Object.hasOwn(group.fields, name) ? group.fields[name] : undefined;
  if (field === undefined) throw new RangeError(`value has a key ${name} that its declaration has not`);
  return field;
}
