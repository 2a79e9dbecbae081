/** Vitest reporter that writes one JSON file of counts: `npm test` adds them up over its runs. Skips keep their reasons. */
import { writeFileSync } from 'node:fs';
import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** A test that did not run. `reason` is what it gave to `context.skip`, or `needs` gave in its place; empty where there is none. */
export interface SkippedTest {
  readonly name: string;
  readonly reason: string;
}

/** What one run of Vitest came to. `broken`: files that could not be loaded, hooks and errors outside any test. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: readonly string[];
  readonly skipped: readonly SkippedTest[];
  readonly broken: readonly string[];
}

/** Of a failure's reason, characters. */
const MAX_LINE = 200;

/** Writes `TestCounts` to the file that TOCSIN_TEST_COUNTS names, when the run ends. Vitest wants a default export. */
export default class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly { message: string }[]): void {
    const path = process.env['TOCSIN_TEST_COUNTS'];
    if (path === undefined) throw new Error('TOCSIN_TEST_COUNTS names no file: run this reporter through npm test');
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const inState = (state: string): TestCase[] => tests.filter((test) => test.result().state === state);
    const counts: TestCounts = {
      passed: inState('passed').length,
      failed: [...inState('failed'), ...inState('pending')].map((test) => `${nameOf(test)}${reasonOfFailure(test)}`),
      skipped: inState('skipped').map((test) => ({ name: nameOf(test), reason: reasonOf(test) })),
      broken: [...modules.flatMap(brokenOutsideTests), ...unhandled.map((error) => `outside any test: ${error.message}`)],
    };
    writeFileSync(path, JSON.stringify(counts));
  }
}

function nameOf(test: TestCase): string {
  return `${test.module.relativeModuleId} > ${test.fullName}`;
}

/** First line of what it failed with: enough to know a failure again by the end of a long output. */
function reasonOfFailure(test: TestCase): string {
  const [line = ''] = (test.result().errors?.[0]?.message ?? '').split('\n');
  return line === '' ? '' : `: ${line.slice(0, MAX_LINE)}`;
}

function reasonOf(test: TestCase): string {
  const result = test.result();
  if (result.state !== 'skipped') return '';
  return result.note ?? test.meta().skipReason ?? (standsInBroken(test) ? 'its suite broke off before it' : '');
}

/** Whether a hook around it failed, which is counted as broken itself. */
function standsInBroken(test: TestCase): boolean {
  for (let part: TestCase['parent'] = test.parent; ; part = part.parent) {
    if (part.errors().length > 0) return true;
    if (part.type === 'module') return false;
  }
}

function brokenOutsideTests(module: TestModule): string[] {
  const suites = [...module.children.allSuites()];
  return [module, ...suites].flatMap((part) => part.errors().map((error) => `${module.relativeModuleId}: ${error.message}`));
}
