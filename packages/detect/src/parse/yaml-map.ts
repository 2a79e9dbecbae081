/** YAML mappings as plain objects: own keys only, so that `__proto__` and `constructor` are names like any other. */

/** A YAML mapping: own keys only. */
export type YamlMap = Readonly<Record<string, unknown>>;

/** Whether a YAML value is a mapping. */
export function isYamlMap(value: unknown): value is YamlMap {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** Own entry of a mapping, else undefined. */
export function entry(map: YamlMap, key: string): unknown {
  return Object.hasOwn(map, key) ? map[key] : undefined;
}

/** `over` laid upon `under`: maps are joined key by key, anything else is replaced. Neither is changed. */
export function mergeMaps(under: YamlMap, over: YamlMap): YamlMap {
  const merged = new Map(Object.entries(under));
  for (const [key, value] of Object.entries(over)) {
    const below = merged.get(key);
    merged.set(key, isYamlMap(below) && isYamlMap(value) ? mergeMaps(below, value) : value);
  }
  return Object.fromEntries(merged);
}

/** The mapping without some of its keys. */
export function withoutKeys(map: YamlMap, keys: readonly string[]): YamlMap {
  return Object.fromEntries(Object.entries(map).filter(([key]) => !keys.includes(key)));
}

/** How many values a mapping holds, itself and all below, counted up to `most`. */
export function countValues(root: unknown, most: number): number {
  let count = 0;
  const open: unknown[] = [root];
  while (open.length > 0 && count <= most) {
    const value = open.pop();
    count += 1;
    if (value === null || typeof value !== 'object') continue;
    for (const inner of Object.values(value)) {
      open.push(inner);
      if (open.length > most) return most + 1;
    }
  }
  return count;
}
