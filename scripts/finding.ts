/** What a check found wrong: where, which rule of CONTRIBUTING.md, and what to do. */

/** One breach of a rule. `line` counts from 1; 0 where the whole file is meant. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  /** Number of the rule in CONTRIBUTING.md. */
  readonly rule: number;
  readonly message: string;
}

/** One line for the terminal, in the form editors make clickable. */
export function findingText({ path, line, rule, message }: Finding): string {
  return `${path}${line > 0 ? `:${line}` : ''}  R${rule}  ${message}`;
}
