/** Poison in folds: what ends a thread is found over its restarts, left out for ever, and nothing else is. */
import type { CompleteBus } from '@tocsin/bus';
import { type Alert, type Match, type MatchStep, type Position, systemClock } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { openGround } from '../../../test/ground.ts';
import { type DeadLetter, readDeadLetter } from '../../deadletters/dead-letter.ts';
import { createDrop } from '../../deadletters/drop.ts';
import { DEADLETTER_FILTER } from '../../subjects.ts';
import { SET_ASIDE_BUCKET } from '../../topology.ts';
import { BlackBox } from './black-box.ts';
import { FoldGuard, type RuleFolds } from './fold-guard.ts';
import type { Suspect } from './suspect.ts';

const at = 'memory.MATCHES.L.7' as Position;

function matchOf(id: string): Match {
  const evidence = { source: 'edr', eventId: id, timeMs: 1, sha256: '', at: { position: at, index: 0 } };
  return { ruleId: 'r', tenant: 'acme', timeMs: 1, receivedMs: 1, evidence, group: {}, entities: [], explanation: [] };
}

const step: MatchStep = {
  partition: 1,
  epoch: 'e',
  read: {},
  watermarks: {},
  ruleSet: 's',
  judged: 3,
  duplicates: 0,
  matches: ['a', 'poison', 'b'].map(matchOf),
};

/** Folds as the rules have them: they go through the matches in order, and half their state is there when they throw. */
const poisoned: RuleFolds = {
  advance(taken) {
    const alerts: Alert[] = [];
    for (const match of taken.matches) {
      if (match.evidence.eventId === 'poison') throw new RangeError('poison');
      alerts.push({ id: match.evidence.eventId } as Alert);
    }
    return alerts;
  },
};

async function open(bus: CompleteBus, suspects: readonly Suspect[]): Promise<{ guard: FoldGuard; box: BlackBox }> {
  const box = new BlackBox();
  const drop = createDrop({ bus, clock: systemClock, onTrouble: () => undefined, giveUp: new AbortController().signal });
  const guard = await FoldGuard.open({ drop, detectors: [], box, suspects, setAside: bus.bucket(SET_ASIDE_BUCKET), nowMs: () => 5 });
  return { guard, box };
}

function suspectIn(box: BlackBox): Suspect {
  const entry = box.read();
  if (entry === undefined) throw new Error('the box is empty');
  const { turn: _turn, ...suspect } = entry;
  return { ...suspect, reason: 'crashed' };
}

async function letters(bus: CompleteBus): Promise<DeadLetter[]> {
  const found: DeadLetter[] = [];
  for await (const stored of bus.read(DEADLETTER_FILTER, 'first')) found.push(readDeadLetter(stored).letter);
  return found;
}

describe('fold guard', () => {
  it('finds the match that ends threads, leaves it out for ever, and folds the others', async () => {
    const { bus } = await openGround();
    const first = await open(bus, []);
    await expect(first.guard.take(at, step, poisoned)).rejects.toThrow('poison');
    const one = suspectIn(first.box);
    expect(one).toMatchObject({ phase: 'folding', position: at, index: -1 });
    // What the thread does until it ends does not hide it.
    first.box.enter('judging', 'other' as Position);
    first.box.leave();
    expect(suspectIn(first.box)).toEqual(one);

    const second = await open(bus, [one]);
    await expect(second.guard.take(at, step, poisoned)).rejects.toThrow('poison');
    const two = suspectIn(second.box);
    expect(two).toMatchObject({ position: at, index: 1 });

    const third = await open(bus, [one, two]);
    expect((await third.guard.take(at, step, poisoned)).map(({ id }) => id)).toEqual(['a', 'b']);
    expect(third.box.read()).toBeUndefined();
    expect(await letters(bus)).toMatchObject([{ consumer: 'correlate', tenant: 'acme', eventId: 'poison', reason: 'crashed', index: 1 }]);

    // A process that knows nothing of it reads the log again, and comes to the same.
    const again = await open(bus, []);
    expect((await again.guard.take(at, step, poisoned)).map(({ id }) => id)).toEqual(['a', 'b']);
    expect(await letters(bus)).toHaveLength(1);
  });

  it('leaves out nothing of other steps', async () => {
    const { bus } = await openGround();
    const { guard } = await open(bus, [{ phase: 'folding', position: at, index: 1, detector: -1, reason: 'crashed' }]);
    const harmless = { ...step, matches: ['x', 'y'].map(matchOf) };
    expect((await guard.take('memory.MATCHES.L.8' as Position, harmless, poisoned)).map(({ id }) => id)).toEqual(['x', 'y']);
    expect(await letters(bus)).toEqual([]);
  });
});
