/**
 * Agents that are built from the Go module proxy, once per machine, by `npm run agents`: minutes of compiling, so CI runs them only where they
 * were built before.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** One of them: its name, version, and how its binary is made in a folder. */
interface GoAgent {
  readonly version: string;
  /** Makes `NAME` in the folder. */
  build(folder: string): void;
}

const TELEGRAF_PARTS = [
  'inputs.tail',
  'outputs.elasticsearch',
  'outputs.http',
  'outputs.loki',
  'outputs.mqtt',
  'outputs.syslog',
  'parsers.value',
  'serializers.json',
];

const AGENTS = {
  otelcol: {
    version: '0.120.0',
    build(folder) {
      go(folder, ['install', 'go.opentelemetry.io/collector/cmd/builder@v0.120.0'], { GOBIN: folder });
      const sources = join(folder, 'otelcol-sources');
      const manifest = join(folder, 'collector.yaml');
      const text = readFileSync(join(import.meta.dirname, 'collector.yaml'), 'utf8');
      writeFileSync(manifest, text.replace('dist:\n', `dist:\n  output_path: ${JSON.stringify(sources)}\n`));
      const options = { cwd: folder, stdio: 'inherit', env: GO_ENVIRONMENT } as const;
      execFileSync(join(folder, 'builder'), ['--config', manifest, '--skip-compilation'], options);
      go(sources, ['build', '-trimpath', '-ldflags', '-s -w', '-o', join(folder, 'otelcol'), '.']);
    },
  },
  telegraf: {
    version: '1.37.2',
    build(folder) {
      const tags = ['custom', ...TELEGRAF_PARTS].join(',');
      const flags = ['-trimpath', '-ldflags', '-s -w', '-tags', tags];
      go(folder, ['install', ...flags, 'github.com/influxdata/telegraf/cmd/telegraf@v1.37.2'], { GOBIN: folder });
    },
  },
} satisfies Record<string, GoAgent>;

/** Names of the agents. */
export type GoAgentName = keyof typeof AGENTS;
/** All of them, in the order of the report. */
export const goAgentNames = Object.keys(AGENTS) as GoAgentName[];

const GO_ENVIRONMENT = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false' };

/** Where the binary of an agent is; undefined where it was not built. */
export function builtGoAgent(name: GoAgentName): string | undefined {
  const path = join(folderOf(name), name);
  return existsSync(path) ? path : undefined;
}

/** Its version. */
export function versionOf(name: GoAgentName): string {
  return AGENTS[name].version;
}

/** Builds an agent that is not there yet; answers how long that took, seconds. @throws where Go, or a module, cannot be had */
export function buildGoAgent(name: GoAgentName): number {
  if (builtGoAgent(name) !== undefined) return 0;
  const startMs = performance.now();
  const fresh = `${folderOf(name)}.new`;
  mkdirSync(fresh, { recursive: true, mode: 0o700 });
  AGENTS[name].build(fresh);
  renameSync(fresh, folderOf(name));
  return (performance.now() - startMs) / 1000;
}

function folderOf(name: GoAgentName): string {
  const root = join(tmpdir(), `tocsin-agents-${process.getuid?.() ?? 0}`);
  mkdirSync(root, { recursive: true, mode: 0o700 });
  return join(root, `${name}-${AGENTS[name].version}`);
}

function go(cwd: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): void {
  execFileSync('go', args, { cwd, stdio: 'inherit', env: { ...GO_ENVIRONMENT, ...environment } });
}
