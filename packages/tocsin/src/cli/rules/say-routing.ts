/** Whether a rule is asked about an event, in words. */
import type { ExplainedRouting } from '@tocsin/detect/explain';
import { sayMany } from '../figures.ts';
import type { Terminal } from '../terminal.ts';
import { visible } from '../visible-text.ts';

/** Lines that say whether a rule is asked about events of a mapping and what stands in the way. */
export function sayRouting(terminal: Terminal, routing: ExplainedRouting): string[] {
  const wanted = (['product', 'category', 'service'] as const)
    .flatMap((part) => (routing.wanted[part] === undefined ? [] : [`${part} ${routing.wanted[part]}`]))
    .join(', ');
  if (routing.held) return [`${terminal.style('green', '✓')} for ${visible(wanted)}`];
  const why = routing.missing
    .map(({ part, wanted: name, has }) => `${part} ${name} and this event is ${has.length === 0 ? `of no ${part}` : has.join(', ')}`)
    .join('; ');
  return [
    `${terminal.style('red', '✗')} the rule wants ${visible(why === '' ? wanted : why)}`,
    routing.fedBy.length === 0
      ? `  no mapping reads events of ${visible(wanted)}`
      : `  it is asked about ${visible(routing.fedBy.slice(0, 5).join(', '))}${routing.fedBy.length > 5 ? ` and ${sayMany(routing.fedBy.length - 5, 'other')}` : ''}`,
  ];
}
