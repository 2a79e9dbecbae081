/** What may be typed after `npm run faults --`, and what is printed where it cannot be understood. */
import { parseArgs } from 'node:util';

const USAGE = `npm run faults -- [options]

  --seed N        what everything random is drawn from (1)
  --events N      events that must be acknowledged, in rounds of 100,000 (100000)
  --kills N       kill -9 of nats-server, of Tocsin and of both, over all rounds (45)
  --hours H       rounds until so many hours have passed, instead of --events
  --no-mutants    leave out the runs that prove that the harness can see
  --json          one JSON object instead of the report
  --report FILE   write FILE.md and FILE.json
`;

const options = {
  help: { type: 'boolean', short: 'h', default: false },
  seed: { type: 'string', default: '1' },
  events: { type: 'string', default: '100000' },
  kills: { type: 'string', default: '45' },
  hours: { type: 'string' },
  json: { type: 'boolean', default: false },
  report: { type: 'string' },
  'no-mutants': { type: 'boolean', default: false },
} as const;

/** As typed, with defaults. */
export interface FaultArguments {
  readonly seed: number;
  readonly events: number;
  readonly kills: number;
  readonly hours: number | undefined;
  readonly isJson: boolean;
  /** Path of the report without its ending. */
  readonly report: string | undefined;
  readonly hasMutants: boolean;
}

/** What was asked for; where there is nothing to run, the exit code, the reason or the usage having been printed. */
export function readFaultArguments(typed: readonly string[]): FaultArguments | { readonly exitCode: number } {
  try {
    const { values } = parseArgs({ args: [...typed], options });
    if (values.help) {
      process.stdout.write(USAGE);
      return { exitCode: 0 };
    }
    return {
      seed: numberOf('seed', values.seed),
      events: numberOf('events', values.events),
      kills: numberOf('kills', values.kills),
      hours: values.hours === undefined ? undefined : numberOf('hours', values.hours),
      isJson: values.json,
      report: values.report,
      hasMutants: !values['no-mutants'],
    };
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof RangeError)) throw error;
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    return { exitCode: 64 };
  }
}

/** @throws RangeError where it is none, or negative */
function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number) || number < 0)
    throw new RangeError(`--${name} takes a number from 0 on, not “${text}”`);
  return number;
}
