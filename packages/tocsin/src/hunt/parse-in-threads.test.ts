/** Rules parsed in threads: the same as in one, and whatever does not stand alone is left to be read together. */
import { decodeRules } from '@tocsin/detect/judge';
import { parseCompactly } from '@tocsin/detect/parse';
import { expect, it } from 'vitest';
import { parseInThreads } from './parse-in-threads.ts';
import { type RuleBytes, ruleText } from './rule-bytes.ts';

const rule = (number: number, condition = 's'): RuleBytes => ({
  path: `r${number}.yml`,
  bytes: Buffer.from(
    `title: Règle ${number}\nid: r${number}\nlogsource: {product: test}\ndetection:\n  s: {a|contains: é${number}}\n  condition: ${condition}\n`,
  ),
});
const MANY = Array.from({ length: 1100 }, (_, number) => rule(number));
const THREADS = { most: 3, codeFolder: undefined };

it('reads what one thread reads, in the same order', async () => {
  const parsed = await parseInThreads(MANY, THREADS);
  expect(parsed).toEqual(parseCompactly(MANY, ruleText));
  expect(decodeRules(parsed ?? new Uint8Array()).rules.map(({ meta }) => meta.id)).toEqual(MANY.map((_, number) => `r${number}`));
});

it.each([
  ['a rule is refused', [...MANY, rule(2000, 'nothing')]],
  ['two slices claim the same', [...MANY, { ...rule(1), path: 'again.yml' }]],
  ['there is nothing', []],
])('leaves all to be read together where %s', async (_, files) => {
  expect(await parseInThreads(files, THREADS)).toBeUndefined();
});
