/** What the load generator is asked to do and what it answers: plain data between two processes. */

/** Doors that are measured. */
export type Protocol = 'events' | 'hec' | 'hec-raw' | 'bulk' | 'otlp' | 'otlp-json' | 'otlp-grpc' | 'loki';

/** A run of the generator. */
export interface LoadPlan {
  readonly url: string;
  /** One token per source; requests take them in turn. */
  readonly tokens: readonly string[];
  readonly lanePath: string;
  /** Protocol that the requests are in; without it `events`. */
  readonly protocol?: Protocol | undefined;
  /** Events per request. */
  readonly batch: number;
  readonly connections: number;
  readonly seconds: number;
  /** Events per second offered, whatever the answers do (open loop); without it each connection sends when it has its answer (closed loop). */
  readonly offered?: number | undefined;
  /** Begins every idempotency key: no two runs against one installation may share it. */
  readonly run: string;
  /** Every so many requests one event is replaced by one that a rule matches, and its alert is waited for on the tail. */
  readonly plant?: { readonly everyRequests: number; readonly tailToken: string } | undefined;
}

/** What came of a run. Times in milliseconds. */
export interface LoadResult {
  readonly seconds: number;
  readonly sentEvents: number;
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: number;
  /** Requests answered other than 202, by status; 0 for a broken connection. */
  readonly refused: Readonly<Record<string, number>>;
  /** Requests that found no free connection at their time and were still waiting at the end. */
  readonly unsent: number;
  readonly answerP50Ms: number;
  readonly answerP99Ms: number;
  readonly cpuSeconds: number;
  readonly planted: number;
  readonly alerted: number;
  readonly alertP50Ms: number;
  readonly alertP99Ms: number;
  readonly alertMaxMs: number;
}

/** Marks planted events, and the alerts that come of them. */
export const PLANT = 'bench-plant-';

/** A CloudTrail record that the shipped rule "CloudTrail logging stopped or trail deleted" matches, about a user of its own. */
export function plantedEvent(mark: string, number: number): string {
  return JSON.stringify({
    eventVersion: '1.08',
    userIdentity: { type: 'IAMUser', arn: `arn:aws:iam::123456789012:user/${PLANT}${mark}-${number}` },
    eventTime: new Date().toISOString(),
    eventSource: 'cloudtrail.amazonaws.com',
    eventName: 'StopLogging',
    awsRegion: 'eu-central-1',
    sourceIPAddress: '198.51.100.7',
    requestParameters: { name: 'main' },
  });
}
