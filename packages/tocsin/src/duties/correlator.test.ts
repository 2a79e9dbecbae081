import type { CompleteBus } from '@tocsin/bus';
import { type Alert, type Match, type MatchStep, systemClock } from '@tocsin/core';
import { createFoldSet } from '@tocsin/detect';
import { describe, expect, it } from 'vitest';
import { bookOf, logSources, openGround, readAlerts, ruleFile, running, until } from '../../test/ground.ts';
import { createDrop } from '../deadletters/drop.ts';
import type { RuleBook } from '../rules/rule-book.ts';
import { putChunked } from '../state/chunked-value.ts';
import { matchesSubject } from '../subjects.ts';
import { MANIFESTS_BUCKET, RULE_SETS_BUCKET, SET_ASIDE_BUCKET } from '../topology.ts';
import { runCorrelator } from './correlator.ts';
import { firstFrame } from './partition-progress.ts';
import { ReadUpTo } from './read-up-to.ts';

const counting = {
  path: 'count.yml',
  text: 'title: many\nid: many\ncorrelation: { type: event_count, rules: [hit], group-by: [host], timespan: 10m, condition: { gte: 3 } }\nlevel: high\n',
};
const book = bookOf(ruleFile('hit', 'hit'), ruleFile('plain', 'plain'), counting);
const BASE = 1_700_000_000_000;

function match(n: number, ruleId = 'hit', tenant = 'acme'): Match {
  const timeMs = BASE + n * 1000;
  return {
    ruleId,
    tenant,
    timeMs,
    receivedMs: timeMs,
    evidence: { source: 'edr', eventId: `e${n}`, timeMs, sha256: '0'.repeat(64), at: { position: `p${n}` as never, index: 0 } },
    group: { host: 'h1' },
    entities: [{ kind: 'host', value: 'h1' }],
    explanation: [],
  };
}

/** A checkpoint that is whole and well formed but for the version that its folds' state says it has. */
function checkpointOfVersion(version: number): Uint8Array {
  const states = Buffer.from(createFoldSet(book.compiledFor('acme')).encode());
  const at = states.indexOf('"version":') + '"version":'.length;
  states[at] = String(version).charCodeAt(0);
  return withStates(states);
}

/** A checkpoint that is whole, with states that nobody reads. */
function foreignStates(): Uint8Array {
  return withStates(Buffer.from('states of another kind'));
}

function withStates(states: Buffer): Uint8Array {
  const head = Buffer.from(JSON.stringify({ position: 'p', ruleSet: book.hash, read: {}, folds: [['', states.length]] }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.length);
  return Buffer.concat([length, head, states]);
}

let steps = 0;
async function storeStep(bus: CompleteBus, rules: RuleBook, matches: readonly Match[], over: Partial<MatchStep> = {}): Promise<void> {
  steps += 1;
  const newest = matches.at(-1)?.timeMs;
  const step: MatchStep = {
    partition: 0,
    epoch: 'E',
    read: {},
    watermarks: newest === undefined ? {} : { 'acme/edr': newest },
    ruleSet: rules.hash,
    judged: matches.length,
    duplicates: 0,
    matches,
    ...over,
  };
  await bus.commit([{ subject: matchesSubject(0), id: `s${steps}`, body: Buffer.from(JSON.stringify(step)) }]);
}

function start(bus: CompleteBus, troubles: string[] = []): ReturnType<typeof running> & { readUpTo: ReadUpTo; waits: unknown[] } {
  const readUpTo = new ReadUpTo(2, (asked) => firstFrame(bus, asked));
  const waits: unknown[] = [];
  const run = running((signal) =>
    runCorrelator({
      bus,
      manifests: bus.bucket(MANIFESTS_BUCKET),
      ruleSets: bus.bucket(RULE_SETS_BUCKET),
      setAside: bus.bucket(SET_ASIDE_BUCKET),
      drop: createDrop({ bus, clock: systemClock, onTrouble: () => undefined, giveUp: new AbortController().signal }),
      folding: { detectors: [], suspects: [] },
      logSources,
      clock: systemClock,
      readUpTo,
      onTrouble: (error) => troubles.push(String(error)),
      onWaiting: (why) => waits.push(why),
      signal,
      giveUp: new AbortController().signal,
    }),
  );
  return { ...run, readUpTo, waits };
}

/** Newest state of each alert, without what tells one run from another. */
async function outcome(bus: CompleteBus): Promise<Record<string, unknown>> {
  const newest = new Map<string, Alert>();
  for (const alert of await readAlerts(bus)) newest.set(alert.id, alert);
  return Object.fromEntries(
    [...newest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, { rule, ...rest }]) => [id, { ...rest, ruleId: rule.id }]),
  );
}

describe('correlator', () => {
  it('gives the same alerts whether it runs through or is stopped and restored after every step', async () => {
    const plan = Array.from({ length: 20 }, (_, i) => [
      match(i, i % 4 === 0 ? 'plain' : 'hit'),
      ...(i % 5 === 0 ? [match(100 + i, 'plain')] : []),
    ]);
    const one = await openGround();
    const two = await openGround();
    for (const { bus } of [one, two]) await book.save(bus.bucket(RULE_SETS_BUCKET));
    for (const matches of plan) await storeStep(one.bus, book, matches);
    const through = start(one.bus);
    await until(async () => (await readAlerts(one.bus)).some((alert) => alert.lastMs === BASE + 115_000));
    await through.stop();
    for (const matches of plan) {
      await storeStep(two.bus, book, matches);
      const piece = start(two.bus);
      await piece.stop();
    }
    const rest = start(two.bus);
    const wanted = await outcome(one.bus);
    await until(async () => JSON.stringify(await outcome(two.bus)) === JSON.stringify(wanted));
    await rest.stop();
    expect(Object.values(wanted).map((alert) => (alert as Alert).count)).toContain(9);
  });

  it('writes nothing a second time when a run without its checkpoint is replayed', async () => {
    const { bus } = await openGround();
    await book.save(bus.bucket(RULE_SETS_BUCKET));
    for (let i = 0; i < 10; i++) await storeStep(bus, book, [match(i, 'plain'), match(i)]);
    const first = start(bus);
    await until(
      async () =>
        Object.keys(await outcome(bus)).length === 2 &&
        (await readAlerts(bus)).some((alert) => alert.count === 10 && alert.rule.id === 'many'),
    );
    await first.stop();
    const before = await readAlerts(bus);
    const manifests = bus.bucket(MANIFESTS_BUCKET);
    for (const key of await manifests.keys()) await manifests.delete(key, (await manifests.get(key))?.revision ?? 0);
    await storeStep(bus, book, [match(11, 'plain')]);
    const second = start(bus);
    await until(async () => (await readAlerts(bus)).length > before.length);
    await second.stop();
    expect((await readAlerts(bus)).slice(before.length).map((alert) => [alert.rule.id, alert.count])).toEqual([['plain', 11]]);
  });

  it.each([
    ['a damaged checkpoint', new Uint8Array([1, 2, 3])],
    ['a checkpoint whose states are none', foreignStates()],
    ['a checkpoint of another version', checkpointOfVersion(2)],
  ])('applies the log from its beginning for want of anything better than %s', async (_what, bytes) => {
    const { bus } = await openGround();
    await book.save(bus.bucket(RULE_SETS_BUCKET));
    for (let i = 0; i < 3; i++) await storeStep(bus, book, [match(i)]);
    await putChunked(bus.bucket(MANIFESTS_BUCKET), 'folds', bytes);
    const troubles: string[] = [];
    const run = start(bus, troubles);
    await until(async () => (await readAlerts(bus)).some((alert) => alert.rule.id === 'many' && alert.count === 3));
    await run.stop();
    expect(troubles).toHaveLength(1);
    expect(troubles[0]).toMatch(/saved fold state cannot be read/);
  });

  it('carries its state over to another rule set in mid-window', async () => {
    const { bus } = await openGround();
    const more = bookOf(ruleFile('hit', 'hit'), counting, ruleFile('new', 'new'));
    for (const rules of [book, more]) await rules.save(bus.bucket(RULE_SETS_BUCKET));
    await storeStep(bus, book, [match(1), match(2)]);
    await storeStep(bus, more, [match(3)]);
    const correlator = start(bus);
    await until(async () => (await readAlerts(bus)).length > 0);
    await correlator.stop();
    expect((await readAlerts(bus)).map((alert) => [alert.rule.id, alert.count, alert.rule.ruleSet])).toEqual([['many', 3, more.hash]]);
  });

  it("carries a tenant's window over when it gets its first rule of its own", async () => {
    const { bus } = await openGround();
    const own = bookOf(ruleFile('hit', 'hit'), counting, { ...ruleFile('own', 'own'), tenant: 'acme' });
    for (const rules of [book, own]) await rules.save(bus.bucket(RULE_SETS_BUCKET));
    await storeStep(bus, book, [match(1), match(2), match(1, 'hit', 'globex')], { watermarks: { 'acme/edr': BASE, 'globex/edr': BASE } });
    await storeStep(bus, own, [match(3), match(2, 'hit', 'globex'), match(3, 'hit', 'globex')], {
      watermarks: { 'acme/edr': BASE + 3000, 'globex/edr': BASE + 3000 },
    });
    const correlator = start(bus);
    await until(async () => Object.keys(await outcome(bus)).length === 2);
    await correlator.stop();
    expect((await readAlerts(bus)).map((alert) => [alert.tenant, alert.count] as const).sort(([a], [b]) => a.localeCompare(b))).toEqual([
      ['acme', 3],
      ['globex', 3],
    ]);
  });

  it('waits before steps whose rule set is gone, says which, and goes on when it is back', async () => {
    const { bus } = await openGround();
    await storeStep(bus, book, [match(1, 'plain')]);
    const correlator = start(bus);
    await until(() => correlator.waits.length > 0);
    expect(correlator.waits[0]).toMatchObject({ code: 'store.rule_set_missing', message: expect.stringContaining(book.hash) as string });
    expect(await readAlerts(bus)).toEqual([]);
    await book.save(bus.bucket(RULE_SETS_BUCKET));
    await until(async () => (await readAlerts(bus)).length === 1);
    expect(correlator.waits.at(-1)).toBeUndefined();
    await correlator.stop();
  });

  it('can be stopped while it waits for a rule set', async () => {
    const { bus } = await openGround();
    await storeStep(bus, book, [match(1, 'plain')]);
    const correlator = start(bus);
    await until(() => correlator.waits.length > 0);
    await expect(correlator.stop()).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('knows what is settled after a restart without new steps', async () => {
    const { bus } = await openGround();
    await book.save(bus.bucket(RULE_SETS_BUCKET));
    await bus.commit([{ subject: 'tocsin.events.live.0.acme', id: 'x', body: Buffer.from('x') }]);
    const { last } = await bus.info('tocsin.events.live.>');
    if (!last) throw new Error('nothing stored');
    await storeStep(bus, book, [match(1, 'plain')], { read: { live: last } });
    const first = start(bus);
    expect(await first.readUpTo.reached('live', last, 5000)).toBe(true);
    await first.stop();
    const second = start(bus);
    expect(await second.readUpTo.reached('live', last, 5000)).toBe(true);
    // A partition that holds nothing new is settled as it is; one that does is not.
    await bus.commit([{ subject: 'tocsin.events.live.1.acme', id: 'y', body: Buffer.from('y') }]);
    const { last: newest = last } = await bus.info('tocsin.events.live.>');
    expect(await second.readUpTo.reached('live', newest, 20)).toBe(false);
    const waiting = second.readUpTo.reached('live', newest, 5000);
    await storeStep(bus, book, [], { read: { live: newest }, partition: 1, order: 1 });
    expect(await waiting).toBe(true);
    await second.stop();
  });

  it('outlives an outage of the bus', async () => {
    const { bus, server } = await openGround({ answerTimeoutMs: 20 });
    await book.save(bus.bucket(RULE_SETS_BUCKET));
    const troubles: string[] = [];
    const correlator = start(bus, troubles);
    await storeStep(bus, book, [match(1, 'plain')]);
    await until(async () => (await readAlerts(bus)).length === 1);
    server.stop({ kill: false });
    server.start();
    await storeStep(bus, book, [match(2, 'plain')]);
    await until(async () => (await readAlerts(bus)).length === 2);
    await correlator.stop();
  });
});
