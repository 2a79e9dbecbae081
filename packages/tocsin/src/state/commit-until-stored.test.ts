import { TocsinError } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { openGround, until } from '../../test/ground.ts';
import { auditSubject } from '../subjects.ts';
import { commitUntilStored } from './commit-until-stored.ts';

const message = { subject: auditSubject('acme'), id: 'one', body: Buffer.from('x') };

describe('commit until stored', () => {
  it('stores once through an outage, with the same ids', async () => {
    const { bus, server } = await openGround({ answerTimeoutMs: 20 });
    const failures: string[] = [];
    server.stop({ kill: true });
    const stored = commitUntilStored(bus, [message], {
      signal: new AbortController().signal,
      onRetry: (error) => failures.push(error.code),
    });
    await until(() => failures.length > 1);
    server.start();
    await stored;
    expect((await bus.info('tocsin.audit.>')).messages).toBe(1);
    expect(new Set(failures)).toEqual(new Set(['bus.unavailable']));
  });

  it('is answered with the first position when the answer to the first attempt was lost', async () => {
    const { bus } = await openGround();
    let lost = 0;
    const flaky = {
      async commit(...args: Parameters<typeof bus.commit>) {
        const published = await bus.commit(...args);
        if (lost++ === 0) throw new TocsinError('bus.unknown', { subject: message.subject, waitedMs: 1 });
        return published;
      },
    };
    const [published] = await commitUntilStored(flaky, [message], { signal: new AbortController().signal, onRetry: () => undefined });
    expect(published?.duplicate).toBe(true);
    expect((await bus.info('tocsin.audit.>')).messages).toBe(1);
  });

  it('gives up at once on what trying again cannot mend', async () => {
    const { bus } = await openGround();
    const patience = { signal: new AbortController().signal, onRetry: () => expect.unreachable() };
    await expect(commitUntilStored(bus, [{ ...message, body: Buffer.alloc(3 << 20) }], patience)).rejects.toMatchObject({
      code: 'bus.too_large',
    });
    await bus.commit([message]);
    await expect(commitUntilStored(bus, [{ ...message, id: 'two', expect: 'none' }], patience)).rejects.toMatchObject({
      code: 'bus.fenced',
    });
  });

  it('ends with the abort, in a pause as in an attempt', async () => {
    const { bus, server } = await openGround({ answerTimeoutMs: 10 });
    server.stop({ kill: true });
    const stop = new AbortController();
    const why = new Error('stopping');
    let tried = 0;
    const stored = commitUntilStored(bus, [message], { signal: stop.signal, onRetry: () => (tried += 1) });
    await until(() => tried > 0);
    stop.abort(why);
    await expect(stored).rejects.toBe(why);
  });
});
