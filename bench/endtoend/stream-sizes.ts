/** How much each stream of the log took, asked of the server itself (ADR-1 of NATS, STREAM.INFO): most of what nats-server does is to write and hand on these. */
import type { NatsConnection } from '@nats-io/transport-node';

/** One stream. */
export type StreamSize = {
  readonly stream: string;
  /** Messages ever written, and bytes that are kept of them. */
  readonly messages: number;
  readonly keptBytes: number;
  readonly bytesPerMessage: number;
};

type StreamInfo = {
  readonly error?: { readonly description: string };
  readonly state?: { readonly last_seq: number; readonly messages: number; readonly bytes: number };
};

const STREAMS = ['EVENTS_LIVE', 'MATCHES', 'ALERTS'];

/** Of the streams that carry events, matches and alerts. @throws where the server does not tell */
export async function streamSizes(connection: NatsConnection): Promise<StreamSize[]> {
  const sizes: StreamSize[] = [];
  for (const stream of STREAMS) {
    const { state, error } = (await connection.request(`$JS.API.STREAM.INFO.${stream}`)).json<StreamInfo>();
    if (state === undefined) throw new Error(`stream ${stream}: ${error?.description}`);
    const bytesPerMessage = Math.round(state.bytes / Math.max(1, state.messages));
    sizes.push({ stream, messages: state.last_seq, keptBytes: state.bytes, bytesPerMessage });
  }
  return sizes;
}
