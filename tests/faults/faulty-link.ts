/**
 * A network between two programs: a TCP proxy that breaks connections in the middle of a request or of its answer, that stalls without closing, that lets
 * nothing through in one direction, and that is slow. Answers lost on the way are what makes somebody send again what is stored already.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A proxy in front of the program. Disposing closes it and every connection. */
export interface FaultyLink extends AsyncDisposable {
  /** Where clients connect. */
  readonly url: string;
  readonly port: number;
  /** Breaks every connection now: by reset, by an early end, or a random number of bytes later, in one direction. */
  cut(random: () => number): void;
  /** Lets nothing through in either direction for so long, milliseconds. */
  stall(ms: number): Promise<void>;
  /** A partition of one direction: nothing of it arrives for so long, milliseconds, and then the connections break, so that it never does. */
  lose(direction: 'requests' | 'answers', ms: number): Promise<void>;
  /** Everything arrives so much later, in both directions, for so long. Milliseconds. */
  slow(delayMs: number, ms: number): Promise<void>;
}

type Pair = {
  readonly producer: Socket;
  readonly program: Socket;
  /** Bytes of the answer still let through; then it is cut. */
  left: number;
  /** How much later everything arrives, milliseconds. */
  delayMs: number;
};

/** Opens the proxy on loopback; `target`, an address with host and port, is asked at each connection. */
export async function openFaultyLink(target: () => string): Promise<FaultyLink> {
  const pairs = new Set<Pair>();
  let hold: (pair: Pair) => void = () => undefined;
  let delayMs = 0;
  const server = createServer({ allowHalfOpen: true }, (producer) => {
    const { hostname, port } = new URL(target());
    const program = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const pair: Pair = { producer, program, left: Number.POSITIVE_INFINITY, delayMs };
    pairs.add(pair);
    join(pair, () => pairs.delete(pair));
    hold(pair);
  });
  const during = async (held: typeof hold, ms: number, then: (pair: Pair) => void): Promise<void> => {
    hold = held;
    for (const pair of pairs) hold(pair);
    // The fault itself, not something waited for.
    await delay(ms);
    hold = () => undefined;
    for (const pair of pairs) then(pair);
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    cut(random) {
      for (const pair of pairs) {
        const draw = random();
        if (draw < 0.3) reset(pair);
        else if (draw < 0.5) end(pair);
        else pair.left = Math.floor(random() * 2000);
      }
    },
    stall: (ms) => during(holdBoth, ms, resumeBoth),
    lose: (direction, ms) => during((pair) => void pair[direction === 'requests' ? 'producer' : 'program'].pause(), ms, reset),
    async slow(laterMs, ms) {
      delayMs = laterMs;
      await during(
        (pair) => void (pair.delayMs = laterMs),
        ms,
        (pair) => void (pair.delayMs = 0),
      );
      delayMs = 0;
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
  pass(pair, producer, program);
  pass(pair, program, producer);
  for (const socket of [producer, program]) {
    // What breaks on one side breaks the other: to both it is one connection.
    socket.on('error', () => reset(pair));
    socket.on('close', () => {
      end(pair);
      over();
    });
  }
}

/** Hands on what comes from one side, in order however late; of answers no more than is left. */
function pass(pair: Pair, from: Socket, to: Socket): void {
  let last = Promise.resolve();
  const inOrder = (act: () => void): void => {
    const { delayMs } = pair;
    if (delayMs === 0 && last === IDLE) return act();
    const due = delayMs === 0 ? last : Promise.all([last, delay(delayMs)]);
    const mine: Promise<void> = due.then(() => {
      act();
      if (last === mine) last = IDLE;
    });
    last = mine;
  };
  last = IDLE;
  from.on('data', (chunk: Buffer) =>
    inOrder(() => {
      if (to.destroyed) return;
      const part = from === pair.program ? chunk.subarray(0, pair.left) : chunk;
      if (from === pair.program) pair.left -= chunk.length;
      if (!to.write(part)) from.pause();
      if (pair.left < 0) reset(pair);
    }),
  );
  to.on('drain', () => from.resume());
  from.on('end', () => inOrder(() => to.end()));
}

const IDLE = Promise.resolve();

function holdBoth({ producer, program }: Pair): void {
  producer.pause();
  program.pause();
}

function resumeBoth({ producer, program }: Pair): void {
  producer.resume();
  program.resume();
}

/** A socket that is being ended already is closed instead: of a reset in the middle of that Node keeps the handle, and does not come to its own end (libp2p/js-libp2p#3597). */
function reset({ producer, program }: Pair): void {
  for (const socket of [producer, program]) {
    if (socket.writableEnded) socket.destroy();
    else if (!socket.destroyed) socket.resetAndDestroy();
  }
}

function end({ producer, program }: Pair): void {
  for (const socket of [producer, program]) socket.destroy();
}
