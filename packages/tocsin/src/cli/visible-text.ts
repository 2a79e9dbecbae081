/** Text from outside made safe and measurable for a terminal: nothing that steers it, hides or reorders text gets through raw. */

/**
 * C0, C1, soft hyphen, bidirectional marks and overrides, zero-width and invisible characters, line and paragraph separators, byte order mark,
 * interlinear annotations, language tags, variation selectors supplement and lone surrogates (Unicode Technical Report 36, section 2 and 3).
 */
const STEERING =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are the ones to catch
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\u{e0000}-\u{e0fff}]|\u034f|\p{Surrogate}/gu;

const ZERO_WIDTH = /[\p{Mn}\p{Me}\ufe00-\ufe0f]/u;
/** East Asian wide and full-width forms and emoji (Unicode Standard Annex 11), by block. */
const WIDE =
  /[\u1100-\u115e\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;

/** Text with every character that could steer a terminal, hide or reorder text written out, such as `\u001b` or `\u{e0041}`. */
export function visible(text: string): string {
  return text.replace(STEERING, (character) => {
    const code = (character.codePointAt(0) ?? 0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`;
  });
}

/** JSON text with the same characters written as JSON's own escapes: it means what it meant, and steers no terminal. */
export function visibleJson(json: string): string {
  return json.replace(STEERING, (character) =>
    [...Array(character.length).keys()].map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}

/** The same for text of several lines: line feeds and tabs stay. */
export function visibleLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.split('\t').map(visible).join('\t'))
    .join('\n');
}

/** Columns that text made visible takes on a terminal. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text) width += ZERO_WIDTH.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** Text of at most `max` columns that keeps its end, as the end of a path or ARN says most; longer text begins with `…`. */
export function shortenStart(text: string, max: number): string {
  if (textWidth(text) <= max) return text;
  const characters = [...text];
  while (characters.length > 0 && textWidth(characters.join('')) > max - 1) characters.shift();
  return `…${characters.join('')}`;
}

/** Text of at most `max` columns; longer text ends in `…`. */
export function shorten(text: string, max: number): string {
  if (textWidth(text) <= max) return text;
  let width = 0;
  let kept = '';
  for (const character of text) {
    width += textWidth(character);
    if (width > max - 1) break;
    kept += character;
  }
  return `${kept}…`;
}
