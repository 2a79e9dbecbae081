/** JSON as it may be spelled by somebody who wants to be misread: escapes, white space, keys twice, numbers in other words, damaged bytes. */
import fc from 'fast-check';

/** Choices of one spelling: an endless row of small numbers. */
type Choices = () => number;

/** A value in one of its spellings, as bytes; now and then not valid JSON or not valid UTF-8. */
export function spelledJson(values: fc.Arbitrary<unknown>): fc.Arbitrary<Uint8Array> {
  const seeds = fc.array(fc.nat({ max: 255 }), { minLength: 1, maxLength: 40 });
  const damage = fc.oneof({ weight: 12, arbitrary: fc.constant(undefined) }, fc.tuple(fc.nat(), fc.nat({ max: 255 })));
  return fc.tuple(values, seeds, damage).map(([value, seed, hurt]) => {
    let at = 0;
    const choices: Choices = () => seed[at++ % seed.length] as number;
    const bytes = new TextEncoder().encode(spell(value, choices));
    if (hurt === undefined) return bytes;
    const [place, byte] = hurt;
    if (byte < 64) return bytes.subarray(0, place % (bytes.length + 1));
    bytes[place % bytes.length] = byte;
    return bytes;
  });
}

function spell(value: unknown, choices: Choices): string {
  const space = (): string => (choices() % 23 === 0 ? ([' ', '\n', '\t', '\r\n'][choices() % 4] as string) : '');
  if (typeof value === 'string') return spellString(value, choices);
  if (typeof value === 'number') return spellNumber(value, choices);
  if (Array.isArray(value)) return `[${space()}${value.map((one) => spell(one, choices)).join(`${space()},${space()}`)}${space()}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value).map(([key, one]) => {
    const name = choices() % 31 === 0 ? spellString(key, choices) : JSON.stringify(key);
    return `${name}${space()}:${space()}${spell(one, choices)}`;
  });
  const first = members[0];
  if (first !== undefined && choices() % 29 === 0)
    members.push(choices() % 2 === 0 ? first : `${first.slice(0, first.indexOf(':'))}:"other"`);
  return `${space()}{${space()}${members.join(`${space()},${space()}`)}${space()}}${space()}`;
}

function spellString(text: string, choices: Choices): string {
  const escapeAll = choices() % 9 === 0;
  let spelled = '';
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const plain = JSON.stringify(text[i]).slice(1, -1);
    const code = `\\u${choices() % 2 === 0 ? unit.toString(16).padStart(4, '0') : unit.toString(16).padStart(4, '0').toUpperCase()}`;
    if (escapeAll || choices() % 41 === 0) spelled += code;
    else spelled += text[i] === '/' && choices() % 3 === 0 ? '\\/' : isSurrogate(unit) ? text[i] : plain;
  }
  return `"${spelled}"`;
}

/** Halves of a pair stay beside one another, as they are. */
function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

function spellNumber(value: number, choices: Choices): string {
  const plain = JSON.stringify(value);
  if (choices() % 5 !== 0 || plain.includes('e')) return plain;
  const ways = [`${plain}e0`, plain.includes('.') ? `${plain}0` : `${plain}.0`, `${plain}E+00`, plain === '0' ? '-0' : plain];
  return ways[choices() % ways.length] as string;
}
