/** What a hunt has come to so far: counted as verdicts come in, in the order of the input. */
import type { Unread } from './hunt-block.ts';
import type { BlockVerdict } from './judge-block.ts';

/** Something that was not read, where it stands for people. */
export interface UnreadAt {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly reason: string;
}

/** Counts of a hunt. */
export class HuntTally {
  events = 0;
  unparsed = 0;
  matches = 0;
  readonly matchesByRule = new Map<string, number>();
  /** The first of what could not be read. */
  readonly unread: UnreadAt[] = [];
  /** Files that could not be read, or not to their end. */
  readonly failedFiles: { file: string; reason: string }[] = [];

  /** Rules that threw, how often, and where first. */
  readonly ruleErrors = new Map<string, { count: number; readonly example: string }>();

  /** Takes a block's verdict; `firstLine` is the number of its first line in its file, from 1. */
  addVerdict(verdict: BlockVerdict, { file, firstLine }: { file: string; firstLine: number }): void {
    this.events += verdict.events;
    this.unparsed += verdict.unreadCount;
    for (const unread of verdict.unread) this.#show(unread, file, firstLine);
    for (const [ruleId, count] of verdict.counts) this.addMatches(ruleId, count);
  }

  addMatches(ruleId: string, count: number): void {
    this.matches += count;
    this.matchesByRule.set(ruleId, (this.matchesByRule.get(ruleId) ?? 0) + count);
  }

  /** Takes note of a rule that threw on a record. */
  addRuleError(ruleId: string, example: string): void {
    const known = this.ruleErrors.get(ruleId) ?? { count: 0, example };
    known.count += 1;
    this.ruleErrors.set(ruleId, known);
  }

  addUnread(unread: Unread, file: string, firstLine: number): void {
    this.unparsed += 1;
    this.#show(unread, file, firstLine);
  }

  #show({ line, reason }: Unread, file: string, firstLine: number): void {
    if (this.unread.length < MOST_SHOWN) this.unread.push({ file, line: firstLine + line, reason });
  }
}

const MOST_SHOWN = 20;
