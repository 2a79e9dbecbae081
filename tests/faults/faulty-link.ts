/**
 * The network between producers and the program: a TCP proxy that breaks connections in the middle of a request or of its answer, and that
 * stalls without closing. Answers lost on the way are what makes a producer send again what is stored already.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A proxy in front of the program. Disposing closes it and every connection. */
export interface FaultyLink extends AsyncDisposable {
  /** Where producers connect. */
  readonly url: string;
  /** Breaks every connection now: by reset, by an early end, or a random number of bytes later, in one direction. */
  cut(random: () => number): void;
  /** Lets nothing through in either direction for so long, milliseconds. */
  stall(ms: number): Promise<void>;
}

type Pair = {
  readonly producer: Socket;
  readonly program: Socket /** Bytes of the answer still let through; then it is cut. */;
  left: number;
};

/** Opens the proxy on loopback; `target` is asked at each connection. */
export async function openFaultyLink(target: () => string): Promise<FaultyLink> {
  const pairs = new Set<Pair>();
  let isStalled = false;
  const server = createServer({ allowHalfOpen: true }, (producer) => {
    const { hostname, port } = new URL(target());
    const program = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const pair: Pair = { producer, program, left: Number.POSITIVE_INFINITY };
    pairs.add(pair);
    join(pair, () => pairs.delete(pair));
    if (isStalled) hold(pair);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut(random) {
      for (const pair of pairs) {
        const draw = random();
        if (draw < 0.3) reset(pair);
        else if (draw < 0.5) end(pair);
        else pair.left = Math.floor(random() * 2000);
      }
    },
    async stall(ms) {
      isStalled = true;
      for (const pair of pairs) hold(pair);
      // The stall itself, not something waited for.
      await new Promise((resolve) => setTimeout(resolve, ms));
      isStalled = false;
      for (const { producer, program } of pairs) for (const socket of [producer, program]) socket.resume();
    },
    async [Symbol.asyncDispose]() {
      for (const pair of pairs) reset(pair);
      server.close();
      await once(server, 'close');
    },
  };
}

function join(pair: Pair, over: () => void): void {
  const { producer, program } = pair;
  pass(producer, program);
  program.on('data', (chunk: Buffer) => {
    const part = chunk.subarray(0, pair.left);
    pair.left -= chunk.length;
    if (!producer.write(part)) program.pause();
    if (pair.left < 0) reset(pair);
  });
  producer.on('drain', () => program.resume());
  program.on('end', () => producer.end());
  for (const socket of [producer, program]) {
    // What breaks on one side breaks the other: to both it is one connection.
    socket.on('error', () => reset(pair));
    socket.on('close', () => {
      end(pair);
      over();
    });
  }
}

function pass(from: Socket, to: Socket): void {
  from.on('data', (chunk: Buffer) => {
    if (!to.write(chunk)) from.pause();
  });
  to.on('drain', () => from.resume());
  from.on('end', () => to.end());
}

function hold({ producer, program }: Pair): void {
  producer.pause();
  program.pause();
}

function reset({ producer, program }: Pair): void {
  for (const socket of [producer, program]) if (!socket.destroyed) socket.resetAndDestroy();
}

function end({ producer, program }: Pair): void {
  for (const socket of [producer, program]) socket.destroy();
}
