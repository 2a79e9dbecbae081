/** Which of a duty's things a process holds: all of them where it is alone, else what the members have agreed upon. */
import type { SharedDuty } from '../members/member-record.ts';
import type { Members, OwnershipPlan } from '../members/members.ts';

/** What a holder is told and tells. */
export interface Ownership {
  /** What to let go of and what to take, given what is held. */
  plan(held: ReadonlySet<number>): OwnershipPlan;
  /** Tells everybody what is held from now on. Called before a thing is taken and after one was let go of. */
  hold(things: Iterable<number>): Promise<void>;
  /** Calls back whenever the plan may have changed; returns a function that ends it. */
  onChange(listener: () => void): () => void;
}

/** Ownership of everything, for ever: of a process that shares with nobody. */
export function ownsAll(count: number): Ownership {
  return {
    plan: (held) => ({ release: [], take: Array.from({ length: count }, (_, thing) => thing).filter((thing) => !held.has(thing)) }),
    hold: () => Promise.resolve(),
    onChange: () => () => undefined,
  };
}

/** Ownership of a member's part of `count` things of a duty. */
export function ownsPart(members: Members, duty: SharedDuty, count: number): Ownership {
  return {
    plan: (held) => members.plan(duty, count, held),
    hold: (things) => members.hold(duty, things),
    onChange: (listener) => members.onChange(listener),
  };
}
