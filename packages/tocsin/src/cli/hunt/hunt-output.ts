/** The forms in which a hunt's findings are printed, and the seam they share. */

import type { Finding } from '../../hunt/finding.ts';
import type { HitDetail } from '../../hunt/judge-block.ts';
import type { Terminal } from '../terminal.ts';
import { csvOutput } from './csv-output.ts';
import type { HuntReport } from './hunt-report.ts';
import { jsonOutput } from './json-output.ts';
import { ndjsonOutput } from './ndjson-output.ts';
import { sarifOutput } from './sarif-output.ts';
import { tableOutput } from './table-output.ts';

/** Prints findings as they come. */
export interface HuntOutput {
  /** What has to be known of each hit. */
  readonly detail: HitDetail;
  add(finding: Finding): void;
  /** Prints what can only be said at the end. */
  end(report: HuntReport): void;
}

/** What an output prints with. */
export interface OutputContext {
  readonly terminal: Terminal;
  /** Version of this program. */
  readonly version: string;
}

/** Every form by its name. */
export const outputs = {
  table: tableOutput,
  json: jsonOutput,
  ndjson: ndjsonOutput,
  csv: csvOutput,
  sarif: sarifOutput,
} satisfies Record<string, (context: OutputContext) => HuntOutput>;

/** Name of a form. */
export type OutputForm = keyof typeof outputs;
