/** Stretches of event time: windows that satisfied the condition, joined where they share events or lie close enough. */

/** A stretch of event time, both ends included, milliseconds since 1970. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
  /** When the condition first held in it. */
  readonly heldMs: number;
}

/** Whether two stretches belong to one episode: they share time, or no more than the gap lies between them. */
export function touches(a: { readonly fromMs: number; readonly toMs: number }, b: typeof a, gapMs: number): boolean {
  return a.fromMs <= b.toMs + gapMs && b.fromMs <= a.toMs + gapMs;
}

/** One stretch of two. */
export function joined(a: Stretch, b: Stretch): Stretch {
  return { fromMs: Math.min(a.fromMs, b.fromMs), toMs: Math.max(a.toMs, b.toMs), heldMs: Math.min(a.heldMs, b.heldMs) };
}

/** Adds a stretch to a list without touching ones, in order of time. */
export function addStretch(list: Stretch[], stretch: Stretch, gapMs: number): void {
  let whole = stretch;
  let at = list.length;
  while (at > 0 && (list[at - 1] as Stretch).fromMs > whole.toMs + gapMs) at -= 1;
  let first = at;
  while (first > 0 && touches(list[first - 1] as Stretch, whole, gapMs)) {
    first -= 1;
    whole = joined(list[first] as Stretch, whole);
  }
  list.splice(first, at - first, whole);
}
