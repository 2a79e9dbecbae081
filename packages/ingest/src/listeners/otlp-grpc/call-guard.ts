/** Who a gRPC call comes from, asked before its message is read; and no call may take for ever to send it. */
import { type Metadata, ServerInterceptingCall, type ServerInterceptor, type ServerListener } from '@grpc/grpc-js';
import { TocsinError } from '@tocsin/core';
import { tokenOfAgent } from '../../http/credential.ts';
import type { Source } from '../../source.ts';
import type { ListenerContext } from '../listener.ts';
import { statusOf } from './grpc-status.ts';

/** The guard of one listener. */
export interface CallGuard {
  readonly interceptor: ServerInterceptor;
  /** Who a call with this metadata was found to come from. */
  sourceOf(metadata: Metadata): Source | undefined;
}

/** Longest time for a message to arrive, milliseconds. */
const MESSAGE_TIMEOUT_MS = 30_000;

/** A guard by the listener's credentials. */
export function callGuard(context: ListenerContext): CallGuard {
  const sources = new WeakMap<Metadata, Source>();
  return {
    sourceOf: (metadata) => sources.get(metadata),
    interceptor: (_method, call) =>
      new ServerInterceptingCall(call, {
        start(next) {
          let timer: NodeJS.Timeout | undefined;
          const refuse = (error: unknown): void => {
            const status = statusOf(error);
            context.counts.refuse(status.tocsinCode);
            call.sendStatus(status);
          };
          const listener: ServerListener = {
            onReceiveMetadata(metadata, pass) {
              const token = tokenOfAgent(metadata.get('authorization')[0]?.toString());
              context.authenticate(token).then((source) => {
                sources.set(metadata, source);
                timer = setTimeout(() => refuse(new TocsinError('ingest.slow_body', { waitedMs: MESSAGE_TIMEOUT_MS })), MESSAGE_TIMEOUT_MS);
                pass(metadata);
              }, refuse);
            },
            onReceiveMessage(message, pass) {
              clearTimeout(timer);
              pass(message);
            },
            onCancel: () => clearTimeout(timer),
          };
          next(listener);
        },
      }),
  };
}
