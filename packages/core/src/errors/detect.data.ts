/** Error rows of detection (`detect.*`): why a rule was refused at load, and what went wrong while rules ran. */
import type { ErrorTable } from './error-row.ts';

/** What every refusal of a rule says: where it stands and what is wrong there. */
export interface Refused {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly rule: string;
  readonly reason: string;
}

const where = (d: Refused): string => `${d.file}:${d.line}:${d.column}`;
const only = 'This rule was left out; the others were read.';

export const detectErrors = {
  'detect.bad_yaml': {
    retry: 'never', http: 422, exit: 65,
    about: 'A rule document is no YAML, or larger, deeper or more aliased than a rule may be.',
    say: (d: Refused) => `${where(d)}: the document cannot be read as YAML: ${d.reason}. ${only} Correct the text.`,
  },
  'detect.bad_rule': {
    retry: 'never', http: 422, exit: 65,
    about: 'A rule lacks a required part, or a part has the wrong form.',
    say: (d: Refused) => `${where(d)}: rule ${d.rule}: ${d.reason}. ${only} Correct it after the Sigma 2.1 specification.`,
  },
  'detect.bad_condition': {
    retry: 'never', http: 422, exit: 65,
    about: 'A condition does not follow the grammar or names a search identifier that does not exist.',
    say: (d: Refused) => `${where(d)}: rule ${d.rule}: ${d.reason}. ${only} Correct the condition.`,
  },
  'detect.bad_modifier': {
    retry: 'never', http: 422, exit: 65,
    about: 'A field carries a modifier that is unknown, or modifiers that do not go together.',
    say: (d: Refused) => `${where(d)}: rule ${d.rule}: ${d.reason}. ${only} See "Sigma Modifiers" of the specification.`,
  },
  'detect.bad_value': {
    retry: 'never', http: 422, exit: 65,
    about: 'A value cannot be compared the way its modifiers ask: no number, no CIDR range, no regular expression of linear time.',
    say: (d: Refused) => `${where(d)}: rule ${d.rule}: ${d.reason}. ${only} Correct the value.`,
  },
  'detect.bad_correlation': {
    retry: 'never', http: 422, exit: 65,
    about: 'A correlation is incomplete, contradicts itself or refers to a rule that is not there.',
    say: (d: Refused) => `${where(d)}: rule ${d.rule}: ${d.reason}. ${only} Correct the correlation.`,
  },
  'detect.unsupported': {
    retry: 'never', http: 422, exit: 65,
    about: 'A rule uses a part of Sigma that this version does not evaluate.',
    say: (d: Refused) => `${where(d)}: rule ${d.rule}: ${d.reason}. ${only} Leave it out or express it otherwise.`,
  },
  'detect.duplicate_rule': {
    retry: 'never', http: 409, exit: 65,
    about: 'Two rules carry the same id or name; the first one read is kept.',
    say: (d: Refused) => `${where(d)}: rule ${d.rule}: ${d.reason}. ${only} Give it an id and name of its own.`,
  },
  'detect.bad_checkpoint': {
    retry: 'never', http: 500, exit: 65,
    about: 'The saved state of the folds cannot be read.',
    say: (d: { reason: string }) =>
      `The saved fold state cannot be read: ${d.reason}. Nothing was restored. Rebuild the state by replaying MATCHES from the start of the longest window.`,
  },
  'detect.bad_detector': {
    retry: 'never', http: 422, exit: 65,
    about: 'A detector file cannot be loaded, or what it exports is no detector.',
    say: (d: { file: string; reason: string }) =>
      `Detector ${d.file} was left out: ${d.reason}. Rules and other detectors are in force. Correct the file, then start Tocsin again; see docs/how-to/write-a-detector.md.`,
  },
  'detect.detector_quarantined': {
    retry: 'never', http: 500, exit: 70,
    about: 'A detector did not end, or took too much memory, on several events, and is not asked any more.',
    say: (d: { detector: string; times: number; reason: string }) =>
      `Detector ${d.detector} had to be ended ${d.times} times (${d.reason}) and is in quarantine: it is not asked any more until Tocsin starts anew. Rules and other detectors go on. Look at its dead letters with: tocsin dead-letters --text ${d.detector}`,
  },
  'detect.state_dropped': {
    retry: 'never', http: 500, exit: 70,
    about: 'What a rule had counted was left behind, because the rule is gone or means something else now.',
    say: (d: { rule: string; groups: number; ruleSet: string }) =>
      `Rule ${d.rule} is gone or means something else under rule set ${d.ruleSet}: what it had counted in ${d.groups} groups was left behind. If it is still there it counts anew from here on. Nothing need be done.`,
  },
  'detect.folds_full': {
    retry: 'later', http: 503, exit: 69,
    about: 'Correlations remember as much as they may, and forget groups before their time.',
    say: (d: { groups: number; evicted: number }) =>
      `Correlations remember ${d.groups} groups, which is as much as they may: ${d.evicted} that were touched longest ago were forgotten before their time, the last of them in the past ten minutes. An alert that needs what was forgotten does not come. Look for a correlation that groups by a field with very many values (\`tocsin rules cost\`), narrow it or shorten its timespan.`,
  },
} satisfies ErrorTable;
