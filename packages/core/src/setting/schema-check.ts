/** The only file that knows the schema library (TypeBox): whether a value fits the JSON Schema of a setting. */
import { Check } from 'typebox/schema';
import type { JsonSchema } from './setting.ts';

/** Whether a value as read from YAML or JSON fits. */
export function fitsSchema(schema: JsonSchema, value: unknown): boolean {
  return Check(schema, value);
}
