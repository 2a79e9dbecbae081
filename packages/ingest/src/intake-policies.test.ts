/** The intake with a source's policies: what is stored, under which id, what is kept aside, and what is told of it. */
import { type EventPosition, type FrameRecord, type Position, Secret } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { stillClock } from '../test/framer-fixture.ts';
import { SourceActivity } from './activity/source-activity.ts';
import { createIntake } from './intake.ts';
import { loadMappings } from './mappings/mapping-set.ts';
import { readShippedMappings } from './mappings/shipped-mappings.ts';
import type { PrivacyPolicy } from './privacy/privacy-policy.ts';
import { compilePrivacy } from './privacy/record-privacy.ts';
import { createSchemaCheck } from './schemas/schema-check.ts';
import type { QuarantinedRecord, RawRecord, Source } from './source.ts';

const mappings = loadMappings(readShippedMappings());
const key = new Secret('a key of the tests, long enough');
const plain: Source = { tenant: 'acme', name: 'app', format: 'auto', lane: 'live', shard: '' };
const withPolicy = (policy: PrivacyPolicy): Source => ({
  ...plain,
  privacy: compilePrivacy(policy, { tenant: 'acme', source: 'app', key }),
});
const raw = (value: object): RawRecord => ({ bytes: Buffer.from(JSON.stringify(value)) });

function openBench() {
  const events: FrameRecord[] = [];
  const aside: QuarantinedRecord[] = [];
  const bench = { events, aside, fails: false };
  const activity = new SourceActivity(stillClock);
  let ids = 0;
  const intake = createIntake({
    mappings,
    framer: {
      add: async (_key, records) => {
        events.push(...records);
        return records.map((_record, index): EventPosition => ({ position: `p${events.length}` as Position, index }));
      },
    },
    clock: stillClock,
    nextId: () => `ulid-${ids++}`,
    activity,
    check: createSchemaCheck(mappings.specs),
    quarantine: async (_source, records) => {
      if (bench.fails) throw new Error('the bus is away');
      aside.push(...records);
    },
  });
  return Object.assign(bench, { intake, activity });
}

const okta = {
  uuid: 'secret-id',
  published: '2024-01-01T00:00:00Z',
  eventType: 'user.session.start',
  actor: { alternateId: 'ann@acme.example' },
  outcome: { result: 'FAILURE' },
};

describe('a source with a policy', () => {
  it('has its records stored without what is concealed, columns included', async () => {
    const bench = openBench();
    await bench.intake.emit(withPolicy({ fields: [{ field: 'alternateId', act: 'tokenise' }] }), [raw(okta)]);
    const [event] = bench.events;
    expect(event?.attributes['actor.user.name']).toMatch(/^tok_[0-9a-f]{32}$/);
    expect(Buffer.from(event?.record ?? '').toString()).not.toContain('ann@');
    expect(event).toMatchObject({ id: 'secret-id', mapping: 'okta.login' });
  });

  it('keeps ids apart that are masked, and knows a resend by them', async () => {
    const bench = openBench();
    const source = withPolicy({ fields: [{ field: 'uuid', act: 'mask' }] });
    await bench.intake.emit(source, [raw(okta), raw({ ...okta, uuid: 'other-id' })]);
    expect(new Set(bench.events.map(({ id }) => id)).size).toBe(2);
    for (const { id, producerId } of bench.events) {
      expect(id).toMatch(/^[0-9a-f]{32}$/);
      expect(producerId).toBe(true);
    }
    expect(await bench.intake.emit(source, [raw(okta)])).toMatchObject([{ status: 'duplicate' }]);
  });

  it('flags secrets, and finds none where there is no policy', async () => {
    const bench = openBench();
    const record = { message: 'x', cmd: 'app --password hunter22' };
    await bench.intake.emit(withPolicy({ secrets: 'mask' }), [raw(record)]);
    await bench.intake.emit(plain, [raw(record)]);
    expect(bench.events.map(({ flags }) => flags.includes('secret_found'))).toEqual([true, false]);
    expect(Buffer.from(bench.events[0]?.record ?? '').toString()).toContain('***password***');
    expect(Buffer.from(bench.events[1]?.record ?? '').toString()).toContain('hunter22');
  });

  it('masks in what came beside a record', async () => {
    const bench = openBench();
    const token = `ghp_${'a'.repeat(36)}`;
    await bench.intake.emit(withPolicy({ secrets: 'mask' }), [
      { ...raw({ message: 'x' }), envelope: { id: token, subject: `of ${token}` } },
    ]);
    expect(JSON.stringify(bench.events)).not.toContain(token);
    expect(bench.events[0]?.subject).toBe('of ***github_token***');
  });

  it('leaves records out and counts by which rule', async () => {
    const bench = openBench();
    const source = withPolicy({ drop: [{ name: 'noise', when: { eventType: 'user.*' } }] });
    expect(await bench.intake.emit(source, [raw(okta), raw({ message: 'x' })])).toMatchObject([
      { status: 'dropped', rule: 'noise' },
      { status: 'stored' },
    ]);
    expect(bench.activity.facts('acme')[0]).toMatchObject({ dropped: 1, droppedBy: { noise: 1 }, stored: 1 });
  });
});

describe('a source whose schemas are checked', () => {
  const misfit = { ...okta, actor: { alternateId: { not: 'text' } } };

  it('has misfits flagged with warn', async () => {
    const bench = openBench();
    const results = await bench.intake.emit({ ...plain, schemas: 'warn' }, [raw(misfit), raw({ ...okta, uuid: 'b' })]);
    expect(results).toMatchObject([{ status: 'stored' }, { status: 'stored' }]);
    expect(bench.events.map(({ flags }) => flags.includes('schema_invalid'))).toEqual([true, false]);
    expect(bench.activity.facts('acme')[0]).toMatchObject({ misfits: 1 });
  });

  it('has misfits kept aside with enforce, before anything is answered', async () => {
    const bench = openBench();
    const results = await bench.intake.emit({ ...plain, schemas: 'enforce' }, [raw(misfit), raw({ ...okta, uuid: 'b' })]);
    expect(results).toMatchObject([{ status: 'quarantined', id: 'secret-id' }, { status: 'stored' }]);
    expect(bench.events.map(({ id }) => id)).toEqual(['b']);
    expect(bench.aside).toMatchObject([
      { event: { id: 'secret-id' }, reason: 'the field actor.alternateId is not of a type that it may have' },
    ]);
  });

  it('answers nothing as kept that could not be kept', async () => {
    const bench = openBench();
    bench.fails = true;
    await expect(bench.intake.emit({ ...plain, schemas: 'enforce' }, [raw(misfit)])).rejects.toThrow('the bus is away');
    bench.fails = false;
    expect(await bench.intake.emit({ ...plain, schemas: 'enforce' }, [raw(misfit)])).toMatchObject([{ status: 'quarantined' }]);
  });
});
