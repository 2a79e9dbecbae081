/** People: the page about them as it stands, tenants that come into being, and what nobody may do. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../packages/ingest/test/needs.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { waitFor } from '../faults/wait-for.ts';
import { type Answer, beat, Program, wordRule } from './program.ts';
import { runPage } from './run-page.ts';

const missing = notRunnable();

interface Person {
  readonly tenant: string;
  readonly name: string;
  readonly state: string;
}

describe('people', needs(missing), () => {
  let program: Program;
  beforeAll(async () => {
    program = await Program.start({ rules: { 'hit.yml': wordRule('hit', 'hit') } });
  }, 60_000);
  afterAll(() => program?.[Symbol.asyncDispose]());

  const add = (body: object, token?: string): Promise<Answer<{ token: string; person: Person }>> =>
    program.call('POST', '/people', { body, token });
  const revoke = (name: string, body: object = {}, token?: string): Promise<Answer> =>
    program.call('POST', `/people/${encodeURIComponent(name)}/revoke`, { body, token });
  const list = async (token?: string): Promise<Person[]> =>
    (await program.call<{ people: Person[] }>('GET', '/people', { token })).body.people;
  const statusWith = async (token: string): Promise<number> => (await program.call('GET', '/status', { token })).status;

  test('the page prints what it says', () => runPage('people', program), 60_000);

  test('a tenant made by its first admin has its own sources, alerts and people, and sees no others', async () => {
    const { token } = (await add({ name: 'chief', tenant: 'globex', roles: ['admin'] })).body;
    expect((await list(token)).map(({ name }) => name)).toEqual(['chief']);
    const viewer = (await add({ name: 'eve', roles: ['viewer'] }, token)).body;
    expect(viewer.person.tenant).toBe('globex');
    const source = await program.addSource('edr', 'auto', token);
    await program.post(source, JSON.stringify(beat('hit')));
    await program.settle();
    expect(await program.alerts('', viewer.token)).toHaveLength(1);
    expect(await program.alerts()).toEqual([]);
    expect((await add({ name: 'x', roles: ['viewer'] }, viewer.token)).status).toBe(403);
    expect((await program.call('GET', '/people', { token: viewer.token })).status).toBe(403);
    // Neither into another tenant, nor up to the installation, by whatever is named.
    expect((await add({ name: 'mole', tenant: 'default', roles: ['admin'] }, token)).status).toBe(403);
    expect((await revoke('operator', { tenant: 'default' }, token)).status).toBe(403);
    expect((await revoke('anna', { tenant: 'default' }, token)).status).toBe(403);
    expect((await list()).map(({ tenant }) => tenant)).toContain('globex');
  });

  test('who is revoked is out at once, also of what is being followed; who has expired is too', async () => {
    const { token } = (await add({ name: 'temp', roles: ['admin'] })).body;
    const followed = await fetch(`${program.url}/api/v1/tail/alerts`, { headers: { authorization: `Bearer ${token}` } });
    expect(followed.status).toBe(200);
    const ended = followed.text();
    expect((await revoke('temp')).status).toBe(200);
    expect(await statusWith(token)).toBe(401);
    expect((await ended).trim()).toBe('');
    expect((await revoke('temp')).status).toBe(200);
    const brief = (await add({ name: 'temp', roles: ['viewer'], expiresInSeconds: 1 })).body.token;
    expect(brief).not.toBe(token);
    expect(await statusWith(token)).toBe(401);
    await waitFor(async () => ((await statusWith(brief)) === 401 ? true : undefined), { what: () => 'its end', withinMs: 10_000 });
    expect((await list()).find(({ name }) => name === 'temp')?.state).toBe('expired');
  });

  test('of two who add one name at once, one does; the other made no credential', async () => {
    const answers = await Promise.all(Array.from({ length: 4 }, () => add({ name: 'raced', roles: ['viewer'] })));
    expect(answers.map(({ status }) => String(status)).sort()).toEqual(['200', '409', '409', '409']);
    const stored = (await program.everythingStored()).toString('latin1');
    expect(stored.match(/"actor":"raced"/g)).toHaveLength(1);
  });

  test.each([
    { name: 'a/b', roles: ['viewer'] },
    { name: 'source/edr', roles: ['viewer'] },
    { name: 'operator', roles: ['viewer'] },
    { name: '..', roles: ['viewer'] },
    { name: 'a\u202eb', roles: ['viewer'] },
    { name: '', roles: ['viewer'] },
    { name: 'x', roles: [] },
    { name: 'x', roles: ['producer'] },
    { name: 'x', roles: ['viewer', 'viewer'] },
    { name: 'x', roles: ['viewer'], tenant: ' acme' },
    { name: 'x', roles: ['viewer'], tenant: 'x'.repeat(129) },
    { name: 'x', roles: ['viewer'], expiresInSeconds: 0 },
    { name: 'x', roles: ['viewer'], source: 'edr' },
  ])('%j is refused', async (body) => {
    expect((await add(body)).status).toBe(400);
  });

  test('an act is on the audit trail, the token nowhere', async () => {
    const { token } = (await add({ name: 'canary', roles: ['viewer'] })).body;
    const { records } = (await program.call<{ records: { phase: string; action: string; resource: string }[] }>('GET', '/audit?limit=2'))
      .body;
    expect(records).toMatchObject([
      { phase: 'intent', action: 'people.write', resource: 'person/default/canary' },
      { phase: 'outcome', action: 'people.write', resource: 'person/default/canary' },
    ]);
    expect((await program.everythingStored()).includes(token)).toBe(false);
  });
});
