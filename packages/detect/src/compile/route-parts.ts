/**
 * How the rules of a route are divided into parts, each of which the filter looks for with one program: all in one at first, and rules that
 * come later in small parts beside it, so that one rule costs its own program and not that of thousands. Which rules a route has is
 * not decided here.
 */
import type { LogSource } from '@tocsin/core';
import type { DetectionRule } from '../parse/parsed-rule.ts';
import type { PartUse, RoutePart } from './compiled-rules.ts';

/** Rules that are added to a route beside what it has; more are a reason to make one part of all. */
const MOST_ADDED = 64;
/** Parts of a route: every record is walked once for each. */
const MOST_PARTS = 6;

/** Parts for these rules, in which as much as possible of the former ones is used again. */
export function divideRules(rules: readonly DetectionRule[], logSource: LogSource, former: readonly PartUse[] = []): readonly PartUse[] {
  const { uses, rest } = takeOver(rules, former);
  if (uses.length === 0 || rest.length > MOST_ADDED || uses.some(isMostlyGone)) return [whole(rules, logSource)];
  if (rest.length === 0) return uses;
  const [added, joined] = joinSmall(rest, uses, rules);
  const parts = uses.slice(0, uses.length - joined);
  if (parts.length === 0 || parts.length >= MOST_PARTS) return [whole(rules, logSource)];
  return [...parts, useOf({ logSource, rules: added }, placesOf(rules))];
}

/** Whether two rules are the same in everything that decides what they mean. */
function isSame(one: DetectionRule, other: DetectionRule): boolean {
  return one === other || (one.meta.id === other.meta.id && one.meta.version === other.meta.version);
}

function whole(rules: readonly DetectionRule[], logSource: LogSource): PartUse {
  return { part: { logSource, rules }, places: undefined };
}

function placesOf(rules: readonly DetectionRule[]): Map<string, number> {
  return new Map(rules.map((rule, place) => [rule.meta.id, place]));
}

interface Taken {
  readonly uses: readonly PartUse[];
  /** Rules that no part has. */
  readonly rest: readonly DetectionRule[];
}

function takeOver(rules: readonly DetectionRule[], former: readonly PartUse[]): Taken {
  if (former.length === 0) return { uses: [], rest: rules };
  const places = placesOf(rules);
  const isTaken = new Uint8Array(rules.length);
  const uses = former.flatMap(({ part }): PartUse[] => {
    let alive = 0;
    const own = Int32Array.from(part.rules, (rule) => {
      const place = places.get(rule.meta.id);
      if (place === undefined || isTaken[place] === 1 || !isSame(rule, rules[place] as DetectionRule)) return GONE;
      isTaken[place] = 1;
      alive += 1;
      return place;
    });
    if (alive === 0) return [];
    const isWhole = alive === rules.length && own.every((place, index) => place === index);
    return [{ part, places: isWhole ? undefined : own }];
  });
  return { uses, rest: rules.filter((_, place) => isTaken[place] === 0) };
}

/** Place of a rule that is no longer in force. */
const GONE = -1;

function isMostlyGone({ places }: PartUse): boolean {
  if (places === undefined || places.length <= MOST_ADDED) return false;
  return places.reduce((gone, place) => gone + (place === GONE ? 1 : 0), 0) * 2 > places.length;
}

/** New rules with those of the small parts at the end that are no larger: as a counter carries, so that parts stay few and rules are seldom planned again. */
function joinSmall(
  rest: readonly DetectionRule[],
  uses: readonly PartUse[],
  rules: readonly DetectionRule[],
): readonly [readonly DetectionRule[], number] {
  let added = rest;
  let joined = 0;
  for (const { part, places } of uses.slice(1).reverse()) {
    if (part.rules.length > added.length || part.rules.length + added.length > MOST_ADDED) break;
    const alive = part.rules.flatMap((_, index) => rules[places?.[index] ?? index] ?? []);
    added = [...alive, ...added];
    joined += 1;
  }
  return [added, joined];
}

function useOf(part: RoutePart, places: ReadonlyMap<string, number>): PartUse {
  return { part, places: Int32Array.from(part.rules, (rule) => places.get(rule.meta.id) ?? GONE) };
}
