/** A drop folder: the contract of listeners, and what is its own: once per content, moved whole, gone on with in the middle. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { readSettings } from '@tocsin/core/setting';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ContractIntake, eventually } from '../contract/contract-intake.ts';
import { listenerCases, runListenerCase } from '../contract/listener-cases.ts';
import { CONTRACT_RECORD_BYTES, CONTRACT_SOURCE, type ListenerDriver } from '../contract/listener-driver.ts';
import type { Listener } from '../listener.ts';
import { dropKind } from './drop-listener.ts';
import { dropSettings } from './drop-settings.ts';

const settingsFor = (path: string, more: object = {}) =>
  readSettings(dropSettings, { path, source: CONTRACT_SOURCE, settleAfter: '0ms', pollEvery: '50ms', ...more }, { file: 'test' });

/** Clients put files in by renaming; a stranger's is a link, which is not followed. */
const driver: ListenerDriver = {
  name: 'drop',
  acknowledges: false,
  mayDrop: false,
  keepsIds: true,
  async open(context) {
    const folder = mkdtempSync(join(tmpdir(), 'tocsin-drop-contract-'));
    const listener = await dropKind.open(settingsFor(folder, { maxRecordBytes: CONTRACT_RECORD_BYTES }), context);
    let files = 0;
    return {
      listener,
      async connect(as) {
        const put = (bytes: Uint8Array | string): void => {
          const name = `f${files++}`;
          writeFileSync(join(folder, `${name}.tmp`), bytes);
          if (as === 'known') renameSync(join(folder, `${name}.tmp`), join(folder, `${name}.log`));
          else symlinkSync(join(folder, `${name}.tmp`), join(folder, `${name}.log`));
        };
        return {
          async send(texts) {
            put(texts.map((text) => `line |${text}\n`).join(''));
            return 'written';
          },
          sendGarbage: async () => put(Buffer.from([0, 255, 254, 10, 13, 10, 0xc3, 10])),
          [Symbol.asyncDispose]: async () => undefined,
        };
      },
      async [Symbol.asyncDispose]() {
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
};

describe('drop', () => {
  test.each(listenerCases.map((each) => [each.name, each] as const))('%s', (_name, each) => runListenerCase(each, driver));
});

describe('a drop folder', () => {
  let folder = '';
  let state = '';
  let intake: ContractIntake;
  let listener: Listener | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tocsin-drop-'));
    state = mkdtempSync(join(tmpdir(), 'tocsin-drop-state-'));
    intake = new ContractIntake();
  });
  afterEach(async () => {
    await listener?.[Symbol.asyncDispose]();
    for (const each of [folder, state]) rmSync(each, { recursive: true, force: true });
  });

  const open = async (more: object = {}): Promise<void> => {
    listener = await dropKind.open(settingsFor(folder, more), intake.context(state));
  };
  const put = (name: string, bytes: Uint8Array | string): void => {
    writeFileSync(join(folder, `.${name}`), bytes);
    renameSync(join(folder, `.${name}`), join(folder, name));
  };
  const lines = (count: number, word = 'line'): string => Array.from({ length: count }, (_, i) => `<13>${word} ${i}\n`).join('');
  const list = (name: string): string[] => readdirSync(join(folder, name)).sort();
  const until = (condition: () => boolean): Promise<void> =>
    eventually(condition, () => `${JSON.stringify([list('done'), list('rejected'), intake.stored.length])} ${intake.troubles.join('\n')}`);

  test('plain, gzip and zstd files are taken once each, whatever they are called', async () => {
    put('a.log', lines(3000, 'a'));
    put('b', gzipSync(lines(10, 'b')));
    put('c.txt', zstdCompressSync(Buffer.from(lines(10, 'c'))));
    await open();
    await until(() => list('done').length === 3);
    expect(intake.stored.length).toBe(3020);
    put('again.log', lines(3000, 'a'));
    put('a.log', lines(5, 'd'));
    await until(() => list('done').length === 5);
    expect(intake.stored.length).toBe(3025);
    expect(list('done').filter((name) => /^a-[0-9a-f]{12}\.log$/.test(name)).length).toBe(1);
  });

  test('a file that breaks off lies in rejected, with why, and what was read of it is stored', async () => {
    const packed = gzipSync(lines(50_000));
    put('cut.gz', packed.subarray(0, packed.length - 100));
    put('damaged.gz', Buffer.concat([packed.subarray(0, 20), Buffer.alloc(500, 7)]));
    put('bad.log', `${'REJECT-ME\n'.repeat(3)}`);
    put('some.log', 'good\nREJECT-ME\n');
    await open();
    await until(() => list('rejected').length === 6 && list('done').length === 2);
    const why = (name: string): string => readFileSync(join(folder, name), 'utf8');
    expect(why('rejected/cut.gz.reason')).toMatch(/^it is cut off; \d+ records were read before/);
    expect(why('rejected/damaged.gz.reason')).toMatch(/^it cannot be unpacked/);
    expect(why('rejected/bad.log.reason').split('\n')[2]).toBe('record 3: decode.bad_line: it says so');
    expect(why('done/some.log.reason')).toBe('record 2: decode.bad_line: it says so\n');
    expect(intake.counts.refused.get('listener.file_rejected')).toBe(3);
    // Put in again it is read again: nobody may find it in `done` who has not been told why.
    renameSync(join(folder, 'rejected/bad.log'), join(folder, 'bad.log'));
    await until(() => list('rejected').includes('bad.log'));
  });

  test('why a file was rejected is said in whole sentences', async () => {
    put('long.log', 'x'.repeat(2 * 1024 * 1024));
    await open();
    await until(() => intake.troubles.some((trouble) => trouble.includes('Send smaller records. What was read before is stored')));
  });

  test('stopped in the middle it goes on there, and says nothing twice', async () => {
    put('big.log', lines(20_000));
    await open();
    await until(() => intake.stored.length >= 4000);
    intake.block();
    await listener?.[Symbol.asyncDispose]();
    expect(list('done')).toEqual([]);
    const before = intake.emits;
    intake.release();
    await open();
    await until(() => list('done').length === 1);
    expect(new Set(intake.stored).size).toBe(20_000);
    expect(intake.stored.length).toBe(20_000);
    expect(intake.emits - before).toBeLessThanOrEqual(9);
  });

  test('what is not whole, not a file, or not to be read stays where it is', async () => {
    mkdirSync(join(folder, 'sub'));
    symlinkSync('/etc/hostname', join(folder, 'link.log'));
    writeFileSync(join(folder, 'x.part'), 'half\n');
    await open({ settleAfter: '400ms' });
    writeFileSync(join(folder, 'growing.log'), 'one\n');
    for (let i = 0; i < 6; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      appendFileSync(join(folder, 'growing.log'), `more ${i}\n`);
    }
    expect(intake.stored).toEqual([]);
    await until(() => list('done').length === 1);
    expect(intake.stored.length).toBe(7);
    expect([existsSync(join(folder, 'link.log')), existsSync(join(folder, 'x.part')), existsSync(join(folder, 'sub'))]).toEqual([
      true,
      true,
      true,
    ]);
    expect(intake.counts.refused.get('listener.file_refused')).toBe(1);
  });

  test('a file that is written to while it is taken is left, and read anew to its last line', async () => {
    put('slow.log', lines(10, 'early'));
    intake.block();
    await open();
    await until(() => intake.heldBytes > 0);
    appendFileSync(join(folder, 'slow.log'), lines(10, 'late'));
    intake.release();
    await until(() => list('done').length === 1);
    expect(intake.stored.filter((line) => line.includes('late')).length).toBe(10);
    expect(readFileSync(join(folder, 'done/slow.log'), 'utf8')).toBe(`${lines(10, 'early')}${lines(10, 'late')}`);
    expect(intake.counts.refused.get('listener.file_refused')).toBe(1);
    expect(intake.troubles.join()).toMatch(/slow\.log.*written to while it was read/);
  });

  test('what unpacks beyond all bounds is rejected there', async () => {
    put('bomb.gz', gzipSync(Buffer.alloc(8 << 20, `${'x'.repeat(999)}\n`)));
    await open({ maxPlainBytes: '1MiB' });
    await until(() => list('rejected').length === 2);
    expect(readFileSync(join(folder, 'rejected/bomb.gz.reason'), 'utf8')).toMatch(/larger than 1048576 bytes/);
  });
});
