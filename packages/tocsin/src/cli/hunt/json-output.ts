/** Findings as one JSON object, printed as they come: `findings`, then `summary`. */
import { visibleJson } from '../visible-text.ts';
import { findingObject } from './finding-object.ts';
import type { HuntOutput, OutputContext } from './hunt-output.ts';
import { summaryOf } from './hunt-report.ts';

/** One object; each finding on a line of its own. */
export function jsonOutput({ terminal }: OutputContext): HuntOutput {
  let separator = '';
  terminal.line('{"findings":[');
  return {
    detail: 'full',
    add: (finding) => {
      terminal.line(`${separator}${visibleJson(JSON.stringify(findingObject(finding)))}`);
      separator = ',';
    },
    end: (report) => {
      const { unread, failedFiles } = report.tally;
      terminal.line(`],"summary":${visibleJson(JSON.stringify({ ...summaryOf(report), unread, failedFiles }))}}`);
    },
  };
}
