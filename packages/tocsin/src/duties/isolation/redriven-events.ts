/**
 * Events that people have given back to the matcher: judged by what has not judged them yet, and written as steps of their own with the
 * origin `redrive`. A step's id is that of the redrive: delivered again it is recognised by the log itself.
 */
import { setTimeout } from 'node:timers/promises';
import { type Delivery, type EventBus, type Outgoing, openFrame, type Published, type ReplayLog } from '@tocsin/bus';
import { type FrameView, isTocsinError, type Match, type MatchStep, type Position, TocsinError } from '@tocsin/core';
import { detectorRuleId } from '@tocsin/detect';
import { type DeadLetter, readDeadLetter, type StoredDeadLetter } from '../../deadletters/dead-letter.ts';
import type { Drop } from '../../deadletters/drop.ts';
import { ISOLATION_ACTOR, redriveId } from '../../deadletters/settle-dead-letter.ts';
import { matchesSubject, retrySubject } from '../../subjects.ts';
import { CORRELATE_CONSUMER, MATCH_CONSUMER } from '../../topology.ts';
import type { FedFrame } from '../frame-feed.ts';
import { Pump } from '../pump.ts';
import { type JudgedFrame, RULES_SCOPE } from './frame-judge.ts';

/** What a redriven event is judged with. */
export interface RedriveDesk {
  /** Judges a frame by the rules in force, with the dead letter that it comes from. */
  judge(fed: FedFrame, frame: FrameView, redriveOf: DeadLetter): Promise<JudgedFrame>;
  /** Whether judging it takes a process of its own. */
  takesLong(fed: FedFrame, redriveOf: DeadLetter): boolean;
  /** Step of a partition without events or watermarks, as of now. Undefined where this matcher does not own the partition. */
  blankStep(partition: number): { readonly step: MatchStep; readonly expect: Position | 'none' } | undefined;
  /** Writes a step. */
  commit(messages: readonly Outgoing[]): Promise<Published[]>;
}

/** What the feed is made of. */
export interface RedrivenEventsOptions {
  readonly bus: Pick<EventBus, 'subscribe'> & Pick<ReplayLog, 'read'>;
  readonly drop: Drop;
  readonly nowMs: () => number;
  readonly onTrouble: (error: unknown, what: string) => void;
  readonly signal: AbortSignal;
}

/** Letters taken in at once, and how long one may wait for the matcher, milliseconds. */
const MAX_WAITING = 64;
const ACK_WAIT_MS = 30_000;
/** Pause before a letter is offered again whose partition another matcher owns, milliseconds. */
const ELSEWHERE_MS = 1000;
/** Pause before following is tried again, milliseconds. */
const AGAIN_AFTER_MS = 1000;

/** The letters of one matcher. */
export class RedrivenEvents {
  readonly #options: RedrivenEventsOptions;
  readonly #judged: Judged[] = [];
  readonly #waiting = new Pump<Delivery>(MAX_WAITING);

  /** Follows what is given back to the matcher, until aborted. */
  constructor(options: RedrivenEventsOptions) {
    this.#options = options;
    this.#follow().catch((error: unknown) =>
      options.onTrouble(error, 'following what is redriven; it is taken up again when the duty starts anew'),
    );
  }

  /** Judges what waits and writes what is judged. Each letter is answered when its step, or its dead letter, is stored. */
  async judgeWaiting(desk: RedriveDesk): Promise<void> {
    if (this.#waiting.size > 0) for (const delivery of await this.#waiting.take(MAX_WAITING, 0)) await this.#begin(delivery, desk);
    for (const judged of this.#judged.splice(0)) await this.#write(judged, desk);
  }

  async #follow(): Promise<void> {
    const { bus, signal, onTrouble } = this.#options;
    const options = { group: MATCH_CONSUMER, start: 'first' as const, maxMessages: MAX_WAITING, ackWaitMs: ACK_WAIT_MS, signal };
    while (!signal.aborted) {
      try {
        await using subscription = await bus.subscribe(retrySubject(MATCH_CONSUMER), options);
        for await (const delivery of subscription) await this.#waiting.put(delivery);
      } catch (error) {
        if (signal.aborted || isTocsinError(error, 'bus.closed')) return;
        if (!isTocsinError(error) || error.retry === 'never') throw error;
        onTrouble(error, 'following what is redriven');
        await setTimeout(AGAIN_AFTER_MS, undefined, { signal }).catch(() => 'aborted: the loop ends');
      }
    }
  }

  async #begin(delivery: Delivery, desk: RedriveDesk): Promise<void> {
    let stored: StoredDeadLetter;
    try {
      stored = readDeadLetter(delivery.message);
    } catch (error) {
      this.#options.onTrouble(error, 'judging what is redriven');
      delivery.reject('it is no dead letter');
      return;
    }
    const opened = await this.#open(stored, delivery);
    if (opened === undefined || (delivery.attempt > 1 && (await this.#isWritten(stored, delivery, opened.partition)))) delivery.ack();
    else if (desk.blankStep(opened.partition) === undefined) delivery.retry({ afterMs: ELSEWHERE_MS });
    else if ('match' in opened) this.#judged.push({ delivery, stored, opened, found: { judged: 0, matches: [opened.match] } });
    else if (!desk.takesLong(opened.fed, stored.letter)) await this.#judge({ delivery, stored, opened }, desk);
    else this.#judgeBeside({ delivery, stored, opened }, desk);
  }

  /** What has its own process has its own time: everything else goes on. */
  #judgeBeside(begun: Begun, desk: RedriveDesk): void {
    const beat = setInterval(() => begun.delivery.extend(), ACK_WAIT_MS / 3);
    this.#judge(begun, desk)
      .catch((error: unknown) => {
        if (!this.#options.signal.aborted) this.#options.onTrouble(error, 'judging what is redriven');
        begun.delivery.retry({ afterMs: AGAIN_AFTER_MS });
      })
      .finally(() => clearInterval(beat));
  }

  async #judge(begun: Begun, desk: RedriveDesk): Promise<void> {
    const { opened, stored } = begun;
    if ('frame' in opened) this.#judged.push({ ...begun, found: await judgeLetter(stored.letter, opened, desk) });
  }

  async #write({ delivery, stored, opened, found }: Judged, desk: RedriveDesk): Promise<void> {
    const blank = desk.blankStep(opened.partition);
    if (blank === undefined) {
      delivery.retry({ afterMs: ELSEWHERE_MS });
      return;
    }
    const step: MatchStep = { ...blank.step, ...found, origin: stored.letter.act?.actor === ISOLATION_ACTOR ? 'live' : 'redrive' };
    const body = Buffer.from(JSON.stringify(step));
    await desk.commit([{ subject: matchesSubject(opened.partition), id: redriveId(stored.letter), body, expect: blank.expect }]);
    delivery.ack();
  }

  /** What a letter holds; undefined where it is a dead letter again. */
  async #open({ letter, body }: StoredDeadLetter, { message }: Delivery): Promise<OpenedLetter | undefined> {
    try {
      if (letter.consumer === CORRELATE_CONSUMER) return openMatch(letter, body);
      const frame = openFrame(body, { tenant: letter.tenant });
      const { partition, lane } = frame.header;
      return { partition, frame, fed: { lane, position: letter.position, partition, tenant: letter.tenant, stored: message, frame } };
    } catch (error) {
      if (!isTocsinError(error, 'bus.bad_frame') && !(error instanceof SyntaxError)) throw error;
      const { id, consumer } = letter;
      const text = new TocsinError('deadletter.judged_nothing', { id, consumer, reason: error.message }).message;
      const errors = [{ attempt: 1, atMs: this.#options.nowMs(), text }];
      await this.#options.drop({ ...letter, body, errors, redriveOf: letter }, 'unreadable');
      return undefined;
    }
  }

  /** Whether the step of a letter that was delivered before is on MATCHES. */
  async #isWritten({ letter }: StoredDeadLetter, { message }: Delivery, partition: number): Promise<boolean> {
    const wanted = redriveId(letter);
    const { signal } = this.#options;
    for await (const step of this.#options.bus.read(matchesSubject(partition), new Date(message.storedMs), { signal })) {
      if (step.id === wanted) return true;
    }
    return false;
  }
}

interface Begun {
  readonly delivery: Delivery;
  readonly stored: StoredDeadLetter;
  readonly opened: OpenedLetter;
}

interface Judged extends Begun {
  readonly found: Pick<MatchStep, 'judged' | 'matches' | 'setAside'>;
}

/** A frame for the rules, or a match for the folds. */
type OpenedLetter =
  | { readonly partition: number; readonly frame: FrameView; readonly fed: FedFrame }
  | { readonly partition: number; readonly match: Match };

/** A match that a fold has not taken. Its tenant is the letter's, whatever an editor has written. @throws SyntaxError */
function openMatch({ tenant, subject }: DeadLetter, body: Uint8Array): OpenedLetter {
  const match = JSON.parse(Buffer.from(body).toString()) as Match;
  if (typeof match !== 'object' || match === null || match.tenant !== tenant || typeof match.ruleId !== 'string')
    throw new SyntaxError('it is no match of this tenant');
  return { partition: Number(subject.split('.')[2]), match };
}

async function judgeLetter(
  letter: DeadLetter,
  { frame, fed }: { readonly frame: FrameView; readonly fed: FedFrame },
  desk: RedriveDesk,
): Promise<Pick<MatchStep, 'judged' | 'matches' | 'setAside'>> {
  const { matches, setAside } = await desk.judge(fed, frame, letter);
  const wanted = matches.filter((match) => isWanted(match, letter)).map((match) => atOrigin(match, letter));
  return { judged: frame.header.count, matches: wanted, ...(setAside.length === 0 ? {} : { setAside }) };
}

/** What has judged the event before is not to count it twice. */
function isWanted(match: Match, { scope }: DeadLetter): boolean {
  if (scope === undefined) return true;
  return scope === RULES_SCOPE ? !match.ruleId.startsWith(detectorRuleId('')) : scope === `rule:${match.ruleId}`;
}

/** Evidence points to where the event stands in the log, not to the letter. */
function atOrigin(match: Match, { kind, index }: DeadLetter): Match {
  if (kind === 'message') return match;
  return { ...match, evidence: { ...match.evidence, at: { ...match.evidence.at, index: index ?? 0 } } };
}
