/** `StateStore` over a memory server. What a bucket keeps is in `memory-bucket.ts`. */
import type { StateBucket, StateStore } from '../event-bus.ts';
import { checkKey, checkStateValue } from '../message-check.ts';
import type { MemoryAccess } from './memory-access.ts';
import { watchMemory } from './memory-read.ts';

/** Shared state by bucket name. */
export function createMemoryState(access: MemoryAccess): StateStore {
  return { bucket: (name) => createBucketHandle(name, access) };
}

function createBucketHandle(name: string, access: MemoryAccess): StateBucket {
  const bucket = async (what: string) => (await access.reach(what)).bucket(name);
  const nowMs = (): number => access.server.clock.monotonicMs();
  return {
    get: async (key) => (await bucket('A value')).get(checkKey(key), nowMs()),
    keys: async () => (await bucket('A list of keys')).keys(nowMs()),
    async put(key, value, expected) {
      checkStateValue(name, checkKey(key), value);
      return (await bucket('A put')).put(key, value, { expected, nowMs: nowMs() });
    },
    async delete(key, expected) {
      (await bucket('A delete')).delete(checkKey(key), { expected, nowMs: nowMs() });
    },
    async *watch({ signal } = {}) {
      access.requireOpen('A watch');
      yield* watchMemory(access.server, access.server.bucket(name), access.scopeWith(signal));
    },
  };
}
