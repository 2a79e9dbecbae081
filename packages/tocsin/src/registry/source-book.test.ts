import { isTocsinError } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { openGround } from '../../test/ground.ts';
import { Registry, type SourceRecord } from './registry.ts';
import { SourceBook } from './source-book.ts';

const record: SourceRecord = { name: 'edr', format: 'json', lane: 'live', logSource: { product: 'acme' }, createdMs: 1 };

async function bench() {
  let nowMs = 1000;
  const registry = await Registry.open((await openGround()).bus, () => undefined);
  const thing = { tenant: 'acme', kind: 'source', id: 'edr' } as const;
  await registry.put(thing, record);
  const credential = { actor: 'source/edr', roles: ['producer'] as const, source: 'edr', createdMs: 1 };
  await registry.put({ tenant: 'acme', kind: 'credential', id: 'c1' }, credential);
  const book = new SourceBook({ registry, clock: { nowMs: () => nowMs } });
  return { registry, book, thing, credential, wait: (ms: number) => void (nowMs += ms) };
}

const codeOf = (act: () => unknown): string => {
  try {
    act();
    return 'fine';
  } catch (error) {
    if (isTocsinError(error)) return error.code;
    throw error;
  }
};

describe('sources of connections that stay open', () => {
  it('are what is registered now', async () => {
    const { registry, book, thing } = await bench();
    const held = { ...(book.find('acme', 'edr') as NonNullable<ReturnType<typeof book.find>>), credential: 'c1' };
    expect(held).toMatchObject({ format: 'json', logSource: { product: 'acme' } });
    expect(book.find('acme', 'edr')).toBe(book.find('acme', 'edr'));
    await registry.put(thing, { ...record, format: 'windows-json', lane: 'bulk' });
    expect(book.standing(held)).toMatchObject({ format: 'windows-json', lane: 'bulk', credential: 'c1' });
  });

  it('end with their credential: at once when it is revoked, when its grace has passed otherwise', async () => {
    const { registry, book, credential, wait } = await bench();
    const held = { ...(book.find('acme', 'edr') as NonNullable<ReturnType<typeof book.find>>), credential: 'c1' };
    const id = { tenant: 'acme', kind: 'credential', id: 'c1' } as const;
    await registry.put(id, { ...credential, expiresMs: 2000 });
    expect(codeOf(() => book.standing(held))).toBe('fine');
    wait(1000);
    expect(codeOf(() => book.standing(held))).toBe('auth.refused');
    await registry.put(id, { ...credential, revokedMs: 5 });
    expect(codeOf(() => book.standing(held))).toBe('auth.refused');
  });

  it('end with their source', async () => {
    const { registry, book, thing } = await bench();
    const held = book.find('acme', 'edr') as NonNullable<ReturnType<typeof book.find>>;
    await registry.put(thing, { ...record, revokedMs: 5 });
    expect(codeOf(() => book.standing(held))).toBe('auth.refused');
    expect(book.find('globex', 'edr')).toBeUndefined();
  });
});
