/** What reads rule files without judging by them: `@tocsin/detect/parse`. */
export { parseCompactly, parseSlice, parseTogether } from './parse/parse-compactly.ts';
