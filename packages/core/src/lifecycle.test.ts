/** Scopes: order, once, errors kept, deadline, late additions. */
import { describe, expect, it } from 'vitest';
import { createScope } from './lifecycle.ts';

describe('createScope', () => {
  it('closes everything once, last added first, each kind of thing', async () => {
    const order: string[] = [];
    const scope = createScope();
    scope.add('a', () => order.push('a'));
    scope.add('b', { [Symbol.dispose]: () => void order.push('b') });
    scope.add('c', {
      [Symbol.asyncDispose]: async () => {
        await Promise.resolve();
        order.push('c');
      },
    });
    expect(scope.signal.aborted).toBe(false);
    const first = scope.close();
    expect(scope.signal.aborted).toBe(true);
    expect(scope.close()).toBe(first);
    await first;
    expect(order).toEqual(['c', 'b', 'a']);
  });

  it('closes the rest when one fails or hangs, and reports both by name', async () => {
    const order: string[] = [];
    const scope = createScope({ closeWithinMs: 20 });
    scope.add('first', () => order.push('first'));
    scope.add('hanging', () => new Promise(() => undefined));
    scope.add('failing', () => {
      throw new Error('disk gone');
    });
    const error: unknown = await scope.close().then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(AggregateError);
    const messages = (error as AggregateError).errors.map((each: Error) => each.message);
    expect(messages).toEqual(['failing: disk gone', 'hanging: hanging did not close within 20 ms']);
    expect(order).toEqual(['first']);
  });

  it('closes at once what is added too late, and says so', async () => {
    const order: string[] = [];
    const scope = createScope();
    await scope.close();
    expect(() => scope.add('late', () => order.push('late'))).toThrow('late was opened in a scope that is closed');
    await scope.close();
    expect(order).toEqual(['late']);
  });

  it('is disposed by await using', async () => {
    const order: string[] = [];
    {
      await using scope = createScope();
      scope.add('a', () => order.push('a'));
    }
    expect(order).toEqual(['a']);
  });
});
