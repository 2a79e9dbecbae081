/** Mutations of recorded and bad inputs: what a line turns into on a bad day or in bad hands. Deterministic by its random numbers. */

/** Numbers from 0 up to, but not including, 1. */
export type Random = () => number;

/** Longest input that is made, bytes. */
const MAX_BYTES = 16_384;

/** Pieces that parsers stumble over. */
const PIECES: readonly Uint8Array[] = [
  '"',
  "'",
  '\\',
  '|',
  '=',
  ',',
  ';',
  '\t',
  '\n',
  '\r\n',
  '\0',
  '{',
  '}',
  '[',
  ']',
  '<',
  '>',
  '&',
  '%',
  '%00',
  '\ufeff',
  '\u2028',
  '\ud7ff',
  '__proto__',
  '"__proto__":{"x":1},',
  'constructor',
  'null',
  'true',
  '-1',
  '0',
  '1e309',
  '9223372036854775808',
  '2147483648',
  'NaN',
  '${jndi:x}',
  '../',
  '&#x110000;',
  '&lt;',
  '\x1b[2J',
  '<![CDATA[',
  'type=EOE msg=audit(1:1):',
  ' CEF:0|',
  '\x1d',
  '\\x00',
  '\\n',
  '""',
].map((text) => new TextEncoder().encode(text));

/** One input made of `seed`, perhaps with a part of `other`. */
export function mutate(seed: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let bytes = seed.length > MAX_BYTES ? seed.slice(0, MAX_BYTES) : seed;
  const times = 1 + Math.floor(random() * 4);
  for (let i = 0; i < times; i++) bytes = (MUTATIONS[Math.floor(random() * MUTATIONS.length)] ?? flipBit)(bytes, random, other);
  return bytes.length > MAX_BYTES ? bytes.slice(0, MAX_BYTES) : bytes;
}

type Mutation = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const at = (bytes: Uint8Array, random: Random): number => Math.floor(random() * (bytes.length + 1));

function flipBit(bytes: Uint8Array, random: Random): Uint8Array {
  if (bytes.length === 0) return bytes;
  const copy = bytes.slice();
  const place = Math.floor(random() * bytes.length);
  copy[place] = (copy[place] ?? 0) ^ (1 << Math.floor(random() * 8));
  return copy;
}

function setByte(bytes: Uint8Array, random: Random): Uint8Array {
  if (bytes.length === 0) return bytes;
  const copy = bytes.slice();
  copy[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
  return copy;
}

function insertPiece(bytes: Uint8Array, random: Random): Uint8Array {
  const piece = PIECES[Math.floor(random() * PIECES.length)] ?? bytes;
  const place = at(bytes, random);
  return join([bytes.subarray(0, place), piece, bytes.subarray(place)]);
}

function cut(bytes: Uint8Array, random: Random): Uint8Array {
  return bytes.slice(0, at(bytes, random));
}

function remove(bytes: Uint8Array, random: Random): Uint8Array {
  const [from, to] = span(bytes, random);
  return join([bytes.subarray(0, from), bytes.subarray(to)]);
}

function repeat(bytes: Uint8Array, random: Random): Uint8Array {
  const [from, to] = span(bytes, random);
  const part = bytes.subarray(from, Math.min(to, from + 64));
  return join([bytes.subarray(0, from), ...Array.from({ length: 1 + Math.floor(random() * 64) }, () => part), bytes.subarray(from)]);
}

function splice(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  const [from, to] = span(other, random);
  const place = at(bytes, random);
  return join([bytes.subarray(0, place), other.subarray(from, Math.min(to, from + 2048)), bytes.subarray(place)]);
}

function swapNumber(bytes: Uint8Array, random: Random): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1');
  const numbers = [...text.matchAll(/\d+/g)];
  const chosen = numbers[Math.floor(random() * numbers.length)];
  if (chosen === undefined) return bytes;
  const value = NUMBERS[Math.floor(random() * NUMBERS.length)] ?? '0';
  return Buffer.from(text.slice(0, chosen.index) + value + text.slice(chosen.index + chosen[0].length), 'latin1');
}

const NUMBERS = [
  '0',
  '-1',
  '255',
  '256',
  '65536',
  '2147483647',
  '4294967296',
  '9007199254740993',
  '99999999999999999999',
  '1e400',
  '0x7f',
  '00',
  '',
];

const MUTATIONS: readonly Mutation[] = [flipBit, setByte, insertPiece, insertPiece, cut, remove, repeat, splice, swapNumber];

function span(bytes: Uint8Array, random: Random): [number, number] {
  const [a, b] = [at(bytes, random), at(bytes, random)];
  return a < b ? [a, b] : [b, a];
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}
