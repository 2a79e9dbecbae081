/** The oracle for subject filters: the definition, word by word and without thought of speed. Only tests believe it. */

/** Whether a filter takes a subject: `*` is any one token, a last `>` one or more. */
export function oracleMatches(filter: readonly string[], subject: readonly string[]): boolean {
  const [wanted, ...laterWanted] = filter;
  const [token, ...laterTokens] = subject;
  if (wanted === undefined || token === undefined) return wanted === token;
  if (wanted === '>') return true;
  return (wanted === '*' || wanted === token) && oracleMatches(laterWanted, laterTokens);
}
