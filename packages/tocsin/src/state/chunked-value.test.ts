import { randomBytes } from 'node:crypto';
import type { StateBucket } from '@tocsin/bus';
import { isTocsinError } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { openGround } from '../../test/ground.ts';
import { MANIFESTS_BUCKET } from '../topology.ts';
import { getChunked, putChunked, putContent } from './chunked-value.ts';

async function openBucket(): Promise<StateBucket> {
  return (await openGround()).bus.bucket(MANIFESTS_BUCKET);
}

/** The bucket, whose writer dies at its nth put or delete. */
function dyingAt(bucket: StateBucket, n: number): StateBucket {
  let count = 0;
  const step = async <T>(act: () => Promise<T>): Promise<T> => {
    count += 1;
    if (count >= n) throw new Error('died here');
    return act();
  };
  return {
    get: (key) => bucket.get(key),
    keys: () => bucket.keys(),
    watch: (options) => bucket.watch(options),
    put: (key, value, expected) => step(() => bucket.put(key, value, expected)),
    delete: (key, expected) => step(() => bucket.delete(key, expected)),
  };
}

describe('chunked value', () => {
  it('keeps values of any size', async () => {
    const bucket = await openBucket();
    expect(await getChunked(bucket, 'folds')).toBeUndefined();
    for (const size of [0, 1, 384 * 1024, 1_500_000]) {
      const value = randomBytes(size);
      await putChunked(bucket, 'folds', value);
      expect(Buffer.compare(Buffer.from((await getChunked(bucket, 'folds')) ?? ''), value)).toBe(0);
    }
  });

  it('shows the old value or the new one wherever the writer dies, and heals with the next write', async () => {
    const [old, next] = [randomBytes(900_000), randomBytes(1_300_000)];
    let outcomes = '';
    for (let n = 1; ; n++) {
      const bucket = await openBucket();
      await putChunked(bucket, 'folds', old);
      const died = await putChunked(dyingAt(bucket, n), 'folds', next).then(
        () => false,
        () => true,
      );
      const seen = Buffer.from((await getChunked(bucket, 'folds')) ?? '');
      expect(seen.equals(old) || seen.equals(next)).toBe(true);
      outcomes += seen.equals(old) ? 'o' : 'n';
      await putChunked(bucket, 'folds', old);
      await putChunked(bucket, 'folds', next);
      expect(Buffer.from((await getChunked(bucket, 'folds')) ?? '').equals(next)).toBe(true);
      // Nothing is left over: the manifest and the chunks it names.
      expect((await bucket.keys()).length).toBe(1 + Math.ceil(next.length / (384 * 1024)));
      if (!died) break;
    }
    expect(outcomes).toMatch(/^o{4,}n{2,}$/);
  });

  it('lets one of two writers win', async () => {
    const bucket = await openBucket();
    await putChunked(bucket, 'folds', randomBytes(10));
    const values = [randomBytes(500_000), randomBytes(500_000)];
    const written = await Promise.allSettled(values.map((value) => putChunked(bucket, 'folds', value)));
    expect(written.some((each) => each.status === 'fulfilled')).toBe(true);
    for (const each of written) if (each.status === 'rejected') expect(isTocsinError(each.reason, 'bus.fenced')).toBe(true);
    const seen = Buffer.from((await getChunked(bucket, 'folds')) ?? '');
    expect(values.some((value, i) => written[i]?.status === 'fulfilled' && seen.equals(value))).toBe(true);
  });

  it('is kept by all who write one content under its name at once', async () => {
    const bucket = await openBucket();
    const bytes = randomBytes(1_500_000);
    await Promise.all(Array.from({ length: 4 }, () => putContent(bucket, 'set', { bytes })));
    expect(Buffer.from((await getChunked(bucket, 'set')) ?? '').equals(bytes)).toBe(true);
    expect(await bucket.keys()).toHaveLength(5);
  });

  it('does not touch values of other names', async () => {
    const bucket = await openBucket();
    await putChunked(bucket, 'a', Buffer.from('one'));
    await putChunked(bucket, 'ab', Buffer.from('two'));
    await putChunked(bucket, 'a', Buffer.from('three'));
    expect(Buffer.from((await getChunked(bucket, 'ab')) ?? '').toString()).toBe('two');
  });

  it('says so when part of a value is missing or changed, instead of looking for ever', async () => {
    const bucket = await openBucket();
    await putChunked(bucket, 'folds', randomBytes(900_000));
    const [, chunk = ''] = await bucket.keys();
    const entry = await bucket.get(chunk);
    await bucket.put(chunk, Buffer.from('x'), entry?.revision ?? 0);
    await expect(getChunked(bucket, 'folds')).rejects.toMatchObject({ code: 'store.value_damaged' });
    await bucket.delete(chunk, (await bucket.get(chunk))?.revision ?? 0);
    await expect(getChunked(bucket, 'folds')).rejects.toMatchObject({ code: 'store.value_damaged' });
  });
});
