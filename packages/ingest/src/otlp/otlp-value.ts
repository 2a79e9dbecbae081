/** `AnyValue` and `KeyValue` of OpenTelemetry, read from Protocol Buffers and written as JSON. Bounded in depth; linear in the bytes. */
import { BadProtobuf, BYTES, FIXED64, type ProtobufCursor, VARINT } from './protobuf-cursor.ts';

/** A value as JSON, and what it is: bodies are treated by it. */
export interface JsonValue {
  readonly json: string;
  readonly kind: 'none' | 'text' | 'map' | 'other';
}

/** Deepest nesting of arrays and maps. */
const MAX_DEPTH = 32;
const NONE: JsonValue = { json: 'null', kind: 'none' };

/** The value of an `AnyValue`; the last of several counts, as the wire format says. @throws BadProtobuf */
function jsonOfValue(value: ProtobufCursor, depth: number): JsonValue {
  if (depth > MAX_DEPTH) throw new BadProtobuf(`a value is nested deeper than ${MAX_DEPTH} levels`);
  let found = NONE;
  while (value.next()) found = readValue(value, depth) ?? found;
  return found;
}

/** Name and value of a `KeyValue`. @throws BadProtobuf */
export function keyValue(pair: ProtobufCursor, depth: number): { readonly key: string; readonly json: string } {
  let key = '';
  let json = 'null';
  while (pair.next()) {
    if (pair.field > 2) continue;
    pair.expect(BYTES);
    if (pair.field === 1) key = pair.text();
    else json = jsonOfValue(pair.inner(), depth).json;
  }
  return { key, json };
}

/** Wire types of `AnyValue` by field number. */
const WIRES: readonly (number | undefined)[] = [undefined, BYTES, VARINT, VARINT, FIXED64, BYTES, BYTES, BYTES];

/** The field at hand as a value; undefined where `AnyValue` has no such field. @throws BadProtobuf */
export function readValue(at: ProtobufCursor, depth: number): JsonValue | undefined {
  const wire = WIRES[at.field];
  if (wire === undefined) return undefined;
  at.expect(wire);
  switch (at.field) {
    case 1:
      return { json: JSON.stringify(at.text()), kind: 'text' };
    case 2:
      return { json: at.low === 0 && at.high === 0 ? 'false' : 'true', kind: 'other' };
    case 3:
      return { json: integerOf(at), kind: 'other' };
    case 4:
      return { json: JSON.stringify(at.bytes.readDoubleLE(at.start)), kind: 'other' };
    case 5:
      return { json: `[${elementsOf(at.inner(), (inner) => jsonOfValue(inner, depth + 1).json)}]`, kind: 'other' };
    case 6:
      return { json: `{${elementsOf(at.inner(), (inner) => member(inner, depth + 1))}}`, kind: 'map' };
    default:
      return { json: `"${at.bytes.toString('base64', at.start, at.end)}"`, kind: 'other' };
  }
}

function member(pair: ProtobufCursor, depth: number): string {
  const { key, json } = keyValue(pair, depth);
  return `${JSON.stringify(key)}:${json}`;
}

function elementsOf(list: ProtobufCursor, read: (element: ProtobufCursor) => string): string {
  const elements: string[] = [];
  while (list.next()) {
    if (list.field !== 1) continue;
    list.expect(BYTES);
    elements.push(read(list.inner()));
  }
  return elements.join(',');
}

/** All digits of a signed 64-bit number. */
function integerOf({ low, high }: ProtobufCursor): string {
  if (high < 0x20_0000) return String(high * 0x1_0000_0000 + low);
  return BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low)).toString();
}
