/** No room on a small file system (root only): refused with 503, nothing acknowledged lost, recovery by itself. The streams' own limits are in `tests/e2e/flow.test.ts`. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readInstallation } from './independent-reader.ts';
import { type Installation, openInstallation } from './installation.ts';
import { notRunnable } from './not-runnable.ts';
import { postEvents } from './producers.ts';
import { waitFor } from './wait-for.ts';

const missing = notRunnable();
const VOLUME_MIB = 96;
const LEFT_BYTES = 3 * 1024 * 1024;
const RECOVERY_MS = 20_000;

test('disk full: 503, nothing acknowledged is lost, and it recovers when space returns', async (context) => {
  if (missing !== undefined) context.skip(missing);
  await using volume = mountSmall();
  if (volume === undefined) return context.skip('needs root to mount a small tmpfs');
  await using installation = await openInstallation({ parent: volume.path, bus: ['eventsMaxBytes: 1GiB'] });
  const flood = await openFlood(installation);
  expect((await flood.post()).status).toBe(202);

  const ballast = join(volume.path, 'ballast');
  const { bavail, bsize } = statfsSync(volume.path);
  writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - LEFT_BYTES), 1));
  await flood.until(503);
  // Refused before the bus runs into the end of the disk: nobody waits for an answer that does not come.
  const refusal = await flood.post();
  expect(refusal.body).toContain('flow.disk_low');
  expect(refusal.ms).toBeLessThan(2000);
  expect((await installation.call('GET', '/status')).status).toBe(200);

  rmSync(ballast);
  await flood.until(202);
  await installation.settle();
  await flood.checkNothingLost();
}, 180_000);

type Flood = {
  /** Posts once; what is acknowledged is noted. */
  post(): Promise<{ status: number; retryAfter: string | undefined; body: string; ms: number }>;
  /** Posts until the status comes; every answer before is 202 or 503 with Retry-After. */
  until(status: number): Promise<void>;
  checkNothingLost(): Promise<void>;
};

/** Posts of half a megabyte that do not compress. */
async function openFlood(installation: Installation): Promise<Flood> {
  const token = await installation.addSource('flood');
  const acked: string[] = [];
  let posts = 0;
  const post: Flood['post'] = async () => {
    const ids = Array.from({ length: 8 }, (_, i) => `flood-${posts}-${i}`);
    posts++;
    const record = (id: string): string => `${JSON.stringify({ eventID: id, eventSource: 'a', eventName: 'b', noise: noise(id) })}\n`;
    const begunMs = performance.now();
    const answer = await postEvents(installation.url, { token, body: ids.map(record).join('') });
    if (answer.status === 202) acked.push(...ids);
    return { ...answer, ms: performance.now() - begunMs };
  };
  return {
    post,
    async until(status) {
      await waitFor(
        async () => {
          const answer = await post();
          if (answer.status === 503) expect(answer.retryAfter, answer.body).toMatch(/^\d+$/);
          else expect(answer.status, answer.body).toBe(202);
          return answer.status === status ? true : undefined;
        },
        { what: () => `an answer of ${status}; tocsin said:\n${installation.run.said().slice(-3000)}`, withinMs: RECOVERY_MS },
      );
    },
    async checkNothingLost() {
      const { events, damage } = await readInstallation(installation.dataDir);
      const stored = new Set(events.map(({ id }) => id));
      expect(acked.length).toBeGreaterThan(0);
      expect(acked.filter((id) => !stored.has(id))).toEqual([]);
      expect(damage).toEqual([]);
    },
  };
}

/** 64 KiB that differ for each id; a linear congruential generator (Numerical Recipes) suffices against zstd. */
function noise(id: string): string {
  const bytes = Buffer.alloc(48 * 1024);
  let state = [...id].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes.toString('base64');
}

/** A tmpfs of its own; undefined where it may not be mounted. */
function mountSmall(): (AsyncDisposable & { readonly path: string }) | undefined {
  const path = mkdtempSync(join(tmpdir(), 'tocsin-small-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${VOLUME_MIB}m`, 'tmpfs', path]);
  if (status !== 0) {
    rmSync(path, { recursive: true });
    return undefined;
  }
  return {
    path,
    async [Symbol.asyncDispose]() {
      // Busy until the last process of the installation has let go of it.
      await waitFor(() => (spawnSync('umount', [path]).status === 0 ? true : undefined), {
        what: () => `umount ${path}`,
        withinMs: 15_000,
      });
      rmSync(path, { recursive: true });
    },
  };
}
