import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sourceKey } from './source-key.ts';

test('reads as tenant/source', () => {
  expect(sourceKey('acme', 'edr/eu')).toBe('acme/edr/eu');
});

test('keeps sources apart whatever their names hold', () => {
  expect(sourceKey('a/b', 'c')).not.toBe(sourceKey('a', 'b/c'));
  expect(sourceKey('a%2Fb', 'c')).not.toBe(sourceKey('a/b', 'c'));
  const name = fc.string({ unit: fc.constantFrom('a', '/', '%', '2', 'F', '5'), maxLength: 6 });
  fc.assert(
    fc.property(name, name, name, name, (tenant, source, otherTenant, otherSource) => {
      const same = tenant === otherTenant && source === otherSource;
      expect(sourceKey(tenant, source) === sourceKey(otherTenant, otherSource)).toBe(same);
    }),
  );
});
