/**
 * Lifecycle: a scope collects what was opened and closes it in reverse order, once, each within a deadline, every error kept.
 * Who opens a thing adds it to a scope in the same breath, so that a failure half-way through closes what was opened so far.
 */
import { messageOf } from './message-of.ts';

/** Something to close: a disposable, or a function that closes. */
export type Closable = AsyncDisposable | Disposable | (() => unknown);

/** How a scope closes. */
export interface ScopeOptions {
  /** Most time for each thing to close, milliseconds; what takes longer is given up on and reported. Default 10 s. */
  readonly closeWithinMs?: number | undefined;
}

/** Collects what was opened. Disposing it is `close()`. */
export interface Scope extends AsyncDisposable {
  /** Aborted as soon as closing begins: give it to every wait that should end with the scope. */
  readonly signal: AbortSignal;
  /**
   * Adds a thing, named for messages, and returns it. Added to a scope that is closed or closing it is closed at once, and `add` throws:
   * nothing may be opened in a closed scope. @throws Error
   */
  add<T extends Closable>(name: string, thing: T): T;
  /**
   * Closes everything, the last added first, waiting for each. Closing again gives the same promise.
   * @throws AggregateError of everything that failed or ran out of time, after all the rest was closed
   */
  close(): Promise<void>;
}

/** Creates an empty scope. Does no I/O. */
export function createScope(options: ScopeOptions = {}): Scope {
  const { closeWithinMs = 10_000 } = options;
  const things: { name: string; thing: Closable }[] = [];
  const abort = new AbortController();
  let closed: Promise<void> | undefined;

  const closeAll = async (): Promise<void> => {
    abort.abort(new Error('the scope is closing'));
    const errors: unknown[] = [];
    for (let entry = things.pop(); entry !== undefined; entry = things.pop()) {
      await closeOne(entry.name, entry.thing, closeWithinMs).catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 0) throw new AggregateError(errors, `${errors.length} of the things opened did not close`);
  };
  const close = (): Promise<void> => (closed ??= closeAll());

  return {
    signal: abort.signal,
    add(name, thing) {
      if (closed === undefined) {
        things.push({ name, thing });
        return thing;
      }
      // Joins the close under way, so that whoever awaits it awaits this too.
      const late = closeOne(name, thing, closeWithinMs);
      closed = Promise.all([closed, late]).then(() => undefined);
      closed.catch(() => 'reported to whoever closes the scope');
      throw new Error(`${name} was opened in a scope that is closed; it is being closed again`);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function closeOne(name: string, thing: Closable, withinMs: number): Promise<void> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${name} did not close within ${withinMs} ms`)), withinMs);
  try {
    await Promise.race([dispose(thing), tooLate]);
  } catch (cause) {
    throw new Error(`${name}: ${messageOf(cause)}`, { cause });
  } finally {
    clearTimeout(timer);
  }
}

async function dispose(thing: Closable): Promise<void> {
  if (typeof thing === 'function') await thing();
  else if (Symbol.asyncDispose in thing) await thing[Symbol.asyncDispose]();
  else thing[Symbol.dispose]();
}
