/** Every bad body against the route: a clear refusal with code and reason, nothing stored that was refused, bounded memory. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { badBodies } from '../../test/bad-bodies.ts';
import { type OpenDoor, openDoor } from '../../test/http-fixture.ts';

let door: OpenDoor;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(async () => {
  await door[Symbol.asyncDispose]();
});

const bodies = badBodies();

describe('the events route and bad bodies', { timeout: 30_000 }, () => {
  it('has more than 300 of them, each under its own name', () => {
    expect(bodies.length).toBeGreaterThan(300);
    expect(new Set(bodies.map((bad) => bad.name)).size).toBe(bodies.length);
  });

  it.each(bodies)('refuses $name', async ({ contentType, encoding, body, statuses, stored }) => {
    const before = door.stored.length;
    const answer = await door.post(body, {
      'content-type': contentType,
      ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
    });
    expect(statuses).toContain(answer.status);
    expect(door.stored.length - before).toBe(stored);
    const refused = (answer.body.items ?? []).filter((item) => item.status === 'rejected');
    if (answer.status === 202) expect(refused.length).toBeGreaterThan(0);
    else
      expect(answer.body.error).toMatchObject({
        code: expect.stringMatching(/^[a-z]+\.[a-z0-9_]+$/) as string,
        message: expect.stringMatching(/.{20}/) as string,
      });
    for (const item of refused) {
      expect(item.code).toMatch(/^[a-z]+\.[a-z0-9_]+$/);
      expect(item.reason?.length).toBeGreaterThan(10);
    }
  });

  it('still takes a good body and keeps its memory', async () => {
    expect((await door.post('{"ok":1}')).status).toBe(202);
    expect(process.memoryUsage.rss()).toBeLessThan(1.5e9);
  });
});
