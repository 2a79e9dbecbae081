/** What every listener must do, whatever its protocol. A case gets a fresh listener; `runListenerCase` opens and closes it. */
import { strict as assert } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ContractIntake, eventually, REJECTED } from './contract-intake.ts';
import {
  CONTRACT_RECORD_BYTES,
  type ListenerClient,
  type ListenerDriver,
  type ListenerUnderTest,
  type SendOutcome,
} from './listener-driver.ts';

/** What a case works with. */
export interface ListenerKit {
  readonly driver: ListenerDriver;
  readonly door: ListenerUnderTest;
  readonly intake: ContractIntake;
  /** Closes the listener; once. */
  readonly close: () => Promise<void>;
}

/** One thing that every listener must do. */
export interface ListenerCase {
  readonly name: string;
  run(kit: ListenerKit): Promise<void>;
}

/** Runs a case against a fresh listener and closes everything. Rejects where the listener does not hold. */
export async function runListenerCase(each: ListenerCase, driver: ListenerDriver): Promise<void> {
  const stateDir = await mkdtemp(join(tmpdir(), 'tocsin-listener-'));
  const intake = new ContractIntake();
  try {
    await using door = await driver.open(intake.context(stateDir));
    let closed: Promise<void> | undefined;
    const close = (): Promise<void> => (closed ??= Promise.resolve(door.listener[Symbol.asyncDispose]()));
    try {
      await each.run({ driver, door, intake, close });
    } finally {
      intake.release();
      await close();
    }
  } catch (cause) {
    const { counts, stored, troubles } = intake;
    const seen = {
      counts: { ...counts, rejected: [...counts.rejected], refused: [...counts.refused] },
      stored: stored.length,
      troubles: troubles.slice(0, 5),
    };
    throw new Error(`${driver.name}, ${each.name}: ${String(cause)}\n${JSON.stringify(seen)}`, { cause });
  } finally {
    await rm(stateDir, { recursive: true, force: true });
  }
}

/** Every case. */
export const listenerCases: readonly ListenerCase[] = [
  {
    name: 'records arrive once, in order, byte for byte, and are counted',
    async run({ driver, door, intake }) {
      await using client = await door.connect('known');
      const texts = numbered('plain', 200);
      for (const part of chunksOf(texts, 50)) assert.equal(await client.send(part), expectedOf(driver));
      await eventually(
        () => intake.stored.length >= texts.length,
        () => `${intake.stored.length} of ${texts.length} stored`,
      );
      assert.deepEqual(intake.stored.map(textIn), texts);
      await eventually(
        () => intake.counts.stored === texts.length,
        () => 'every record counted as stored',
      );
      assert.equal(intake.counts.records, texts.length);
      assert.ok(intake.counts.bytes > 0);
    },
  },
  {
    name: 'nothing is acknowledged before it is durable',
    async run({ driver, door, intake }) {
      await using client = await door.connect('known');
      intake.block();
      let outcome: SendOutcome | undefined;
      const sent = client.send(['early']).then((one) => (outcome = one));
      await eventually(
        () => intake.heldBytes > 0,
        () => 'the record given to the intake',
      );
      await delay(50);
      if (driver.acknowledges) assert.equal(outcome, undefined, 'it was answered before it was stored');
      intake.release();
      assert.equal(await sent, expectedOf(driver));
      await eventually(
        () => intake.stored.length === 1,
        () => 'the record stored',
      );
    },
  },
  {
    name: 'while nothing can be stored, reading stops at a bound; afterwards everything that was taken arrives',
    async run({ driver, door, intake }) {
      await using client = await door.connect('known');
      intake.block();
      const texts = numbered('flood', 4000).map((text) => text.padEnd(8000, 'x'));
      const sending = sendAll(client, chunksOf(texts, 20), driver);
      let before = -1;
      await eventually(
        () => intake.heldBytes > 0,
        () => 'anything at all given to the intake',
      );
      // Until no more comes in: 32 MB are on offer.
      while (intake.counts.bytes !== before) {
        before = intake.counts.bytes;
        await delay(300);
      }
      assert.ok(intake.heldBytes <= 12 << 20, `${intake.heldBytes} bytes are held by the intake`);
      if (!driver.mayDrop) assert.ok(before <= 12 << 20, `${before} bytes were read while nothing could be stored`);
      intake.release();
      const offered = await sending;
      const settled = (): number => intake.stored.length + sumOf(intake.counts.refused);
      if (driver.mayDrop)
        await eventually(
          () => settled() >= offered.length,
          () => `${settled()} of ${offered.length} stored or counted as lost`,
        );
      else
        await eventually(
          () => intake.stored.length >= offered.length,
          () => `${intake.stored.length} of ${offered.length} stored`,
        );
      if (!driver.mayDrop) assert.deepEqual(intake.stored.map(textIn), offered);
    },
  },
  {
    name: 'a rejected record is counted by reason and does not hold up the others',
    async run({ door, intake }) {
      await using client = await door.connect('known');
      const texts = numbered('mixed', 60).map((text, i) => (i % 20 === 7 ? `${text} ${REJECTED}` : text));
      await client.send(texts);
      await eventually(
        () => intake.counts.stored === 57,
        () => `57 stored, not ${intake.counts.stored}`,
      );
      await eventually(
        () => sumOf(intake.counts.rejected) === 3,
        () => '3 rejected',
      );
      assert.equal(intake.counts.records, 60);
    },
  },
  {
    name: 'a client without the right is refused, counted, and stores nothing',
    async run({ door, intake }) {
      await using client = await door.connect('stranger');
      const outcome = await client.send(['canary-5b1f']).catch(() => 'refused' as const);
      assert.notEqual(outcome, 'acknowledged');
      await eventually(
        () => sumOf(intake.counts.refused) > 0,
        () => 'the refusal counted',
      );
      await using good = await door.connect('known');
      await good.send(['after the stranger']);
      await eventually(
        () => intake.stored.length > 0,
        () => 'the next record stored',
      );
      assert.deepEqual(intake.stored.map(textIn), ['after the stranger']);
    },
  },
  {
    name: 'a record that is too long is rejected and counted, the next one is read',
    async run({ door, intake }) {
      await using client = await door.connect('known');
      await client.send([`long ${'x'.repeat(2 * CONTRACT_RECORD_BYTES)}`]).catch(() => 'refused');
      await eventually(
        () => sumOf(intake.counts.rejected) + sumOf(intake.counts.refused) > 0,
        () => 'the long record counted',
      );
      await using next = await door.connect('known');
      await next.send(['after the long one']);
      await eventually(
        () => intake.stored.length > 0,
        () => 'the next record stored',
      );
      assert.deepEqual(intake.stored.map(textIn), ['after the long one']);
    },
  },
  {
    name: 'garbage harms nobody: the next good record is stored',
    async run({ door, intake }) {
      await using bad = await door.connect('known');
      await bad.sendGarbage();
      await using client = await door.connect('known');
      await client.send(['after the garbage']);
      await eventually(
        () => intake.stored.map(textIn).includes('after the garbage'),
        () => 'the good record stored',
      );
    },
  },
  {
    name: 'an answer that is lost is made good by giving the same records again',
    async run({ driver, door, intake }) {
      await using client = await door.connect('known');
      intake.loseAnswers(2);
      const texts = numbered('again', 10);
      let outcome = await client.send(texts);
      for (let round = 0; outcome === 'refused' && round < 5; round++) {
        await using another = await door.connect('known');
        outcome = await another.send(texts);
      }
      assert.equal(outcome, expectedOf(driver));
      await eventually(
        () => intake.stored.length >= 10 && intake.emits >= 3,
        () => `10 stored after being given 3 times, not ${intake.stored.length} after ${intake.emits}`,
      );
      if (driver.keepsIds) assert.deepEqual(intake.stored.map(textIn), texts);
    },
  },
  {
    name: 'closing while nothing can be stored ends within 10 seconds, acknowledges nothing and says what was left',
    async run({ driver, door, intake, close }) {
      const client = await door.connect('known');
      intake.block();
      const sent = client.send(['left behind']).catch(() => 'refused' as const);
      await eventually(
        () => intake.heldBytes > 0,
        () => 'the record given to the intake',
      );
      const started = performance.now();
      await close();
      assert.ok(performance.now() - started < 10_000, 'closing took too long');
      if (driver.acknowledges) assert.notEqual(await Promise.race([sent, delay(100, 'refused')]), 'acknowledged');
      assert.equal(intake.stored.length, 0);
      if (driver.spools === true) assert.equal(intake.counts.waiting, 1);
      else assert.equal(sumOf(intake.counts.refused), 1);
      await client[Symbol.asyncDispose]();
    },
  },
  {
    name: 'connections that have gone are not counted any more',
    async run({ door, intake }) {
      const clients = await Promise.all(Array.from({ length: 8 }, () => door.connect('known')));
      for (const [i, client] of clients.entries()) await client.send([`here ${i}`]);
      for (const client of clients) await client[Symbol.asyncDispose]();
      await eventually(
        () => intake.counts.connections === 0 && intake.stored.length === 8,
        () => `0 connections, not ${intake.counts.connections}`,
      );
    },
  },
];

function expectedOf(driver: ListenerDriver): SendOutcome {
  return driver.acknowledges ? 'acknowledged' : 'written';
}

async function sendAll(client: ListenerClient, batches: readonly (readonly string[])[], driver: ListenerDriver): Promise<string[]> {
  const taken: string[] = [];
  for (const batch of batches) {
    const outcome = await client.send(batch);
    if (outcome === 'refused') continue;
    assert.equal(outcome, expectedOf(driver));
    taken.push(...batch);
  }
  return taken;
}

function numbered(word: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${word} ${i};`);
}

function chunksOf<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}

/** The text a client sent, out of the record that a protocol made of it: after the last `|`, which drivers put before it. */
function textIn(record: string): string {
  const bar = record.lastIndexOf('|');
  // JSON records carry it as the value of a member.
  return bar < 0 ? record : record.slice(bar + 1).replace(/"?\}*$/, '');
}

function sumOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
