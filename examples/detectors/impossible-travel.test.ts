import { runDetector, type TestEvent } from '@tocsin/detect';
import { describe, expect, it } from 'vitest';
import { detector } from './impossible-travel.ts';

const PLACES = { berlin: [52.52, 13.4], potsdam: [52.4, 13.06], sydney: [-33.87, 151.21], suva: [-18.14, 178.44], apia: [-13.83, -171.77] };
const HOUR_MS = 3_600_000;

function signIn(hour: number, place: keyof typeof PLACES, more: object = {}): TestEvent {
  const [latitude, longitude] = PLACES[place];
  return { timeMs: hour * HOUR_MS, fields: { action: 'sign-in', outcome: 'success', user: 'anna', latitude, longitude, ...more } };
}

const found = (...events: TestEvent[]): readonly (string | undefined)[] =>
  runDetector(detector, events).alerts.map(({ explanation }) => explanation[0]?.pattern);

describe('impossible travel', () => {
  it('is two sign-ins too far apart for the time between them', () => {
    const { alerts } = runDetector(detector, [signIn(0, 'berlin'), signIn(2, 'sydney')]);
    expect(alerts).toMatchObject([
      { rule: { id: 'detector.impossible-travel', techniques: ['T1078'] }, groupBy: { user: 'anna' }, count: 2, severity: 4 },
    ]);
    expect(alerts[0]?.explanation[0]?.pattern).toMatch(/^160\d\d km in 120 minutes$/);
    expect(alerts[0]?.evidence.map(({ eventId }) => eventId)).toEqual(['event-0', 'event-1']);
  });

  it('is none where somebody can travel so far, or lives on the edge of a map', () => {
    expect(found(signIn(0, 'berlin'), signIn(22, 'sydney'))).toEqual([]);
    expect(found(signIn(0, 'berlin'), signIn(0.01, 'potsdam'))).toEqual([]);
    // Across the antimeridian it is 1,100 km, not 38,000.
    expect(found(signIn(0, 'suva'), signIn(2, 'apia'))).toEqual([]);
  });

  it('keeps users apart, leaves out failures, and takes events that come late', () => {
    expect(found(signIn(0, 'berlin'), signIn(1, 'sydney', { user: 'bert' }))).toEqual([]);
    expect(found(signIn(0, 'berlin'), signIn(1, 'sydney', { outcome: 'failure' }))).toEqual([]);
    expect(found(signIn(2, 'sydney'), signIn(0, 'berlin'))).toHaveLength(1);
  });

  it('makes nothing of places that are none', () => {
    const odd = [
      { latitude: 'north' },
      { latitude: 1e9 },
      { longitude: null },
      { user: { name: 'anna' } },
      { latitude: [], longitude: {} },
    ];
    const { alerts, errors } = runDetector(detector, [signIn(0, 'berlin'), ...odd.map((more) => signIn(1, 'sydney', more))]);
    expect([alerts, errors]).toEqual([[], []]);
  });
});
