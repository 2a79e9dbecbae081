/** A rule file as it was read, before anybody knows what it says. */

/** A rule file's bytes, under the path it is shown by. */
export interface RuleBytes {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** The same with its text, which the parser reads. */
export function ruleText({ path, bytes }: RuleBytes): { readonly path: string; readonly text: string } {
  return { path, text: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8') };
}
