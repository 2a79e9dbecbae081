/** The fault that ends the reading of one rule: thrown inside the parser only, turned into a refusal at its door. */
import type { ErrorCode } from '@tocsin/core';

/** Codes a refused rule can have. */
export type FaultCode = Extract<ErrorCode, `detect.bad_${string}` | 'detect.unsupported' | 'detect.duplicate_rule'>;

/** Keys and indexes from the document's root to the part that is wrong. */
export type DocumentPath = readonly (string | number)[];

/** Reasons quote what was written, which may be long. */
const MAX_REASON_CHARS = 500;

/** Something wrong with a rule, and where in its document. */
export class RuleFault extends Error {
  readonly code: Exclude<FaultCode, 'detect.bad_checkpoint'>;
  readonly path: DocumentPath;

  constructor(code: Exclude<FaultCode, 'detect.bad_checkpoint'>, reason: string, path: DocumentPath) {
    super(reason.length <= MAX_REASON_CHARS ? reason : `${reason.slice(0, MAX_REASON_CHARS)}…`);
    this.name = 'RuleFault';
    this.code = code;
    this.path = path;
  }
}
