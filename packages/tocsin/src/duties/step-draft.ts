/**
 * Match steps in the making: what a round has found, cut into messages that every bus takes, and given out as one commit.
 * Of the steps of a partition only the last says how far it is read by now: a reader has not seen them all before.
 */
import type { Outgoing } from '@tocsin/bus';
import type { EventPosition, Match, MatchStep } from '@tocsin/core';
import { matchesSubject } from '../subjects.ts';

/** Matches of one step, bytes of JSON: half of what the bus takes as a message. */
export const STEP_BYTES = 1 << 20;

/** What the steps of one commit have in common. */
export interface StepFacts {
  readonly epoch: string;
  readonly ruleSet: string;
  readonly order: number;
  /** Positions of a partition as of its step before this commit, and as of now. */
  readonly written: (partition: number) => MatchStep['read'];
  readonly read: (partition: number) => MatchStep['read'];
  /** Watermarks of a partition as of now. */
  readonly watermarks: (partition: number) => Readonly<Record<string, number>>;
  readonly nextId: () => string;
}

interface Draft {
  readonly partition: number;
  judged: number;
  duplicates: number;
  /** Matches as JSON. */
  readonly matches: string[];
  readonly setAside: EventPosition[];
  bytes: number;
  /** Of a step that was cut: the watermarks as they were then. */
  watermarks?: Readonly<Record<string, number>> | undefined;
}

/** Outcome of one frame. */
export interface Found {
  readonly judged: number;
  readonly duplicates: number;
  readonly matches: readonly Match[];
  /** Events that could not be judged. */
  readonly setAside: readonly EventPosition[];
}

/** Collects until taken. */
export class StepDrafts {
  readonly #open = new Map<number, Draft>();
  #cut: Draft[] = [];
  #bytes = 0;

  /** Bytes of matches collected. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds the outcome of one frame; a frame without matches makes a step all the same, which says that it was read. */
  add(partition: number, found: Found): void {
    for (const match of found.matches) this.#addMatch(partition, fitted(match));
    const draft = this.#draftOf(partition);
    draft.judged += found.judged;
    draft.duplicates += found.duplicates;
    draft.setAside.push(...found.setAside);
  }

  /** Ends the partition's step with these watermarks, so that what is added from now on belongs to the next. */
  cut(partition: number, watermarks?: Readonly<Record<string, number>>): void {
    const draft = this.#open.get(partition);
    if (!draft) return;
    draft.watermarks = watermarks;
    this.#open.delete(partition);
    this.#cut.push(draft);
  }

  /** Makes sure that a partition has a step, if only for its watermarks. */
  touch(partition: number): void {
    this.#draftOf(partition);
  }

  /** Forgets everything collected. */
  clear(): void {
    this.#cut = [];
    this.#open.clear();
    this.#bytes = 0;
  }

  /** The messages of one commit; nothing is left here. */
  take(facts: StepFacts): Outgoing[] {
    const drafts = [...this.#cut, ...this.#open.values()];
    this.clear();
    const lastOf = new Map(drafts.map((draft, place) => [draft.partition, place]));
    return drafts.map((draft, place) => ({
      subject: matchesSubject(draft.partition),
      id: facts.nextId(),
      body: encode(draft, {
        partition: draft.partition,
        epoch: facts.epoch,
        read: lastOf.get(draft.partition) === place ? facts.read(draft.partition) : facts.written(draft.partition),
        watermarks: draft.watermarks ?? (lastOf.get(draft.partition) === place ? facts.watermarks(draft.partition) : {}),
        ruleSet: facts.ruleSet,
        order: facts.order,
        judged: draft.judged,
        duplicates: draft.duplicates,
        ...(draft.setAside.length === 0 ? {} : { setAside: draft.setAside }),
      }),
    }));
  }

  #addMatch(partition: number, json: string): void {
    const bytes = Buffer.byteLength(json) + 1;
    if (this.#draftOf(partition).bytes + bytes > STEP_BYTES) this.cut(partition);
    const draft = this.#draftOf(partition);
    draft.matches.push(json);
    draft.bytes += bytes;
    this.#bytes += bytes;
  }

  #draftOf(partition: number): Draft {
    let draft = this.#open.get(partition);
    if (!draft) {
      draft = { partition, judged: 0, duplicates: 0, matches: [], setAside: [], bytes: 0 };
      this.#open.set(partition, draft);
    }
    return draft;
  }
}

function encode(draft: Draft, rest: Omit<MatchStep, 'matches'>): Uint8Array {
  // Each match is JSON already: the whole is put together as text instead of being made twice.
  return Buffer.from(`${JSON.stringify(rest).slice(0, -1)},"matches":[${draft.matches.join(',')}]}`);
}

/** A match as JSON that fits a step: a rule may name fields of any length, so what only explains is left out where it must be. */
function fitted(match: Match): string {
  const json = JSON.stringify(match);
  if (Buffer.byteLength(json) <= STEP_BYTES) return json;
  const { excerpt: _, ...evidence } = match.evidence;
  return JSON.stringify({ ...match, evidence, explanation: [] });
}
