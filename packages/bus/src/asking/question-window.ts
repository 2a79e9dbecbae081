/** How much one bus may ask at once: a further question is refused, never kept waiting. */
import { TocsinError } from '@tocsin/core';

/** Counts what is under way. */
export interface QuestionWindow {
  /** Lets a question of so many bytes pass; the function given back is called once it has come to an end. @throws bus.busy */
  enter(bytes: number): () => void;
}

const MAX_QUESTIONS = 1024;
const MAX_BYTES = 32 * 1024 * 1024;

/** Nothing under way yet. */
export function createQuestionWindow(): QuestionWindow {
  let count = 0;
  let sum = 0;
  return {
    enter(bytes) {
      if (count >= MAX_QUESTIONS || sum + bytes > MAX_BYTES) throw new TocsinError('bus.busy', { what: 'this process, by what it asks' });
      count += 1;
      sum += bytes;
      return () => {
        count -= 1;
        sum -= bytes;
      };
    },
  };
}
