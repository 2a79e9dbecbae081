/** Answers from files that may turn out to be damaged while they are used: the first to find that out sees to it that they are built anew. */
import { isDamaged } from '@tocsin/store';
import type { ThreadApi, ThreadClient } from './thread-call.ts';

/** The same answers; `onDamaged` is told of damage and says what whoever asked is told. */
export function whileSound<A extends ThreadApi>(answers: A, onDamaged: (error: unknown) => Error): ThreadClient<A> {
  const guarded = Object.entries(answers).map(([name, answer]) => [
    name,
    async (...args: never[]) => {
      try {
        return await answer(...args);
      } catch (error) {
        throw isDamaged(error) ? onDamaged(error) : error;
      }
    },
  ]);
  return Object.fromEntries(guarded) as ThreadClient<A>;
}
