/** Hunts in tests: rules and files as text, findings and counts out. Each hunt has a folder of its own, removed with it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ParsedRules, parseRules } from '@tocsin/detect';
import { loadMappings, readShippedMappings } from '@tocsin/ingest';
import { type BufferPool, createBufferPool } from '../src/hunt/buffer-pool.ts';
import type { Finding } from '../src/hunt/finding.ts';
import { huntFiles } from '../src/hunt/hunt-files.ts';
import { HuntTally } from '../src/hunt/hunt-tally.ts';
import { createLocalJudge, type Judge } from '../src/hunt/judge.ts';
import type { JudgeSetup } from '../src/hunt/judge-block.ts';
import { createJudgeSetup, type JudgeChoices } from '../src/hunt/judge-setup.ts';

/** The mappings of hunts in tests. */
export const mappings = loadMappings(readShippedMappings());

/** What a hunt came to. */
export interface HuntOutcome {
  readonly tally: HuntTally;
  readonly findings: readonly Finding[];
}

/** How a hunt in a test is judged. */
export interface HuntChoices extends Partial<JudgeChoices> {
  /** Who judges; the main thread alone where absent. Disposed with the hunt. */
  readonly judge?: (setup: JudgeSetup, pool: BufferPool, rules: ParsedRules) => Judge;
}

/** Hunts through files, given by name, with these rules. */
export async function huntThrough(
  rules: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  { judge: openJudge = createLocalJudge, ...choices }: HuntChoices = {},
): Promise<HuntOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-hunt-test-'));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    const parsed = parseRules([{ path: 'rules.yml', text: rules }]);
    const setup = createJudgeSetup(parsed.rules, mappings, { logSourceFields: undefined, detail: 'full', ...choices });
    const pool = createBufferPool();
    await using judge = openJudge(setup, pool, parsed);
    const tally = new HuntTally();
    const findings: Finding[] = [];
    await huntFiles({
      compiled: setup.compiled,
      judge,
      pool,
      inputs: Object.keys(files).map((name) => ({ path: join(folder, name), size: undefined })),
      stdin: process.stdin,
      tally,
      onFinding: (finding) => findings.push(finding),
      onRuleError: (ruleId, place, reason) => {
        throw new Error(`${ruleId} at line ${place.line}: ${reason}`);
      },
      onProgress: () => undefined,
      temporary: folder,
      nowMs: Date.UTC(2026, 0, 1),
      signal: new AbortController().signal,
    });
    return { tally, findings };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Lines, from 1, on which a rule was found. */
export function linesOf({ findings }: HuntOutcome, ruleId: string): number[] {
  return findings.flatMap((finding) => (finding.kind === 'match' && finding.rule.id === ruleId ? [finding.place.line] : []));
}
