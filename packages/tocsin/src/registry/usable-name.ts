/** Names that people type: of sources, persons and tenants. */
import { encodeToken, TocsinError } from '@tocsin/core';

/** Control characters, marks of direction and of joining, ends of lines and paragraphs. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/**
 * Refuses what cannot stand in a path, in a line of text and in a subject: what a thing is registered as is what people type to revoke it.
 * @throws bus.bad_name
 */
export function requireUsableName(name: string): void {
  encodeToken(name);
  const reason =
    name === '.' || name === '..'
      ? 'it stands for a folder in paths'
      : name.trim() !== name
        ? 'it begins or ends with white space'
        : INVISIBLE.test(name)
          ? 'it holds control characters, or others that are not seen'
          : undefined;
  if (reason !== undefined) throw new TocsinError('bus.bad_name', { name: JSON.stringify(name), reason });
}
