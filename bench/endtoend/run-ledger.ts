/** What the generator of an end-to-end run writes down of each request, and what it says every second: plain data between processes. */

/** A request by its number: when it was stamped and what became of it. */
export type RunLedger = {
  /** Begins every idempotency key. */
  readonly run: string;
  readonly batch: number;
  readonly lanePath: string;
  /** Event second of each request. */
  readonly seconds: readonly number[];
  /** Whether every event of a request was acknowledged, as 1 or 0; 2 where its answer was lost, so that nobody knows. */
  readonly outcomes: readonly number[];
  /** Requests whose last event was planted. */
  readonly planted: readonly number[];
  /** Alerts seen of them. */
  readonly alerted: number;
};

/** What is asked of the generator, a line of JSON each on stdin. */
export type GeneratorCommand = { readonly offered: number } | { readonly stop: true };

/** How it begins: the first line on stdin. */
export type GeneratorPlan = {
  readonly url: string;
  readonly tokens: readonly string[];
  readonly tailToken: string;
  readonly lanePath: string;
  readonly ledgerPath: string;
  readonly batch: number;
  readonly connections: number;
  readonly run: string;
  /** Planted events per second. */
  readonly plantedPerSecond: number;
};

/** One second of it. Times in milliseconds. */
export type GeneratorSecond = {
  readonly offered: number;
  readonly sent: number;
  readonly accepted: number;
  readonly refused: Readonly<Record<string, number>>;
  /** How long the oldest request that found no free connection has been due. */
  readonly waitingMs: number;
  readonly answersMs: readonly number[];
  readonly alertsMs: readonly number[];
  /** Share of a core that the generator used. */
  readonly cpu: number;
};

/** Name that planted events carry, and their alerts. */
export const MARK = 'endtoend-plant-';

/** A CloudTrail record that a rule of SigmaHQ matches ("AWS CloudTrail Important Change"), about a user of its own. */
export function plantedLine(run: string, { request, second }: { readonly request: number; readonly second: number }): string {
  return JSON.stringify({
    eventVersion: '1.08',
    userIdentity: { type: 'IAMUser', arn: `arn:aws:iam::123456789012:user/${MARK}${run}-${request}` },
    eventTime: new Date(second * 1000).toISOString(),
    eventSource: 'cloudtrail.amazonaws.com',
    eventName: 'StopLogging',
    awsRegion: 'eu-central-1',
    sourceIPAddress: '198.51.100.7',
    requestParameters: { name: 'main' },
  });
}
