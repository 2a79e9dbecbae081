/** What OTLP is answered: partial success and `google.rpc.Status`, in Protocol Buffers. Shared by HTTP and gRPC. */
import type { RecordResult } from '../source.ts';

/** What became of a request. */
export interface OtlpOutcome {
  readonly rejected: number;
  /** Why the first of them was, empty without any. */
  readonly reason: string;
}

/** Counts refusals. */
export function outcomeOf(results: readonly RecordResult[]): OtlpOutcome {
  const refused = results.filter((result) => result.status === 'rejected');
  const [first] = refused;
  return { rejected: refused.length, reason: first === undefined ? '' : `${first.code}: ${first.reason}` };
}

/** `ExportLogsServiceResponse`. */
export function encodeResponse({ rejected, reason }: OtlpOutcome): Buffer {
  if (rejected === 0) return Buffer.alloc(0);
  const partial = Buffer.concat([Buffer.from([0x08, ...varint(rejected)]), textField(2, reason)]);
  return bytesField(1, partial);
}

/** `google.rpc.Status` with, where it is worth trying again, `google.rpc.RetryInfo`. */
export function encodeStatus(code: number, message: string, retryAfterMs?: number): Buffer {
  const status = [Buffer.from([0x08, ...varint(code)]), textField(2, message)];
  if (retryAfterMs !== undefined) {
    const delay = Buffer.from([0x08, ...varint(Math.max(1, Math.ceil(retryAfterMs / 1000)))]);
    const any = Buffer.concat([textField(1, 'type.googleapis.com/google.rpc.RetryInfo'), bytesField(2, bytesField(1, delay))]);
    status.push(bytesField(3, any));
  }
  return Buffer.concat(status);
}

function textField(field: number, text: string): Buffer {
  return bytesField(field, Buffer.from(text));
}

function bytesField(field: number, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(bytes.length)]), bytes]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 0x80);
  }
}
