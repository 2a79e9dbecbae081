import { describe, expect, it } from 'vitest';
import { matchAt, ruleSet, stepOf } from '../../test/fold-steps.ts';
import { createFoldSet, type FoldSet } from './fold-set.ts';

const SPAN_MS = 600_000;

function open(): FoldSet {
  return createFoldSet(ruleSet('{ type: absence, rules: [base], group-by: [k], timespan: 10m }'));
}

describe('absence', () => {
  it('fires when the watermark has passed the last sign of life by more than the timespan, once', () => {
    const folds = open();
    expect(folds.advance(stepOf([matchAt(1000)], 1000))).toEqual([]);
    expect(folds.advance(stepOf([], 1000 + SPAN_MS))).toEqual([]);
    const [fired] = folds.advance(stepOf([], 1001 + SPAN_MS));
    expect(fired).toMatchObject({ count: 1, firstMs: 1000, lastMs: 1000, foldRevision: 1, groupBy: { k: 'x' } });
    expect(folds.advance(stepOf([], 9 * SPAN_MS))).toEqual([]);
  });

  it('never fires for a group that was not seen', () => {
    expect(open().advance(stepOf([], 100 * SPAN_MS))).toEqual([]);
  });

  it('does not fire by events of another group, only by the watermark', () => {
    const folds = open();
    folds.advance(stepOf([matchAt(1000)]));
    expect(folds.advance(stepOf([matchAt(5 * SPAN_MS, { group: { k: 'y' } })]))).toEqual([]);
  });

  it('tells when the group was seen again, and is armed anew', () => {
    const folds = open();
    folds.advance(stepOf([matchAt(1000)], 1000));
    const [fired] = folds.advance(stepOf([], 2 * SPAN_MS));
    const [ended] = folds.advance(stepOf([matchAt(3 * SPAN_MS)], 3 * SPAN_MS));
    expect(ended).toMatchObject({ id: fired?.id, foldRevision: 2 });
    expect(ended?.explanation).toContainEqual(expect.objectContaining({ field: 'seen again', value: new Date(3 * SPAN_MS).toISOString() }));
    const [again] = folds.advance(stepOf([], 5 * SPAN_MS));
    expect(again?.id).not.toBe(fired?.id);
  });

  it('finds a silence whose end is known before the watermark has passed it, and none that a late sign fills', () => {
    const ends = [matchAt(1000), matchAt(1000 + 2 * SPAN_MS)];
    const folds = open();
    folds.advance(stepOf(ends));
    expect(folds.advance(stepOf([], 1000 + 2 * SPAN_MS))).toHaveLength(1);
    const filled = open();
    filled.advance(stepOf([...ends, matchAt(1000 + SPAN_MS)]));
    expect(filled.advance(stepOf([], 1000 + 2 * SPAN_MS))).toEqual([]);
  });

  it('waits for the slowest source, but not for one that stopped', () => {
    const folds = open();
    folds.advance(stepOf([matchAt(1000), matchAt(1000, { source: 'slow', group: { k: 'z' } })], 1000));
    expect(folds.advance(stepOf([], 2 * SPAN_MS, { 'acme/slow': 2000 }))).toEqual([]);
    expect(folds.advance(stepOf([], 2 * SPAN_MS + 1, { 'acme/slow': 2 * SPAN_MS }))).toHaveLength(2);
    const stopped = open();
    stopped.advance(stepOf([matchAt(1000), matchAt(1000, { source: 'slow', group: { k: 'z' } })], 1000, { 'acme/slow': 1000 }));
    expect(stopped.advance(stepOf([], 24 * 3_600_000))).toHaveLength(2);
  });
});
