/** Who answers what on a memory server, and which questions are under way. What asking and answering mean is in `memory-questions.ts`. */
import type { AnswerDesk } from '../asking/answer-desk.ts';
import type { Subject, SubjectFilter } from '../event-bus.ts';
import { matchesSubject } from '../subject-filter.ts';

/** One answerer. */
export interface MemoryAnswerer {
  readonly filter: SubjectFilter;
  readonly desk: AnswerDesk;
}

/** Answerers and open questions of one server. */
export class MemorySwitchboard {
  /** Whoever was asked longest ago is first. */
  readonly #answerers = new Set<MemoryAnswerer>();
  readonly #open = new Set<() => void>();

  add(answerer: MemoryAnswerer): void {
    this.#answerers.add(answerer);
  }

  remove(answerer: MemoryAnswerer): void {
    this.#answerers.delete(answerer);
  }

  /** One of those who answer a subject, each in turn. */
  pick(subject: Subject): MemoryAnswerer | undefined {
    for (const answerer of this.#answerers) {
      if (!matchesSubject(answerer.filter, subject)) continue;
      this.#answerers.delete(answerer);
      this.#answerers.add(answerer);
      return answerer;
    }
    return undefined;
  }

  /** Calls `lost` when the server goes, until the function it gives back is called. */
  open(lost: () => void): () => void {
    this.#open.add(lost);
    return () => this.#open.delete(lost);
  }

  /** The server has gone. */
  loseAll(): void {
    for (const lost of this.#open) lost();
  }
}
