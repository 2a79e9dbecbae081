// CIDR membership by turning addresses into bit strings. IPv4-mapped IPv6 (::ffff:10.0.0.1) counts as its IPv4 form too.

import { OracleRefusal } from './refusal.ts';

export function matchCidr(range: string, text: string): boolean {
  const [base, lengthText] = range.split('/');
  const bits = addressBits(base ?? '');
  const length = lengthText === undefined ? (bits?.length ?? 0) : Number(lengthText);
  if (!bits || !Number.isInteger(length) || length < 0 || length > bits.length) throw new OracleRefusal(`not a CIDR range: ${range}`);
  return forms(text).some((form) => form.length === bits.length && form.startsWith(bits.slice(0, length)));
}

function forms(text: string): string[] {
  const bits = addressBits(text);
  if (!bits) return [];
  const mapped = '0'.repeat(80) + '1'.repeat(16);
  return bits.length === 128 && bits.startsWith(mapped) ? [bits, bits.slice(96)] : [bits];
}

function addressBits(text: string): string | undefined {
  if (!text.includes(':')) return ipv4Bits(text);
  const withoutZone = text.split('%')[0] as string;
  const lastColon = withoutZone.lastIndexOf(':');
  const tail = withoutZone.slice(lastColon + 1);
  let plain = withoutZone;
  if (tail.includes('.')) {
    const four = ipv4Bits(tail);
    if (!four) return undefined;
    const hex = [four.slice(0, 16), four.slice(16)].map((half) => Number.parseInt(half, 2).toString(16));
    plain = `${withoutZone.slice(0, lastColon + 1)}${hex.join(':')}`;
  }
  const halves = plain.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const known = groups.flat();
  if (known.some((group) => !/^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  const missing = 8 - known.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const all = halves.length === 1 ? known : [...(groups[0] as string[]), ...Array(missing).fill('0'), ...(groups[1] as string[])];
  return all.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('');
}

function ipv4Bits(text: string): string | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || parts.some((part) => !/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255)) return undefined;
  return parts.map((part) => Number(part).toString(2).padStart(8, '0')).join('');
}
