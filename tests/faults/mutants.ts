/**
 * Mutants: copies of the built program with one promise broken, by which the harness proves that it can see. Made at test time by patching
 * copied files; the program itself has no switch that weakens it. A patch that no longer finds its place fails loudly.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { builtProgram } from './tocsin-process.ts';

const root = join(import.meta.dirname, '..', '..');

/** A change of a built file; `find` must occur in it exactly once. */
export type Patch = { readonly file: string; readonly find: string; readonly put: string };

/** One broken promise; `also` where two parts keep it. */
export type Mutant = Patch & { readonly name: string; readonly also?: Patch };

/** Every mutant; each must turn the quick run red. */
export const mutants: readonly Mutant[] = [
  {
    name: 'acknowledged before the commit',
    file: 'packages/ingest/dist/intake-batch.js',
    find: 'this.#stored.resolve(await this.#use.framer.add({ tenant, lane, source: name, shard }, this.#events));',
    put: `this.#use.framer.add({ tenant, lane, source: name, shard }, this.#events).then(undefined, () => undefined);
            this.#stored.resolve(this.#events.map((_, index) => ({ position: '0', index })));`,
  },
  {
    name: 'the matcher resumes at the end of the log',
    file: 'packages/tocsin/dist/duties/partition-progress.js',
    find: "return least === undefined ? 'first' : { after: least };",
    put: "return least === undefined ? 'first' : 'new';",
  },
  {
    name: 'a replayed change of an alert written again',
    file: 'packages/tocsin/dist/duties/alert-writer.js',
    find: 'if (known && known.alert.foldRevision >= alert.foldRevision)',
    put: 'if (known && false)',
  },
  {
    name: 'dedup off',
    file: 'packages/tocsin/dist/duties/frame-dedup.js',
    find: 'verdicts.push(fold.advance(event));',
    put: "fold.advance(event), verdicts.push('first');",
    // What a resend after a restart is answered from would hide it.
    also: { file: 'packages/tocsin/dist/flow/recall-ids.js', find: 'if (from !== undefined)', put: 'if (false)' },
  },
  {
    name: 'the tenant of a frame not compared with its subject',
    file: 'packages/tocsin/dist/duties/frame-feed.js',
    find: 'openFrame(stored.body, { tenant })',
    put: 'openFrame(stored.body)',
  },
  {
    name: 'watermarks from the clock',
    file: 'packages/tocsin/dist/duties/partition-progress.js',
    find: 'watermarks.observe(key, Math.min(frame.timeMs(i), receivedMs), receivedMs);',
    put: 'watermarks.observe(key, Date.now(), receivedMs);',
  },
  {
    name: 'matches of a step written in reverse',
    file: 'packages/tocsin/dist/duties/step-draft.js',
    find: 'draft.matches.join',
    put: 'draft.matches.reverse().join',
  },
  {
    name: 'a checkpoint of the folds before the alerts it stands for',
    file: 'packages/tocsin/dist/duties/correlator.js',
    // That new alerts wait as others do breaks nothing by itself; it makes the gap wide enough to be hit.
    find: `if (isSaveDue || this.#changed.dueInMs() <= 0)
            await this.writeChanges();
        else
            await this.#write(this.#changed.takeNew());`,
    put: `if (this.#changed.dueInMs() <= 0)
            await this.writeChanges();`,
    // Once a minute is seldom beside the kills of a quick run.
    also: {
      file: 'packages/tocsin/dist/duties/correlator.js',
      find: 'const CHECKPOINT_EVERY_MS = 60_000',
      put: 'const CHECKPOINT_EVERY_MS = 100',
    },
  },
  {
    name: 'the tenant taken from a header',
    file: 'packages/ingest/dist/http/door-visit.js',
    find: 'const { source } = await this.#shared.authenticate({',
    put: `const claimed = this.#request.headers['x-tenant'];
        const { source } = await ((evidence) => this.#shared.authenticate(evidence).then(({ source: own }) => ({
            source: claimed === undefined ? own : { ...own, tenant: claimed },
        })))({`,
  },
  {
    name: 'alert id with a random part',
    file: 'packages/detect/dist/correlate/episode.js',
    find: 'hashParts([String(timeMs), source, eventId])',
    put: 'hashParts([String(timeMs), source, eventId, String(Math.random())])',
  },
];

/** A mutant on disk. Disposing removes it. */
export interface BuiltMutant extends Disposable {
  /** Path of its `main.js`. */
  readonly program: string;
}

/** Copies what is built and patches it; dependencies and rules stay where they are. @throws when the patch does not fit */
export function buildMutant(mutant: Mutant): BuiltMutant {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-mutant-'));
  try {
    copyPackages(folder);
    linkDependencies(folder);
    for (const name of ['rules', 'examples']) if (existsSync(join(root, name))) symlinkSync(join(root, name), join(folder, name));
    for (const each of mutant.also === undefined ? [mutant] : [mutant, mutant.also]) patch(join(folder, each.file), mutant.name, each);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    program: join(folder, relative(root, builtProgram)),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function copyPackages(folder: string): void {
  for (const name of readdirSync(join(root, 'packages'))) {
    const [from, to] = [join(root, 'packages', name), join(folder, 'packages', name)];
    mkdirSync(to, { recursive: true });
    for (const entry of ['package.json', 'dist', 'mappings', 'node_modules']) {
      if (existsSync(join(from, entry))) cpSync(join(from, entry), join(to, entry), { recursive: true });
    }
  }
}

/** Packages of ours resolve to the copies, everything else to what is installed. */
function linkDependencies(folder: string): void {
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '@tocsin'), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name !== '@tocsin' && !name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  for (const name of readdirSync(join(root, 'packages'))) symlinkSync(join(folder, 'packages', name), join(modules, '@tocsin', name));
  cpSync(join(root, 'package.json'), join(folder, 'package.json'));
}

function patch(path: string, name: string, { find, put }: Patch): void {
  const parts = readFileSync(path, 'utf8').split(find);
  if (parts.length !== 2) throw new Error(`mutant “${name}”: its place is found ${parts.length - 1} times in ${path}; correct the patch`);
  writeFileSync(path, parts.join(put));
}
