// `expand`: what a value with %names% stands for. Read backwards from the specification's examples: a percent sign behind a
// backslash is plain, everything between two other percent signs is a name.

import { OracleRefusal } from './refusal.ts';

export type Values = { readonly [name: string]: readonly string[] };

/** Every value that the text stands for, as texts that still hold wildcards and escapes, cut where placeholders were. @throws OracleRefusal */
export function expand(text: string, values: Values): string[][] {
  // Escapes are put out of the way under characters of the private use area.
  const hidden = text.replace(/\\[\\%]/g, (pair) => (pair === '\\%' ? '\uE000' : '\uE001'));
  const [first = '', ...rest] = hidden.split(/%([^%\\\uE000\uE001]+)%/);
  const shown = (piece: string): string => piece.replaceAll('\uE000', '%').replaceAll('\uE001', '\\\\');
  let results = [[shown(first)]];
  for (let i = 0; i < rest.length; i += 2) {
    const given = Object.hasOwn(values, rest[i] as string) ? values[rest[i] as string] : undefined;
    if (!given) throw new OracleRefusal(`placeholder ${rest[i]} has no values`);
    const tail = shown(rest[i + 1] as string);
    results = results.flatMap((before) => given.map((value) => [...before, value, tail]));
  }
  return results;
}
