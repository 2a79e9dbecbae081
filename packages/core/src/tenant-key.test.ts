import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tenantKey } from './tenant-key.ts';

test('is what lies on disk and on the bus', () => {
  expect([tenantKey('acme', 'edr'), tenantKey('', ''), tenantKey('4:ac', '/x'), tenantKey('é𝄞', 's')]).toEqual([
    '4:acmeedr',
    '0:',
    '4:4:ac/x',
    '3:é𝄞s',
  ]);
});

test('keeps things of tenants apart whatever their names hold', () => {
  const name = fc.string({ unit: fc.constantFrom('a', '1', '2', ':', '/', '\n', '\ud800'), maxLength: 6 });
  fc.assert(
    fc.property(name, name, name, name, (tenant, one, otherTenant, other) => {
      expect(tenantKey(tenant, one) === tenantKey(otherTenant, other)).toBe(tenant === otherTenant && one === other);
      expect(tenantKey(tenant, one).startsWith(tenantKey(otherTenant, ''))).toBe(tenant === otherTenant);
    }),
  );
});
