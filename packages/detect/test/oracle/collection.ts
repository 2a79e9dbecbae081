// The older format's rule collections: which documents a file comes to once its actions are carried out.

import type { Json } from './fields.ts';

type Layer = { readonly [key: string]: Json };

/** `global` lies under the documents behind it, `reset` ends that, `repeat` is the document before it with changes. */
export function carryOut(documents: readonly Json[]): Json[] {
  let base: Layer = {};
  let last: Layer = {};
  return documents.flatMap((document): Json[] => {
    if (!isLayer(document)) return [document];
    const { action, ...own } = document;
    if (action === 'reset') base = {};
    if (action === 'global') base = layered(base, own);
    if (action === 'reset' || action === 'global') return [];
    last = layered(action === 'repeat' ? last : base, own);
    return [last];
  });
}

function layered(under: Layer, over: Layer): Layer {
  const keys = [...new Set([...Object.keys(under), ...Object.keys(over)])];
  return Object.fromEntries(
    keys.map((key): [string, Json] => {
      const [below, above] = [under[key], over[key]];
      if (isLayer(below) && isLayer(above)) return [key, layered(below, above)];
      return [key, above === undefined ? (below ?? null) : above];
    }),
  );
}

function isLayer(value: Json | undefined): value is Layer {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
