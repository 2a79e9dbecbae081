/** A bound on what is under way: so many bytes and so many units at once, in the order asked. One unit larger than the bound goes alone. */

/** Most that may be under way. */
export interface WindowLimits {
  readonly maxBytes: number;
  readonly maxUnits: number;
}

/** Admits units in order. */
export interface ByteWindow {
  /** Resolves when there is room, with what gives it back. Aborting leaves the queue. */
  enter(bytes: number, signal?: AbortSignal): Promise<() => void>;
}

interface Waiting {
  readonly bytes: number;
  admit(): void;
}

/** An empty window. */
export function createByteWindow(limits: WindowLimits): ByteWindow {
  const queue: Waiting[] = [];
  let bytes = 0;
  let units = 0;
  const fits = (more: number): boolean => units === 0 || (units < limits.maxUnits && bytes + more <= limits.maxBytes);
  function take(more: number): () => void {
    bytes += more;
    units++;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      bytes -= more;
      units--;
      while (queue[0] !== undefined && fits(queue[0].bytes)) queue.shift()?.admit();
    };
  }
  return {
    async enter(more, signal) {
      signal?.throwIfAborted();
      if (queue.length === 0 && fits(more)) return take(more);
      return await new Promise<() => void>((resolve, reject) => {
        const waiting: Waiting = {
          bytes: more,
          admit() {
            signal?.removeEventListener('abort', leave);
            resolve(take(more));
          },
        };
        function leave(): void {
          queue.splice(queue.indexOf(waiting), 1);
          reject(signal?.reason);
        }
        signal?.addEventListener('abort', leave, { once: true });
        queue.push(waiting);
      });
    },
  };
}
