/**
 * Thresholds that others use on real logs, as correlations: whoever their scenarios raise an alert about, ours do, and nobody else. Only number,
 * field and threshold of a scenario are taken from it. Skipped where the recordings are not there.
 */
import { loadAll } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { hasCorpora, ndjson, needsCorpora, ruleArchive } from '../../test/corpora.ts';
import { logSource } from '../../test/test-sources.ts';
import { parseRules } from '../parse/parse-rules.ts';
import { testRule } from '../test-rule.ts';

interface Recording {
  readonly test: string;
  readonly scenarios: readonly string[];
  readonly expected_alerts: readonly { readonly scenario: string; readonly sources: readonly string[] }[] | null;
  readonly expected_parsed_s01: readonly Readonly<Record<string, string>>[] | null;
}

interface Scenario {
  readonly type: string;
  readonly name: string;
  readonly filter: string;
  readonly groupby: string;
  readonly distinct?: string;
  readonly capacity: number;
  /** How long a bucket takes to lose one event, such as `10s`. */
  readonly leakspeed: string;
}

/** Kinds of event that a scenario looks at, where it says no more than that. */
function kindsOf({ filter }: Scenario): string[] | undefined {
  const parts = filter.split('||').map((part) => /^\s*evt\.Meta\.log_type == '([^']+)'\s*$/.exec(part)?.[1]);
  return parts.every((part) => part !== undefined) ? (parts as string[]) : undefined;
}

/** Event times as recorded where they can be read as they are, else a burst. */
function timesOf(events: readonly Readonly<Record<string, string>>[]): number[] {
  const times = events.map(({ timestamp = '' }) => Date.parse(/^[0-9]{4}\/[0-9/]{5} [0-9:]{8}$/.test(timestamp) ? `${timestamp} UTC` : ''));
  return times.some(Number.isNaN) ? events.map((_, index) => 1_700_000_000_000 + 100 * index) : times;
}

/** The correlation that a bucket of this size is until it leaks. */
function ruleText(scenario: Scenario, kinds: readonly string[], events: readonly object[]): string {
  const field = scenario.distinct?.replace('evt.Meta.', '');
  const base = { title: 'base', id: 'base', logsource: { product: 'test' }, detection: { s: { log_type: kinds }, condition: 's' } };
  const over = {
    title: scenario.name,
    id: 'over',
    correlation: {
      type: field === undefined ? 'event_count' : 'value_count',
      rules: ['base'],
      'group-by': ['source_ip'],
      timespan: /^[0-9]+[sm]$/.test(scenario.leakspeed) ? scenario.leakspeed : '10m',
      condition: { gt: scenario.capacity, ...(field === undefined ? {} : { field }) },
    },
    tests: [{ name: 'recording', events, expect: { alerts: 0 } }],
  };
  return `${JSON.stringify(base)}\n---\n${JSON.stringify(over)}\n`;
}

describe('scenarios of others', () => {
  needsCorpora();
  const scenarios = hasCorpora
    ? ruleArchive('scenario-tests/crowdsec-scenarios.tar.gz').flatMap(({ path, text }) =>
        (loadAll(text) as (Scenario | null)[]).map((scenario) => ({ path, scenario: scenario ?? undefined })),
      )
    : [];
  const recordings = hasCorpora ? (ndjson('scenario-tests/crowdsec-tests.ndjson.gz') as Recording[]) : [];
  const cases = recordings.flatMap((recording) =>
    recording.scenarios.flatMap((name) =>
      scenarios
        .filter(
          ({ path, scenario }) =>
            path.endsWith(`scenarios/${name.replace(/^\.\/scenarios\/|\.yaml$/g, '')}.yaml`) && scenario?.type === 'leaky',
        )
        .flatMap(({ scenario }) => {
          const kinds = scenario === undefined ? undefined : kindsOf(scenario);
          const parsed = recording.expected_parsed_s01;
          return scenario === undefined || kinds === undefined || parsed === null ? [] : [{ recording, scenario, kinds, parsed }];
        }),
    ),
  );

  it('are there to compare with', () => expect(cases.length).toBeGreaterThanOrEqual(15));

  it.each(cases.map((one) => [`${one.recording.test} ${one.scenario.name}`, one] as const))(
    '%s',
    (_, { recording, scenario, kinds, parsed }) => {
      const wanted = new Set(
        (recording.expected_alerts ?? []).filter((one) => one.scenario === scenario.name).flatMap(({ sources }) => sources),
      );
      for (const source of new Set(parsed.map((event) => event['source_ip']))) {
        const own = parsed.filter((event) => event['source_ip'] === source && kinds.includes(event['log_type'] ?? ''));
        const times = timesOf(own);
        const events = own.map((event, index) => ({ time: new Date(times[index] ?? 0).toISOString(), event }));
        const text = ruleText(scenario, kinds, events);
        const { rules, refused } = parseRules([{ path: 's.yml', text }]);
        expect(refused).toEqual([]);
        const over = rules.find((rule) => rule.meta.id === 'over');
        const results = over === undefined ? [] : testRule(over, { rules, logSources: [logSource()] });
        expect([source, results.map(({ detail }) => detail)]).toEqual([
          source,
          [`expected 0 alerts, got ${source !== undefined && wanted.has(source) ? 1 : 0}`],
        ]);
      }
    },
  );
});
