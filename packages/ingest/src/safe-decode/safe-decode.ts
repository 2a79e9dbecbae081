/**
 * Undoing what hides text from rules: percent signs, HTML entities, escapes of JavaScript and shells, base64 (also PowerShell's UTF-16), letters
 * that only look like others. Layer by layer, each linear in the text, until nothing changes or the cost cap is reached. Nothing is run,
 * fetched or expanded: text never grows but by decoding.
 */
import { decodeBase64 } from './decode-base64.ts';

/** What decoding may cost. */
export interface DecodeBudget {
  /** Layers undone. */
  readonly maxLayers: number;
  /** Characters looked at, over all layers. */
  readonly maxCharacters: number;
}

/** The budget where nothing else is said: five layers, 64 Ki characters. */
export const defaultDecodeBudget: DecodeBudget = { maxLayers: 5, maxCharacters: 65_536 };

/** A way of hiding text. */
export type Layer = 'url' | 'html' | 'escape' | 'base64' | 'unicode';

/** What came out. */
export interface Decoded {
  readonly text: string;
  /** Layers that were undone, from the outside in; empty where the text hid nothing. */
  readonly layers: readonly Layer[];
  /** Whether the budget ended before the layers did: the rest is as it was. */
  readonly isCut: boolean;
}

/** Undoes the layers of a text. Never throws; takes time linear in the budget. */
export function safeDecode(given: string, budget: DecodeBudget = defaultDecodeBudget): Decoded {
  let text = given.length > budget.maxCharacters ? given.slice(0, budget.maxCharacters) : given;
  let isCut = text.length < given.length;
  let left = budget.maxCharacters;
  const layers: Layer[] = [];
  while (layers.length <= budget.maxLayers) {
    left -= text.length;
    const found = left < 0 ? undefined : outermost(text);
    if (found === undefined) {
      isCut ||= left < 0;
      break;
    }
    if (layers.length === budget.maxLayers) {
      isCut = true;
      break;
    }
    layers.push(found.layer);
    ({ text } = found);
  }
  return { text, layers, isCut };
}

function outermost(text: string): { layer: Layer; text: string } | undefined {
  for (const [layer, undo] of LAYERS) {
    const undone = undo(text);
    if (undone !== text) return { layer, text: undone };
  }
  return undefined;
}

function undoUrl(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%u([0-9A-Fa-f]{4})|(?:%[0-9A-Fa-f]{2})+/g, (run, unit: string | undefined) => {
    if (unit !== undefined) return String.fromCharCode(Number.parseInt(unit, 16));
    const bytes = Buffer.from(run.replaceAll('%', ''), 'hex');
    return new TextDecoder('utf-8', { fatal: false }).decode(bytes);
  });
}

function undoHtml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#(\d{1,7})|#[xX]([0-9A-Fa-f]{1,6})|([a-zA-Z]{2,8}));/g, (whole, ...parts: (string | undefined)[]) => {
    const [decimal, hex, name] = parts;
    if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}

const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  tab: '\t',
  newline: '\n',
  colon: ':',
  sol: '/',
  lpar: '(',
  rpar: ')',
  period: '.',
  dollar: '$',
  lbrace: '{',
  rbrace: '}',
};

function undoEscapes(text: string): string {
  if (!text.includes('\\')) return text;
  return text.replace(
    /\\u\{([0-9A-Fa-f]{1,6})\}|\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})|\\([0-7]{3})/g,
    (whole, ...parts: (string | undefined)[]) => {
      const [braced, unit, hex, octal] = parts;
      const code = octal === undefined ? Number.parseInt(braced ?? unit ?? hex ?? '', 16) : Number.parseInt(octal, 8);
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    },
  );
}

/** Letters that look like others become them (Unicode NFKC), and what is not seen goes. */
function undoUnicode(text: string): string {
  if (!/[^\x20-\x7e]/.test(text)) return text;
  return text
    .toWellFormed()
    .normalize('NFKC')
    .replace(/[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]/g, '');
}

const LAYERS: readonly (readonly [Layer, (text: string) => string])[] = [
  ['url', undoUrl],
  ['html', undoHtml],
  ['escape', undoEscapes],
  ['base64', decodeBase64],
  ['unicode', undoUnicode],
];
