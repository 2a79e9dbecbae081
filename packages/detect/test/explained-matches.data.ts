/**
 * Where the engine and `corpora/sigma-expected-matches` differ, and who is right. The expectations are another evaluator's, not the rules'
 * authors'; each row is checked by `corpora.test.ts`: a difference without a row fails it, and so does a row without a difference.
 */

/** A rule that is counted otherwise, in every file where it is. */
export interface ExplainedDifference {
  readonly rule: string;
  readonly title: string;
  readonly why: string;
}

export const explainedDifferences: readonly ExplainedDifference[] = [
  {
    rule: '06d71506-7beb-4f22-8888-e2e5e2ca7fd8',
    title: 'Mimikatz Use',
    why: 'The rule asks for the product alone. The other evaluator left such rules out; the specification has product "windows" include every channel.',
  },
  {
    rule: 'cde0a575-7d3d-4a49-9817-b8004a7bf105',
    title: 'Uncommon New Firewall Rule Added In Windows Firewall Exception List',
    why: 'Its filter says `ApplicationPath: null`, and the event has "". The other evaluator took them for the same; the specification keeps null and empty apart.',
  },
];
