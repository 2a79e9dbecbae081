/** CIDR ranges over IPv4 and IPv6 (RFC 4632, RFC 4291). An IPv4-mapped IPv6 address counts as its IPv4 form too. */

/** A network: its address in 32-bit words (one for IPv4, four for IPv6) and the bits that count. */
export interface CidrRange {
  readonly words: readonly number[];
  readonly bits: number;
}

/** Range of text such as `10.0.0.0/8`, `2001:db8::/32` or a bare address; undefined when it is none. */
export function parseCidr(text: string): CidrRange | undefined {
  const [base = '', length, ...rest] = text.trim().split('/');
  const words = parseAddress(base);
  if (words === undefined || rest.length > 0) return undefined;
  if (length === undefined) return { words, bits: words.length * 32 };
  if (!/^[0-9]{1,3}$/.test(length) || Number(length) > words.length * 32) return undefined;
  return { words, bits: Number(length) };
}

/** Whether an address lies in the range; text that is no address does not. */
export function inCidr(range: CidrRange, text: string): boolean {
  const words = parseAddress(text);
  if (words === undefined) return false;
  if (words.length === range.words.length) return samePrefix(range, words);
  const isMapped = words.length === 4 && words[0] === 0 && words[1] === 0 && words[2] === 0xffff;
  return isMapped && range.words.length === 1 && samePrefix(range, [words[3] as number]);
}

function samePrefix(range: CidrRange, words: readonly number[]): boolean {
  let left = range.bits;
  for (let i = 0; left > 0; i++, left -= 32) {
    const shift = left >= 32 ? 0 : 32 - left;
    if ((words[i] as number) >>> shift !== (range.words[i] as number) >>> shift) return false;
  }
  return true;
}

function parseAddress(text: string): number[] | undefined {
  if (text.length > 64) return undefined;
  if (!text.includes(':')) {
    const word = parseIpv4(text);
    return word === undefined ? undefined : [word];
  }
  return parseIpv6(text.split('%')[0] as string);
}

function parseIpv4(text: string): number | undefined {
  const found = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (found === null) return undefined;
  let word = 0;
  for (const part of found.slice(1)) {
    // A leading zero is octal to some readers and decimal to others: such text is no address.
    if (Number(part) > 255 || (part.length > 1 && part.startsWith('0'))) return undefined;
    word = word * 256 + Number(part);
  }
  return word;
}

function parseIpv6(text: string): number[] | undefined {
  const plain = withoutDottedTail(text);
  const halves = plain?.split('::');
  if (halves === undefined || halves.length > 2) return undefined;
  const [front = [], back = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - front.length - back.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...front, ...new Array<string>(missing).fill('0'), ...back];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  const numbers = groups.map((group) => Number.parseInt(group, 16));
  return [0, 2, 4, 6].map((i) => (numbers[i] as number) * 65_536 + (numbers[i + 1] as number));
}

/** IPv6 text with a dotted tail (`::ffff:10.0.0.1`) written as two groups. */
function withoutDottedTail(text: string): string | undefined {
  const at = text.lastIndexOf(':') + 1;
  const tail = text.slice(at);
  if (!tail.includes('.')) return text;
  const word = parseIpv4(tail);
  return word === undefined ? undefined : `${text.slice(0, at)}${(word >>> 16).toString(16)}:${(word & 0xffff).toString(16)}`;
}
