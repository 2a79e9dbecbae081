/**
 * What follows from the names of a record's members alone, worked out once per sequence of names: records of one kind have the same members
 * in the same order, so that a walk over the names, each compared with that of the record before, finds it again.
 */
import type { Fields } from '@tocsin/core';

/** Most steps kept; beyond these all are forgotten, as records whose names never come again are somebody's attempt to fill memory. */
const MAX_STEPS = 8_192;

/** A name after those before it. The one taken last is compared first. */
interface Step<S> {
  lastName: string | undefined;
  last: Step<S> | undefined;
  further: Map<string, Step<S>> | undefined;
  shape: S | undefined;
}

/** Shapes by the names of records' members. */
export class RecordShapes<S> {
  readonly #work: (fields: Fields) => S;
  #first: Step<S> = newStep();
  #steps = 0;

  /** `work` may look at the names of members only. */
  constructor(work: (fields: Fields) => S) {
    this.#work = work;
  }

  /** Shape of a record. */
  of(fields: Fields): S {
    if (this.#steps > MAX_STEPS) this.forget();
    let step = this.#first;
    // Decoders give own members only.
    for (const name in fields) step = step.lastName === name && step.last !== undefined ? step.last : this.#go(step, name);
    step.shape ??= this.#work(fields);
    return step.shape;
  }

  /** Lets go of every shape; those that come are worked out anew. */
  forget(): void {
    this.#first = newStep();
    this.#steps = 0;
  }

  #go(from: Step<S>, name: string): Step<S> {
    from.further ??= new Map();
    let next = from.further.get(name);
    if (next === undefined) {
      next = newStep();
      from.further.set(name, next);
      this.#steps += 1;
    }
    from.lastName = name;
    from.last = next;
    return next;
  }
}

function newStep<S>(): Step<S> {
  return { lastName: undefined, last: undefined, further: undefined, shape: undefined };
}
