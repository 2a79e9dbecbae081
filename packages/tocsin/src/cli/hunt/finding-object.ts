/** A finding as plain data: what NDJSON and JSON print. */
import { type Finding, hostOf, isoTime, userOf } from '../../hunt/finding.ts';

/** The finding's members, in the order in which they are read. */
export function findingObject(finding: Finding): object {
  const { rule } = finding;
  const about = {
    kind: finding.kind,
    level: rule.level,
    rule: rule.id,
    title: rule.title,
    techniques: rule.techniques,
    tags: rule.tags,
    author: rule.author,
    host: hostOf(finding),
    user: userOf(finding),
  };
  if (finding.kind === 'match') {
    const { timeMs, place, explanation, attributes, record } = finding;
    return { ...about, time: isoTime(timeMs), file: place.file, line: place.line, matched: explanation, attributes, record };
  }
  const { firstMs, lastMs, count, groupBy, places, explanation } = finding;
  return { ...about, time: isoTime(firstMs), lastTime: isoTime(lastMs), count, groupBy, matched: explanation, places };
}
