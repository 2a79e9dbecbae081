/** Connects a spike process to the server so that it survives server kills. Not here: anything about streams. */
import { connect, type NatsConnection } from '@nats-io/transport-node';

/** A connection and a promise of its readiness. */
export type SpikeConnection = {
  readonly connection: NatsConnection;
  /** Resolves when connected; at once if it is. */
  readonly ready: () => Promise<void>;
};

/** Reconnects for ever. `onBroken` runs at each disconnect, `onRestored` at each reconnect. */
export async function openConnection(url: string, onBroken: () => void = noop, onRestored: () => void = noop): Promise<SpikeConnection> {
  const connection = await connect({
    servers: url,
    noAsyncTraces: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    reconnectJitter: 20,
    waitOnFirstConnect: true,
    timeout: 2000,
  });
  let gate = Promise.resolve();
  let open: () => void = noop;
  void watch();
  return {
    connection,
    ready: async () => {
      await gate;
      await connection.flush().catch(noop);
    },
  };

  async function watch(): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') {
        gate = new Promise((resolve) => (open = resolve));
        onBroken();
      }
      if (status.type === 'reconnect') {
        open();
        onRestored();
      }
    }
  }
}

/** For what the status events report anyway. */
function noop(): void {}
