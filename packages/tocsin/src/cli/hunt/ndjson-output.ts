/** Findings as NDJSON: one object per line, as they come. */
import { visibleJson } from '../visible-text.ts';
import { findingObject } from './finding-object.ts';
import type { HuntOutput, OutputContext } from './hunt-output.ts';

/** One line per finding and nothing else. */
export function ndjsonOutput({ terminal }: OutputContext): HuntOutput {
  return {
    detail: 'full',
    add: (finding) => terminal.line(visibleJson(JSON.stringify(findingObject(finding)))),
    end: () => undefined,
  };
}
