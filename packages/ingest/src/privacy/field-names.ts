/** Which fields of a record a rule names: by name at any depth, by path from the root, or as one flat name with dots in it; without regard to case. */

/** Fields that rules name, each with what belongs to it. */
export class FieldNames<T> {
  /** By the last part of the name. */
  readonly #byLast = new Map<string, { readonly path: string; readonly value: T }[]>();

  add(field: string, value: T): void {
    const path = field.toLowerCase();
    const last = lastPart(path);
    this.#byLast.set(last, [...(this.#byLast.get(last) ?? []), { path, value }]);
  }

  get isEmpty(): boolean {
    return this.#byLast.size === 0;
  }

  /** What belongs to the field whose names from the root are these; the rule given first counts. */
  find(names: readonly string[]): T | undefined {
    const name = names.at(-1)?.toLowerCase() ?? '';
    const rules = this.#byLast.get(lastPart(name));
    if (rules === undefined) return undefined;
    const whole = names.join('.').toLowerCase();
    return rules.find(({ path }) => path === name || path === whole)?.value;
  }
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}
