/**
 * The launcher behind every npm script: makes sure of Node 24, dependencies, build and nats-server, then runs the task on Node 24.
 * Plain JavaScript without dependencies, for any Node ≥ 18 on Linux and macOS. What is done already costs a few file lookups.
 *   node scripts/launch.mjs start|tocsin|test|check|bench|spike|faults|oracle|fuzz|agents|build|format|docs|clean [ARG…]
 */
import { join } from 'node:path';
import { build } from './launch/build.mjs';
import { clean } from './launch/clean.mjs';
import { dependencies } from './launch/dependencies.mjs';
import { handOver } from './launch/hand-over.mjs';
import { natsServer } from './launch/nats-server.mjs';
import { node24 } from './launch/node24.mjs';
import { Interrupted } from './launch/run-tool.mjs';
import { SetUpError, unwritable } from './launch/set-up-error.mjs';
import { withSetUpLock } from './launch/set-up-lock.mjs';
import { root } from './launch/workspace.mjs';

const program = join(root, 'packages', 'tocsin', 'dist', 'main.js');
const script = (name) => join(root, 'scripts', name);
/** Node 24 runs TypeScript; with this condition packages resolve to their sources, so these need no build. */
const FROM_SOURCE = ['--conditions=tocsin-source'];
/** Commands of `tocsin` that run the server or look for it; the others only ask a running one. */
const NATS_NEED_OF = { up: 'needed', start: 'needed', doctor: 'wanted' };

/** Per task: what Node 24 runs, whether it needs the build, and nats-server: `needed`, `wanted` (goes on without, saying so), or not at all. */
const TASKS = {
  start: { run: (args) => [program, 'start', ...args], build: true, nats: () => 'needed', cwd: userFolder },
  tocsin: {
    run: (args) => [program, ...args],
    build: true,
    nats: (given) => NATS_NEED_OF[given.find((word) => Object.hasOwn(NATS_NEED_OF, word))],
    cwd: userFolder,
    quiet: true,
  },
  test: { run: (args) => [...FROM_SOURCE, script('test.ts'), ...args], build: true, nats: () => (process.env.CI ? 'needed' : 'wanted') },
  check: { run: (args) => [...FROM_SOURCE, script('check.ts'), ...args], build: false },
  bench: { run: (args) => [join(root, 'bench', 'main.ts'), ...args], build: true, nats: () => 'needed' },
  spike: { run: (args) => [join(root, 'tests', 'spike', 'main.ts'), ...args], build: false, nats: () => 'needed' },
  faults: { run: (args) => [join(root, 'tests', 'faults', 'main.ts'), ...args], build: true, nats: () => 'needed' },
  oracle: { run: (args) => [...FROM_SOURCE, join(root, 'tests', 'hunt', 'compare-with-oracle.ts'), ...args], build: true },
  fuzz: { run: (args) => [...FROM_SOURCE, join(root, 'tests', 'fuzz', 'main.ts'), ...args], build: false },
  agents: { run: (args) => [...FROM_SOURCE, join(root, 'tests', 'agents', 'go', 'main.ts'), ...args], build: true, nats: () => 'needed' },
  docs: { run: (args) => [...FROM_SOURCE, script('gen-reference.ts'), ...args], build: false },
  format: { run: () => [join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome'), 'check', '--write', '.'], build: false },
  build: { build: true },
};

const [name, ...args] = process.argv.slice(2);
const startMs = performance.now();
let worked = false;

try {
  if (name === 'clean') clean(args);
  else await launch(TASKS[name]);
} catch (error) {
  if (error instanceof Interrupted) process.kill(process.pid, error.signal);
  else explain(error);
}

/** A set-up that could not be done is told in words; anything else is our bug and keeps its stack. */
function explain(error) {
  const known = error instanceof SetUpError ? error : unwritable(error, error.path ?? root);
  if (known === undefined) throw error;
  process.stderr.write(`${known.text}\n`);
  process.exitCode = 69;
}

async function launch(task) {
  if (task === undefined)
    throw new SetUpError(`there is no task ${name ?? ''}.`, { type: `npm run, with one of: ${Object.keys(TASKS).join(', ')}, clean` });
  const nodeBin = await ensure(node24);
  await ensure(dependencies, nodeBin);
  if (task.build) await ensure(build, nodeBin);
  const env = await natsEnvironment(task.nats?.(args));
  if (worked || !task.quiet) say(`set-up ready in ${seconds(startMs)}\n`);
  if (task.run !== undefined)
    handOver(nodeBin, task.run(args), { env: { ...env, TOCSIN_PROGRAM: 'npm run -s tocsin --' }, cwd: task.cwd?.() ?? root });
}

/** Environment that names nats-server, or says why there is none. */
async function natsEnvironment(need) {
  if (need === undefined) return {};
  try {
    return { TOCSIN_NATS_SERVER: await ensure(natsServer) };
  } catch (error) {
    if (need === 'needed' || !(error instanceof SetUpError)) throw error;
    say(`\n${error.text}\n`);
    return { TOCSIN_NATS_SERVER: '', TOCSIN_NATS_MISSING: error.message };
  }
}

/** Does a step unless it is done, one process at a time, saying what it does and how long it took. */
async function ensure(step, nodeBin) {
  const ready = await step.ready();
  if (ready) return ready;
  const waiting = () => say('another set-up of this clone is running; waiting for it\n');
  return withSetUpLock(async () => {
    const meanwhile = await step.ready();
    if (meanwhile) return meanwhile;
    worked = true;
    const begunMs = performance.now();
    say(`${step.name.padEnd(13)} ${step.doing} … `);
    try {
      const made = await step.make(nodeBin);
      say(`${seconds(begunMs)}\n`);
      return made;
    } catch (error) {
      say('\n\n');
      throw error;
    }
  }, waiting);
}

/** Where the user stood when he called npm, so that file names he gives mean what he means. */
function userFolder() {
  return process.env.INIT_CWD ?? process.cwd();
}

function seconds(sinceMs) {
  const ms = performance.now() - sinceMs;
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** Progress goes to stderr: stdout belongs to the task. */
function say(text) {
  process.stderr.write(text);
}
