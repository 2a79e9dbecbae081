/** What a source's records are stripped of before they are stored, as data. What makes it fast is `record-privacy.ts`. */

/** What is done about secrets that are found: nothing, flag the event, or mask them and flag. */
export type SecretsMode = 'off' | 'flag' | 'mask';

/** What becomes of a field's value. */
export type FieldAct = 'mask' | 'hash' | 'tokenise';

/** A field by its name, at whatever depth, or by its path from the record's root, names joined by dots; without regard to case. */
export interface FieldRule {
  readonly field: string;
  readonly act: FieldAct;
}

/** Records that are left out: those of which every named field has one of its values; `*` in a value stands for any text. */
export interface DropRule {
  /** What it is counted under. */
  readonly name: string;
  readonly when: Readonly<Record<string, string | readonly string[]>>;
}

/** A source's policy. */
export interface PrivacyPolicy {
  readonly secrets?: SecretsMode | undefined;
  readonly drop?: readonly DropRule[] | undefined;
  readonly fields?: readonly FieldRule[] | undefined;
}

/** Whether it conceals anything, so that nothing of its source may be kept as it came. */
export function policyConceals({ secrets, fields = [] }: PrivacyPolicy): boolean {
  return secrets === 'mask' || fields.length > 0;
}

/** Bounds of a policy, as JSON Schema: for whoever takes one in. */
export const privacyPolicySchema: Readonly<Record<string, unknown>> = {
  type: 'object',
  additionalProperties: false,
  description: 'What is dropped, masked, hashed or tokenised before records are stored: docs/how-to/privacy.md',
  properties: {
    secrets: { type: 'string', enum: ['off', 'flag', 'mask'], description: 'Keys, tokens, passwords, card numbers' },
    drop: {
      type: 'array',
      maxItems: 64,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'when'],
        properties: {
          name: { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$' },
          when: {
            type: 'object',
            minProperties: 1,
            maxProperties: 16,
            propertyNames: { minLength: 1, maxLength: 256 },
            additionalProperties: {
              anyOf: [
                { type: 'string', maxLength: 1024 },
                { type: 'array', minItems: 1, maxItems: 64, items: { type: 'string', maxLength: 1024 } },
              ],
            },
          },
        },
      },
    },
    fields: {
      type: 'array',
      maxItems: 128,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['field', 'act'],
        properties: {
          field: { type: 'string', minLength: 1, maxLength: 256, description: 'Name, or path with dots' },
          act: { type: 'string', enum: ['mask', 'hash', 'tokenise'] },
        },
      },
    },
  },
};
