/**
 * Every setting of an installation: names, defaults, units and texts are here and nowhere else. The reference page, the
 * JSON Schema for editors and `tocsin config` come from this declaration.
 */
import { bytes, choice, count, duration, flag, list, named, port, type SettingsOf, settings, text } from '@tocsin/core/setting';
import { webhookSettings } from '@tocsin/ingest';
import { externalBusSettings } from './external-bus-settings.ts';
import { lag, quotas, retention } from './flow-settings.ts';
import { listenerSettings } from './listener-settings.ts';
import { log } from './log-settings.ts';
import { replays } from './replay-settings.ts';
import { sinks } from './sink-settings.ts';
import { sources } from './source-settings.ts';

const listen = settings({
  about: 'Where the HTTP API and the events door listen.',
  fields: {
    host: text({ about: 'Address to listen on. Anything but loopback needs TLS or `insecure`.', default: '127.0.0.1', example: '0.0.0.0' }),
    port: port({ about: 'TCP port; 0 takes any free one.', default: 7514 }),
    tlsCert: text({ about: 'PEM file of the TLS certificate chain.', optional: true, example: '/etc/tocsin/tls.crt' }),
    tlsKey: text({ about: 'PEM file of the TLS private key.', optional: true, example: '/etc/tocsin/tls.key' }),
    insecure: flag({ about: 'Listen beyond loopback without TLS: credentials and events travel in the clear.', default: false }),
  },
  rules: [
    {
      name: 'certificate and key together',
      breach: (value: { tlsCert?: string | undefined; tlsKey?: string | undefined }) =>
        (value.tlsCert === undefined) === (value.tlsKey === undefined) ? undefined : 'tlsCert and tlsKey must be given together',
    },
    {
      name: 'no clear text beyond loopback',
      breach: (value: { host: string; tlsCert?: string | undefined; insecure: boolean }) =>
        isLoopback(value.host) || value.tlsCert !== undefined || value.insecure
          ? undefined
          : `listening on ${value.host} needs a certificate and key (--tls-cert, --tls-key), or --insecure to do without`,
    },
  ],
});

const bus = settings({
  about: 'The bus: a nats-server that Tocsin runs on loopback, or one that others run.',
  fields: {
    partitions: count({ about: 'Partitions of the event streams. Fixed when the installation is created.', default: 8, min: 1, max: 64 }),
    natsServer: text({
      about: 'Path of the nats-server to run; otherwise the one set-up has found.',
      optional: true,
      example: '/usr/bin/nats-server',
    }),
    eventsMaxBytes: bytes({
      about: 'Size limit of each event stream. At the limit new events are refused, never old ones evicted.',
      default: '10GiB',
      min: 1 << 20,
    }),
    inMaxBytes: bytes({
      about:
        'Size limit of the queue in which events of NATS producers wait for ingest. At the limit their publishing is refused until ingest has caught up.',
      default: '1GiB',
      min: 1 << 20,
    }),
    serverMemory: bytes({
      about:
        'Memory that the nats-server Tocsin runs aims to stay within. It goes beyond it rather than fail; where it stands at it and takes much processor time, give it more.',
      default: '128MiB',
      min: 32 << 20,
    }),
    eventsMaxAge: duration({ about: 'How long events are kept.', default: '7d' }),
    commitTimeout: duration({ about: 'How long an acknowledgement may take before the sender is told to send again.', default: '5s' }),
    external: externalBusSettings,
  },
});

const ingest = settings({
  about: 'Limits of the events door.',
  fields: {
    maxBodyBytes: bytes({ about: 'Largest request body as sent.', default: '16MiB' }),
    maxInflatedBytes: bytes({ about: 'Largest request body after decompression.', default: '64MiB' }),
    maxInFlightBytes: bytes({
      about: 'Bodies held in memory at once, all sources together. Beyond it requests are answered 503.',
      default: '128MiB',
    }),
    maxInFlightBytesPerSource: bytes({
      about: 'Bodies held in memory at once for one source. Beyond it its requests are answered 429.',
      default: '64MiB',
    }),
    maxSkew: duration({ about: 'How far in the future of its receipt an event time may lie before it is clamped.', default: '5m' }),
  },
});

const detect = settings({
  about: 'How detection tells the time.',
  fields: {
    idleAfter: duration({
      about:
        'A source that has sent nothing for this long is idle: its event time then follows the clock, so that absence is noticed. Events that come later than this and are older than a minute no longer count in correlations; give more where agents ship in long intervals, less where silence must be noticed sooner.',
      default: '5m',
      min: 1000,
    }),
    deadline: duration({
      about:
        'Longest time that judging one frame of events, or one suspected event, may take. What takes longer is ended with its thread; the event that did it becomes a dead letter and all others are judged.',
      default: '1s',
      min: 100,
      max: 60_000,
    }),
    detectors: list(text({ about: 'Path of a TypeScript or JavaScript file, from the data folder where it is not absolute.' }), {
      about: 'Files that export a detector each: docs/how-to/write-a-detector.md.',
      default: [],
      maxItems: 100,
    }),
    foldShards: count({
      about:
        'Shards into which correlation is divided by key, so that several processes can share it. One process gains nothing from more than one. The same for every process of an installation; after a change the folds are rebuilt from the match steps that are kept.',
      default: 1,
      min: 1,
      max: 64,
    }),
    allowedLateness: duration({
      about:
        'How far behind its source an event may come and still count in correlations as if it had come in order. Later ones are left out and counted as late, which `tocsin status` shows. Conditions that later events could undo are decided this much later.',
      default: '1m',
      min: 0,
      max: 86_400_000,
    }),
  },
});

const rules = settings({
  about: 'Where rules come from, beside those added at run time.',
  fields: {
    shipped: flag({ about: 'Use the rules that come with Tocsin.', default: true }),
    folders: list(text({ about: 'Path of a folder.' }), { about: 'More folders of Sigma rules.', default: [], maxItems: 100 }),
    budgetPercent: count({
      about:
        'Share of one core that a single rule may take, in percent. A rule that takes more for half a minute is put in quarantine, which the log, `tocsin status` and `tocsin rules` say, until it is released with `tocsin rules release`. 0: never.',
      default: 25,
      min: 0,
      max: 100,
    }),
  },
});

/** Duties a process may have. */
export const DUTIES = ['ingest', 'api', 'store', 'match', 'correlate'] as const;

/** All settings of an installation. */
export const installationSettings = settings({
  about: 'Settings of a Tocsin installation: tocsin.yml in its data folder, overridden by the command line.',
  fields: {
    site: text({
      about: 'Name of this site: part of every position and of the bus server. Fixed when the installation is created.',
      default: 'local',
    }),
    duties: list(choice(DUTIES, { about: 'A duty.' }), {
      about:
        'What this process does. All of it where the bus is embedded. On an external bus the duties may be spread over several processes: `ingest` takes events and `api` answers questions, over HTTP; `store` keeps the alert table; `match` judges events; `correlate` raises alerts. `match` and `correlate` may run in several, which divide their work.',
      default: [...DUTIES],
      maxItems: 5,
    }),
    listen,
    bus,
    ingest,
    listeners: listenerSettings,
    sources,
    quotas,
    retention,
    lag,
    webhooks: named(webhookSettings, {
      about: 'Services that post events to `/webhooks/NAME`, by names you choose. None by default.',
      maxEntries: 1000,
    }),
    detect,
    rules,
    sinks,
    replays,
    log,
  },
  rules: [
    {
      name: 'an embedded bus is for one process',
      breach: (value: { duties: readonly string[]; bus: { external: { servers: readonly string[] } } }) =>
        value.bus.external.servers.length > 0 || DUTIES.every((duty) => value.duties.includes(duty))
          ? undefined
          : 'duties can be left to other processes on an external bus only: name one with --bus or bus.external.servers',
    },
  ],
});

/** Settings as the program uses them: durations in milliseconds, sizes in bytes. */
export type InstallationSettings = SettingsOf<typeof installationSettings>;

/** Whether an address can only be reached from this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
