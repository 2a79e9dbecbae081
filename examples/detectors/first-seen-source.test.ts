import { runDetector, type TestEvent } from '@tocsin/detect';
import { describe, expect, it } from 'vitest';
import { detector } from './first-seen-source.ts';

const DAY_MS = 86_400_000;

function login(day: number, ip: string, user = 'anna', status = 'success'): TestEvent {
  return { timeMs: day * DAY_MS, fields: {}, attributes: { 'actor.user.name': user, 'src_endpoint.ip': ip, status } };
}

const found = (...events: TestEvent[]): readonly (string | undefined)[] =>
  runDetector(detector, events).alerts.map(({ explanation }) => explanation[0]?.pattern);

describe('first-seen source', () => {
  it('is a network that a user has not used in the days he has been known', () => {
    const known = [login(0, '192.0.2.1'), login(3, '192.0.2.77'), login(5, '198.51.100.9')];
    expect(found(...known, login(9, '203.0.113.5'))).toEqual(['203.0.113.0/24 was not among the 2 networks known of this user']);
    expect(found(...known, login(9, '198.51.100.200'))).toEqual([]);
    expect(found(...known, login(6, '203.0.113.5'))).toEqual([]);
    expect(found(login(0, '2001:db8:1::1'), login(9, '2001:db8:1:2::3'))).toEqual([]);
    expect(found(login(0, '2001:db8:1::1'), login(9, '2001:db8:2::1'))).toHaveLength(1);
  });

  it('says it once, and of each user for himself', () => {
    expect(found(login(0, '192.0.2.1'), login(9, '203.0.113.5'), login(9.1, '203.0.113.6'))).toHaveLength(1);
    expect(found(login(0, '192.0.2.1'), login(9, '203.0.113.5', 'bert'))).toEqual([]);
    expect(found(login(0, '192.0.2.1'), login(9, '203.0.113.5', 'anna', 'failure'))).toEqual([]);
  });

  it('remembers a bounded number of networks', () => {
    const many = Array.from({ length: 500 }, (_, i) => login(i / 100, `10.${i % 250}.${Math.floor(i / 250)}.1`));
    expect(found(...many, login(9, '10.249.1.2'))).toEqual([]);
    expect(found(...many, login(9, '10.0.0.2'))).toHaveLength(1);
  });
});
