/**
 * Runs the contract for one adapter: a fresh server per case, every case, and what a failure must print. Free of any test
 * framework: the caller hands in its `test`.
 */
import { strict as assert } from 'node:assert';
import { contractCases } from './contract-cases.ts';
import type { OpenHarness } from './contract-harness.ts';
import { type ContractCase, ContractKit } from './contract-kit.ts';

/** A case that an adapter is known not to hold to, and why. Fails once the case passes. */
export interface Waiver {
  readonly case: string;
  readonly reason: string;
}

/** One adapter's run. */
export interface ContractRun {
  /** Name of the adapter in titles. */
  readonly name: string;
  readonly openHarness: OpenHarness;
  /** Registers one test, such as vitest's `test`. */
  readonly test: (title: string, run: () => Promise<void>) => void;
  /** Where random series begin; the same seed gives the same series. */
  readonly seed: number;
  readonly waivers?: readonly Waiver[] | undefined;
  /** The cases; all of them unless the suite itself is under test. */
  readonly cases?: readonly ContractCase[] | undefined;
}

/** Registers every case for one adapter, and one test that its waivers name existing cases. */
export function runContract(run: ContractRun): void {
  const cases = run.cases ?? contractCases;
  const waivers = run.waivers ?? [];
  run.test(`${run.name}: waivers name existing cases and give a reason`, async () => checkWaivers(cases, waivers));
  for (const each of cases) {
    const waiver = waivers.find((candidate) => candidate.case === each.name);
    run.test(`${run.name}: ${each.name}${waiver ? ` (waived: ${waiver.reason})` : ''}`, () =>
      waiver === undefined ? runCase(each, run.openHarness, run.seed) : expectFailure(each, run),
    );
  }
}

/** @throws an assertion error for a waiver of no existing case, one named twice, or one without a reason */
export function checkWaivers(cases: readonly ContractCase[], waivers: readonly Waiver[]): void {
  const names = cases.map((each) => each.name);
  assert.deepEqual(
    names.filter((name, i) => names.indexOf(name) !== i),
    [],
    'case names are unique',
  );
  assert.deepEqual(
    waivers.filter((waiver) => !names.includes(waiver.case) || waiver.reason === ''),
    [],
    'waivers of unknown cases or without a reason',
  );
  const waived = waivers.map((waiver) => waiver.case);
  assert.deepEqual(
    waived.filter((name, i) => waived.indexOf(name) !== i),
    [],
    'cases waived twice',
  );
}

/** Runs one case on a fresh server, then looks for what it left open. A failure tells adapter, guarantees, seed and what was seen. */
export async function runCase(contractCase: ContractCase, openHarness: OpenHarness, seed: number): Promise<void> {
  await using harness = await openHarness(seed);
  const first = await harness.openBus();
  const { guarantees } = first;
  await first[Symbol.asyncDispose]();
  const kit = new ContractKit(harness, guarantees, seed);
  try {
    await contractCase.run(kit);
    await kit.closeAll();
    await harness.time.until(async () => (await harness.leaks()).length === 0, 'closed buses to leave nothing behind');
  } catch (cause) {
    const open = await harness.leaks();
    // Closing may hang for the same reason that failed the case: that is told beside it, not instead of it.
    const closing = await kit.closeAll().then(
      () => 'in order',
      (error: unknown) => String(error),
    );
    throw new Error(report(contractCase, kit, { cause, open, closing }), { cause });
  }
}

async function expectFailure(contractCase: ContractCase, run: ContractRun): Promise<void> {
  await assert.rejects(
    runCase(contractCase, run.openHarness, run.seed),
    Error,
    `the waived case "${contractCase.name}" passes: remove its waiver`,
  );
}

function report(
  contractCase: ContractCase,
  kit: ContractKit,
  failure: { readonly cause: unknown; readonly open: readonly string[]; readonly closing: string },
): string {
  return [
    failure.cause instanceof Error ? failure.cause.message : String(failure.cause),
    `case: ${contractCase.name}`,
    `adapter and guarantees: ${JSON.stringify(kit.guarantees)}`,
    `seed: ${kit.seed}`,
    `open at the time: ${failure.open.join(', ') || 'nothing'}`,
    `closed: ${failure.closing}`,
    `seen, in order:${kit.record.map((line) => `\n  ${line}`).join('') || ' nothing'}`,
  ].join('\n');
}
