import { describe, expect, it } from 'vitest';
import { entityField } from './entity-fields.ts';

describe('entities by which correlations group', () => {
  it.each([
    ['entity.user', { 'actor.user.name': 'ACME\\Ann' }, 'ann'],
    ['entity.user', { 'actor.user.name': 'ann@acme.example' }, 'ann'],
    ['entity.user', { 'actor.user.name': 'arn:aws:iam::123456789012:user/ann' }, 'ann'],
    ['entity.user', { 'actor.user.name': 'arn:aws:sts::1:assumed-role/admin/ann@acme.example' }, 'ann'],
    ['entity.user', { 'actor.user.name': '-' }, undefined],
    ['entity.user', { 'actor.user.name': '@x' }, '@x'],
    ['entity.user', {}, undefined],
    ['entity.host', { 'device.hostname': 'WS5.acme.example' }, 'ws5'],
    ['entity.host', { 'device.hostname': '10.0.0.1' }, '10.0.0.1'],
    ['entity.host', { 'device.hostname': 'FE80::1' }, 'fe80::1'],
    ['entity.ip', { 'src_endpoint.ip': '2001:DB8::1' }, '2001:db8::1'],
    ['ocsf.actor.user.name', { 'actor.user.name': 'ACME\\Ann' }, 'ACME\\Ann'],
    ['ocsf.toString', {}, undefined],
  ])('%s of %j is %s', (name, attributes, want) => {
    expect(entityField(name)?.(attributes)).toBe(want);
  });

  it('leaves all other fields to the record', () => {
    for (const name of ['user', 'entity', 'entity.other', 'TargetUserName', '__proto__']) expect(entityField(name)).toBeUndefined();
  });
});
