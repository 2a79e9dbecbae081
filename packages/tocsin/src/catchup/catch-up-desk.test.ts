/** How catch-ups end: by what their own thread does, never by what others are busy with; and always with a word on AUDIT. */
import type { Position } from '@tocsin/core';
import { systemClock, TocsinError } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { openGround, until } from '../../test/ground.ts';
import { type AuditRecord, createAuditTrail } from '../security/audit-trail.ts';
import { matchesSubject } from '../subjects.ts';
import { CATCH_UP_BUCKET } from '../topology.ts';
import { CatchUpDesk, type CatchUpDeskOptions, type NewCatchUp } from './catch-up-desk.ts';
import { type KeptJob, putJob } from './catch-up-job.ts';

const wanted: NewCatchUp = {
  tenant: 'acme',
  actor: 'ann',
  rules: ['hit'],
  targets: [],
  ruleSet: 'r',
  order: 1,
  otherVersions: false,
  startMs: 0,
  marks: [],
  events: 0,
};
const down = (duty: string) => new TocsinError('api.duty_down', { duty });

/** A desk whose thread, folds and projections do as they are told; whoever waits for them sees a minute pass with each look. */
async function bench() {
  const { bus } = await openGround();
  const [note] = await bus.commit([{ subject: matchesSubject(0), id: 'note', body: Buffer.from('{}') }]);
  const at = { detect: [] as Error[], thread: [] as Error[], isFolded: true, runs: 0, troubles: [] as unknown[] };
  let nowMs = 0;
  const bucket = bus.bucket(CATCH_UP_BUCKET);
  const options: CatchUpDeskOptions = {
    bus,
    trail: createAuditTrail(bus),
    detect: {
      foldedTo: async (): Promise<Position | undefined> => {
        nowMs += 60_000;
        const failure = at.detect.shift();
        if (failure !== undefined) throw failure;
        return at.isFolded ? note?.position : undefined;
      },
    } as CatchUpDeskOptions['detect'],
    store: { coverageReached: async () => true, alertsReached: async () => true } as unknown as CatchUpDeskOptions['store'],
    startThread: async () => ({
      client: {
        run: async ({ job, at: revision }: KeptJob) => {
          at.runs += 1;
          const failure = at.thread.shift();
          if (failure !== undefined) throw failure;
          return await putJob(bucket, { job: { ...job, state: 'folded', doneAt: note?.position }, at: revision });
        },
      },
      [Symbol.asyncDispose]: async () => undefined,
    }),
    leaseMs: 0,
    againAfterMs: 1,
    clock: { ...systemClock, monotonicMs: () => nowMs },
    nextId: () => 'J',
    onTrouble: (error) => void at.troubles.push(error),
  };
  const desk = new CatchUpDesk(options);
  const state = async () => (await desk.list('acme'))[0]?.state;
  const outcomes = async (): Promise<AuditRecord[]> => {
    const records: AuditRecord[] = [];
    for await (const stored of bus.read('tocsin.audit.>', 'first'))
      records.push(JSON.parse(Buffer.from(stored.body).toString()) as AuditRecord);
    return records;
  };
  return { desk, at, state, outcomes };
}

describe('CatchUpDesk', () => {
  it('waits for folds that are being started again, however often', async () => {
    const { desk, at, state, outcomes } = await bench();
    at.detect = Array.from({ length: 5 }, () => down('detect'));
    await desk.add(wanted);
    await until(async () => (await state()) === 'done');
    expect(at.runs).toBe(1);
    expect(await outcomes()).toMatchObject([{ id: 'J', phase: 'outcome', result: 'done' }]);
    await desk[Symbol.asyncDispose]();
  });

  it('does not take folds for there that have not come', async () => {
    const { desk, at, state } = await bench();
    at.isFolded = false;
    await desk.add(wanted);
    await until(() => at.troubles.length >= 2);
    expect(at.troubles[0]).toMatchObject({ code: 'catchup.not_folded' });
    expect(await state()).toBe('folded');
    at.isFolded = true;
    await until(async () => (await state()) === 'done');
    await desk[Symbol.asyncDispose]();
  });

  it('gives up what ends its thread again and again, and says so on AUDIT', async () => {
    const { desk, at, state, outcomes } = await bench();
    at.thread = Array.from({ length: 3 }, () => down('catch-up'));
    await desk.add(wanted);
    await until(async () => (await state()) === 'failed');
    expect(at.runs).toBe(3);
    expect(await outcomes()).toMatchObject([
      { id: 'J', phase: 'outcome', resource: 'catch-up/J', result: expect.stringContaining('api.duty_down') },
    ]);
    await desk[Symbol.asyncDispose]();
  });
});
