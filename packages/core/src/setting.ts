/**
 * Settings: one declaration gives the TypeScript type, defaults, validation with path and line, JSON Schema, the reference page and
 * redacted printing. A component declares its group with `settings({ … })` beside its factory; defaults exist nowhere else.
 *   const intakeSettings = settings({ about: '…', fields: { maxBodyBytes: bytes({ about: '…', default: '16MiB' }) } });
 *   type IntakeSettings = SettingsOf<typeof intakeSettings>;   // { readonly maxBodyBytes: number }
 */
export { Secret } from './secret.ts';
export { explainSetting, type SettingExplanation, settingPaths } from './setting/explain-setting.ts';
export { settingsJsonSchema } from './setting/json-schema.ts';
export { bytes, choice, count, duration, flag, list, port, secret, text } from './setting/kinds.ts';
export { printSettings } from './setting/print-settings.ts';
export { checkSettings, type ReadSettingsOptions, readSettings, type SettingPath } from './setting/read-settings.ts';
export { settingsReference } from './setting/reference-page.ts';
export {
  type NamedSettings,
  named,
  type Setting,
  type SettingFields,
  type SettingGroup,
  type SettingNode,
  type SettingRule,
  type SettingsOf,
  settings,
} from './setting/setting.ts';
