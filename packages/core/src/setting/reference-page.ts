/** The reference page of a declaration, in Markdown: a table per group, its rules below. */
import { type SettingExplanation, settingPaths } from './explain-setting.ts';
import type { SettingGroup, SettingNode } from './setting.ts';

/** Markdown, without a page heading. */
export function settingsReference(group: SettingGroup): string {
  return `${sections(group, []).join('\n\n')}\n`;
}

function sections(node: SettingNode, path: readonly string[]): string[] {
  if (node.node === 'setting') return [];
  if (node.node === 'named') return [`${heading([...path, '<name>'])}${node.about}`, ...sections(node.each, [...path, '<name>']).slice(1)];
  const rows = settingPaths(group(node)).map(row);
  const own = [`${heading(path)}${node.about}`];
  if (rows.length > 0) own.push(['| setting | give | default | meaning |', '|---|---|---|---|', ...rows].join('\n'));
  if (node.rules.length > 0) own.push(`Rules: ${node.rules.map((rule) => rule.name).join('; ')}.`);
  return [...own, ...Object.entries(node.fields).flatMap(([name, field]) => sections(field, [...path, name]))];
}

/** The group with its single settings only: groups within have sections of their own. */
function group(node: SettingGroup): SettingGroup {
  return { ...node, fields: Object.fromEntries(Object.entries(node.fields).filter(([, field]) => field.node === 'setting')) };
}

function heading(path: readonly string[]): string {
  return path.length === 0 ? '' : `## \`${path.join('.')}\`\n\n`;
}

function row(setting: SettingExplanation): string {
  const notes = [
    setting.example === undefined ? '' : `Example: \`${setting.example}\`.`,
    setting.since === undefined ? '' : `Since ${setting.since}.`,
    setting.deprecated === undefined ? '' : `Deprecated: ${setting.deprecated}`,
    setting.was.length === 0 ? '' : `Formerly \`${setting.was.join('`, `')}\`.`,
  ].filter((note) => note !== '');
  const byDefault = setting.default === 'required' || setting.default === 'none' ? setting.default : `\`${setting.default}\``;
  return `| \`${setting.path}\` | ${cell(setting.wants)} | ${cell(byDefault)} | ${cell([setting.about, ...notes].join(' '))} |`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
