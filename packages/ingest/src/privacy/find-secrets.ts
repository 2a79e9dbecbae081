/** Secrets in a text: found in time linear in it, as edits that mask them. Which fields are looked at, and what follows, is not known here. */
import { findCardNumbers } from './card-numbers.ts';
import { secretNames, secretPatterns } from './secret-patterns.data.ts';
import type { TextEdit } from './text-edits.ts';

/** Text that can hold none is told by this alone, which is most of it. */
const MAY_HOLD =
  /AKIA|ASIA|ABIA|ACCA|AIza|ya29\.|GOCSPX|gh[pousr]_|github_pat|gl(?:pat|dt|rt|ptt|ft)-|xox[abeoprs]-|hooks\.slack|k_(?:live|test)_|npm_|pypi-|SG\.|sk-|do[opr]_v1|hv[bsr]\.|tocsin_|eyJ|bearer |basic |:\/\/|pass|pwd|[-/]pw|secret|[-_]?key|token|curl|net1?(?:\.exe)?["']? {1,3}user|mysql|PRIVATE KEY|SecureString|\d(?:[ -]?\d){12}/i;

/** Longest private key that is looked through for its end, characters. */
const MAX_KEY_CHARS = 20_000;
const KEY_HEAD = /-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----/g;

/** Edits that mask every secret of a text; none overlap after `applyEdits`. */
export function findSecrets(text: string): TextEdit[] {
  if (!MAY_HOLD.test(text)) return [];
  const found = [...findPrivateKeys(text), ...findCardNumbers(text)];
  for (const { kind, look, after = 0 } of secretPatterns) {
    for (const match of text.matchAll(look)) {
      const [whole, value = whole] = match;
      if (isMasked(value)) continue;
      const to = match.index + whole.length - after;
      found.push({ from: to - value.length, to, text: maskOf(kind) });
    }
  }
  return found;
}

/** Whether a field of this name holds a secret, whatever its value looks like. */
export function isSecretName(name: string): boolean {
  return name.length <= MAX_NAME && secretNames.has(name.replace(/[-_]/g, '').toLowerCase());
}

/** What stands in a secret's place. Made of characters that no format of lines gives a meaning. */
export function maskOf(kind: string): string {
  return `***${kind}***`;
}

const MAX_NAME = 40;

/** What says itself that it is no secret any more. */
function isMasked(value: string): boolean {
  return value.startsWith('***') || /^(?:\*+|null|none|true|false|undefined)$/i.test(value);
}

function findPrivateKeys(text: string): TextEdit[] {
  const found: TextEdit[] = [];
  let done = 0;
  for (const { index } of text.matchAll(KEY_HEAD)) {
    if (index < done) continue;
    const end = text.slice(index, index + MAX_KEY_CHARS).search(/-----END [A-Z0-9 ]{1,80}-----/);
    const close = end < 0 ? -1 : text.indexOf('-----', index + end + 9);
    done = close < 0 ? Math.min(text.length, index + MAX_KEY_CHARS) : close + 5;
    found.push({ from: index, to: done, text: maskOf('private_key') });
  }
  return found;
}
