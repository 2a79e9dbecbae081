/** Writes Protocol Buffers for tests, by hand and apart from the code that reads them. */

/** A field of wire type BYTES: text, bytes, or the fields of a message. */
export function lengthField(field: number, value: string | Uint8Array | readonly Uint8Array[]): Buffer {
  const bytes =
    typeof value === 'string' ? Buffer.from(value) : value instanceof Uint8Array ? Buffer.from(value) : Buffer.concat([...value]);
  return Buffer.concat([varint((BigInt(field) << 3n) | 2n), varint(BigInt(bytes.length)), bytes]);
}

/** A field of wire type VARINT, of a signed 64-bit number. */
export function varintField(field: number, value: bigint): Buffer {
  return Buffer.concat([varint(BigInt(field) << 3n), varint(BigInt.asUintN(64, value))]);
}

/** A field of wire type FIXED64. */
export function fixed64Field(field: number, value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return Buffer.concat([varint((BigInt(field) << 3n) | 1n), bytes]);
}

/** A field of wire type FIXED64 that holds a number with a fraction. */
function doubleField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([varint((BigInt(field) << 3n) | 1n), bytes]);
}

/** A varint. */
export function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 128n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 127n) | 128);
  }
}

/** `AnyValue` of OpenTelemetry out of a value. */
export function anyValue(value: unknown): Buffer {
  if (typeof value === 'string') return lengthField(1, value);
  if (typeof value === 'boolean') return varintField(2, value ? 1n : 0n);
  if (typeof value === 'bigint') return varintField(3, value);
  if (typeof value === 'number') return Number.isInteger(value) ? varintField(3, BigInt(value)) : doubleField(4, value);
  if (value instanceof Uint8Array) return lengthField(7, value);
  if (Array.isArray(value))
    return lengthField(
      5,
      value.map((each) => lengthField(1, anyValue(each))),
    );
  if (value === null || value === undefined) return Buffer.alloc(0);
  return lengthField(6, pairs(1, value as Record<string, unknown>));
}

/** `KeyValue` fields out of the members of an object. */
export function pairs(field: number, members: Readonly<Record<string, unknown>>): Buffer[] {
  return Object.entries(members).map(([key, value]) => lengthField(field, [lengthField(1, key), lengthField(2, anyValue(value))]));
}

/** `ExportLogsServiceRequest` of one resource and one scope. */
export function logsRequest(records: readonly Uint8Array[], resource: Readonly<Record<string, unknown>> = {}): Buffer {
  const scope = lengthField(1, [lengthField(1, 'lib'), lengthField(2, '1')]);
  const logs = lengthField(2, [scope, ...records.map((record) => lengthField(2, record))]);
  return lengthField(1, [lengthField(1, pairs(1, resource)), logs]);
}

/** `LogRecord` with a body and attributes. */
export function logRecord(body: unknown, attributes: Readonly<Record<string, unknown>> = {}): Buffer {
  return Buffer.concat([
    fixed64Field(1, 1_700_000_000_000_000_000n),
    varintField(2, 17n),
    lengthField(3, 'ERROR'),
    lengthField(5, anyValue(body)),
    ...pairs(6, attributes),
    lengthField(9, Buffer.from('5b8efff798038103d269b633813fc60c', 'hex')),
    lengthField(10, Buffer.from('eee19b7ec3c1b174', 'hex')),
  ]);
}

/** A Snappy block of literals only. */
export function snappyLiterals(plain: Uint8Array): Buffer {
  const parts: Uint8Array[] = [varint(BigInt(plain.length))];
  for (let at = 0; at < plain.length; at += 60) {
    const piece = plain.subarray(at, at + 60);
    parts.push(Buffer.from([(piece.length - 1) << 2]), piece);
  }
  return Buffer.concat(parts);
}
